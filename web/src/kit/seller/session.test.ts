import { describe, expect, it, vi } from 'vitest';
import { apiOf, json, member, problem } from './testing/fixture';
import { Session } from './session.svelte';

const me = (shops: unknown[] = []) => ({ member, operator: false, shops });

describe('Session', () => {
  it.each([
    ['in', () => me()],
    ['out', () => problem(401, 'unauthenticated')],
    ['failed', () => problem(503, 'unavailable')],
  ] as const)('is %s by what the server says', async (state, answer) => {
    const session = new Session(apiOf({ 'GET /me': answer }).api);
    expect(session.state).toBe('checking');
    await session.check();
    expect(session.state).toBe(state);
  });

  it('signs in; wrong credentials are thrown and change nothing', async () => {
    let wrong = true;
    const { api } = apiOf({
      'GET /me': () => problem(401, 'unauthenticated'),
      'POST /session': () => (wrong ? problem(401, 'invalid_credentials') : me()),
    });
    const session = new Session(api);
    await session.check();
    await expect(session.signIn('a@b', 'x')).rejects.toMatchObject({ code: 'invalid_credentials' });
    expect(session.state).toBe('out');
    wrong = false;
    await session.signIn('a@b', 'x');
    expect(session.state).toBe('in');
  });

  it('keeps who was there when the session ends by itself', async () => {
    let ended = false;
    const { api } = apiOf({
      'GET /me': () => me(),
      'GET /products': () => (ended ? problem(401, 'unauthenticated') : { items: [] }),
    });
    const session = new Session(api);
    const stop = session.start();
    await vi.waitFor(() => expect(session.state).toBe('in'));
    ended = true;
    await api.GET('/products').catch(() => undefined);
    expect(session.state).toBe('expired');
    expect(session.me?.member.name).toBe('박달님');
    stop();
  });

  it('keeps who was there when the session is another member’s by now', async () => {
    const { api } = apiOf({
      'GET /me': () => me(),
      'GET /products': () => problem(409, 'other_member'),
    });
    const session = new Session(api);
    const stop = session.start();
    await vi.waitFor(() => expect(session.state).toBe('in'));
    await api.GET('/products').catch(() => undefined);
    expect(session.state).toBe('expired');
    expect(session.me?.member.name).toBe('박달님');
    stop();
  });

  it('signs out here and in other tabs', async () => {
    const { api } = apiOf({
      'GET /me': () => me(),
      'DELETE /session': () => new Response(null, { status: 204 }),
    });
    const [here, there] = [new Session(api), new Session(api)];
    const stops = [here.start(), there.start()];
    await vi.waitFor(() => expect([here.state, there.state]).toEqual(['in', 'in']));
    await here.signOut();
    expect(here.state).toBe('out');
    await vi.waitFor(() => expect(there.state).toBe('out'));
    expect(there.me).toBeUndefined();
    for (const stop of stops) stop();
  });

  it('opens a shop and is on its staff', async () => {
    let shops: unknown[] = [];
    const { api } = apiOf({
      'GET /me': () => me(shops),
      'POST /shops': () => {
        shops = [{ id: 's1', name: '달빛상점', role: 'owner' }];
        return json({ id: 's1', name: '달빛상점', created_at: '2026-11-01T00:00:00Z' }, 201);
      },
    });
    const session = new Session(api);
    await session.check();
    await session.openShop('달빛상점');
    expect(session.me?.shops).toHaveLength(1);
  });
});
