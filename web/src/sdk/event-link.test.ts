import { describe, expect, it, vi } from 'vitest';
import { agent, buyer, mall, moonShop } from './testing/people';
import { FakeProfile } from './testing/profile';
import { problem, type FakeResponse } from './testing/rest';
import type { OpenRoom } from './types';

const list = (room: OpenRoom) => room.get().messages.map((m) => `${m.seq} ${m.body}`);
const isStream = (path: string) => path === '/chat/events';

/** A buyer whom this network gives no socket, reading on an event stream. */
async function streaming(options: { profile?: FakeProfile } = {}) {
  const all = mall();
  for (let i = 1; i <= 3; i++) all.server.store('r1', agent, `before ${i}`);
  const tab = await all.live(buyer, { blocked: 'refuse', memory: 'events', ...options });
  const room = tab.chat.room('r1');
  await all.clock.advance(200);
  expect(tab.chat.status.get()).toMatchObject({ phase: 'live', transport: 'events' });
  return { ...all, ...tab, room, status: () => tab.chat.status.get() };
}

describe('where no socket gets through', () => {
  it.each([
    ['refuse', 3, 5_000],
    ['hang', 2, 23_000],
    ['mute', 2, 23_000],
  ] as const)(
    'handshakes that meet "%s" are tried %i times, then events',
    async (blocked, n, ms) => {
      const { clock, tab } = mall();
      const { chat, env } = tab(buyer, { blocked, seed: 2 });
      chat.connect();
      expect(chat.status.get().transport).toBe('socket');
      await clock.advance(ms);
      expect(chat.status.get()).toMatchObject({ phase: 'live', transport: 'events' });
      expect(env.dials).toBe(n);
      expect(env.recall()).toBe('events');
    },
  );

  it('a server that is away is not the network’s fault', async () => {
    const { clock, server, tab } = mall();
    const { chat, env } = tab(buyer, { blocked: 'refuse' });
    server.sabotage = () => problem(503, 'unavailable');
    chat.connect();
    await clock.advance(600_000);
    expect(env.dials).toBeGreaterThan(20);
    expect(chat.status.get()).toMatchObject({ transport: 'socket' });
    expect(env.recall()).toBeNull();
  });

  it('a page that remembers begins with events', async () => {
    const { env, room } = await streaming();
    expect(env.dials).toBe(0);
    expect(list(room).length).toBe(3);
  });

  it('the socket is tried again every few minutes, unnoticed', async () => {
    const { clock, server, env, chat, room } = await streaming();
    const phases = new Set<string>();
    chat.status.subscribe((s) => phases.add(s.phase));
    await clock.advance(1_000_000);
    expect([...phases]).toEqual(['live']);
    expect(env.dials).toBeGreaterThanOrEqual(3);
    expect(env.dials).toBeLessThanOrEqual(6);
    env.blocked = 'mute';
    await clock.advance(1_000_000);
    expect([...phases]).toEqual(['live']);
    env.blocked = undefined;
    room.send('on its way');
    await clock.advance(310_000);
    expect(chat.status.get()).toMatchObject({ phase: 'live', transport: 'socket' });
    expect(env.recall()).toBe('socket');
    expect(server.sockets.size).toBe(1);
    server.store('r1', agent, 'by socket');
    await clock.advance(10);
    expect(list(room).slice(3)).toEqual(['4 on its way', '5 by socket']);
  });

  it('streams that are cut every minute do not put off the socket’s next try', async () => {
    const { clock, env, status } = await streaming();
    for (let minute = 0; minute < 6; minute++) {
      await clock.advance(60_000);
      env.socket().drop();
    }
    expect(env.dials).toBeGreaterThanOrEqual(1);
    env.blocked = undefined;
    for (let minute = 0; minute < 6; minute++) {
      await clock.advance(60_000);
      env.socket().drop();
    }
    await clock.advance(2_000);
    expect(status().transport).toBe('socket');
  });

  it.each<[string, FakeResponse]>([
    ['does not exist', problem(404, 'not_found')],
    ['is a page of the network’s', { status: 200, body: '<html>', type: 'text/html' }],
    ['is forbidden by the network', { status: 403, body: '<html>', type: 'text/html' }],
  ])('an event stream that %s gives way to the socket', async (_what, response) => {
    const { clock, server, tab } = mall();
    server.sabotage = (_method, path) => (isStream(path) ? response : undefined);
    const { chat } = tab(buyer, { memory: 'events' });
    chat.connect();
    await clock.advance(10_000);
    expect(chat.status.get()).toMatchObject({ phase: 'live', transport: 'socket' });
  });

  it('the next tab to lead begins where the last one got through', async () => {
    const profile = new FakeProfile();
    const { clock, chat, live } = await streaming({ profile });
    const two = await live(buyer, { profile, seed: 2, blocked: 'hang' });
    expect(two.chat.status.get()).toMatchObject({ transport: 'events', leader: false });
    chat.destroy();
    await clock.advance(1_000);
    expect(two.chat.status.get()).toMatchObject({ phase: 'live', transport: 'events' });
    expect(two.env.dials).toBe(0);
  });

  it('nothing is left behind at the end', async () => {
    const { clock, server, chat, room } = await streaming();
    room.send('x');
    chat.destroy();
    await clock.advance(60_000);
    expect(server.sockets.size).toBe(0);
    expect(clock.pending()).toEqual([]);
  });
});

describe('a link by events', () => {
  it('brings what the others say, and takes what we say', async () => {
    const { clock, server, room, chat } = await streaming();
    server.store('r1', agent, '안녕하세요 🌙');
    room.send('네');
    expect(room.get().messages.at(-1)).toMatchObject({ body: '네', state: 'sending' });
    await clock.advance(20);
    expect(list(room).slice(3)).toEqual(['4 안녕하세요 🌙', '5 네']);
    expect(room.get().messages.at(-1)).toMatchObject({ state: 'sent', byMe: true });
    room.read();
    room.typing(true);
    await clock.advance(1_000);
    expect(server.rooms.get('r1')!.wire.cursors.buyer.read_seq).toBe(5);
    expect(chat.summary.get().unread).toBe(0);
    expect(server.requests).toContain('POST /chat/rooms/r1/messages');
    expect(server.requests.some((r) => r.includes('typing'))).toBe(false);
  });

  it('is not kept alive by what REST answers', async () => {
    const { clock, server, env, room } = await streaming();
    const dead = env.socket();
    dead.freeze();
    server.store('r1', agent, 'unheard');
    for (let i = 0; i < 10; i++) {
      room.send(`${i}`);
      await clock.advance(5_000);
    }
    expect(env.socket()).not.toBe(dead);
    expect(list(room).length).toBe(14);
  });

  it('is doubted on waking by how long it was silent', async () => {
    const { clock, env, status } = await streaming();
    const first = env.socket();
    await clock.advance(18_000);
    env.live('wake');
    await clock.advance(6_000);
    expect(env.socket()).toBe(first);
    first.freeze();
    await clock.advance(10_000);
    env.live('wake');
    await clock.advance(12_000);
    expect(env.socket()).not.toBe(first);
    expect(status().phase).toBe('live');
  });

  it.each([4400, 4403, 4409])('stays away after %i', async (code) => {
    const { clock, server, env, status } = await streaming();
    env.socket().drop(code, 'why');
    await clock.advance(1);
    expect(status()).toMatchObject({ phase: 'closed', code, reason: 'why' });
    await clock.advance(600_000);
    expect(server.sockets.size).toBe(0);
  });

  it.each([1006, 1012, 4508, 4510])('comes back after %i with what was missed', async (code) => {
    const { clock, server, env, room, status } = await streaming();
    env.socket().drop(code, code === 1012 ? '{"spread_ms":400}' : '');
    for (let i = 1; i <= 250; i++) server.store('r1', agent, `missed ${i}`);
    server.requests.length = 0;
    await clock.advance(1_000);
    expect(server.requests.filter((r) => r.includes('/messages')).sort()).toEqual(
      [103, 203, 3].map((seq) => `GET /chat/rooms/r1/messages?after_seq=${seq}&limit=100`),
    );
    expect(status()).toMatchObject({ phase: 'live', transport: 'events', resumed: true });
    expect(list(room).length).toBe(253);
    expect(list(room).at(-1)).toBe('253 missed 250');
  });

  it('reads the newest page where it missed too much', async () => {
    const { clock, server, env, room } = await streaming();
    env.socket().drop();
    for (let i = 1; i <= 900; i++) server.store('r1', agent, `${i}`);
    await clock.advance(2_000);
    expect(room.get().messages.at(-1)!.seq).toBe(903);
    expect(room.get().hasOlder).toBe(true);
  });

  it('begins anew with a new numbering, in every tab', async () => {
    const profile = new FakeProfile();
    const { clock, server, env, chat, room, live } = await streaming({ profile });
    const two = await live(buyer, { profile, seed: 2, blocked: 'refuse' });
    const other = two.chat.room('r1');
    await clock.advance(500);
    const resets = [vi.fn(), vi.fn()];
    chat.on('reset', resets[0]!);
    two.chat.on('reset', resets[1]!);
    // The stream's welcome is of before the restore, the page read next of after it.
    server.sabotage = (_method, path) => {
      if (path.includes('after_seq')) server.epoch = 'e2';
      return undefined;
    };
    const stored = server.rooms.get('r1')!;
    stored.messages.length = stored.wire.head = 1;
    env.socket().drop();
    await clock.advance(3_000);
    for (const reset of resets) expect(reset).toHaveBeenCalled();
    for (const t of [room, other]) expect(list(t)).toEqual(['1 before 1']);
  });

  it('waits as long as a busy server asks', async () => {
    const { clock, server, env, status } = await streaming();
    const busy = problem(503, 'busy');
    busy.body = { ...(busy.body as object), retry_after_ms: 20_000 };
    server.sabotage = (_method, path) => (isStream(path) ? busy : undefined);
    env.socket().drop();
    await clock.advance(600);
    expect(status()).toMatchObject({ phase: 'waiting', code: 1013, reason: 'busy' });
    expect(status().retryAt! - clock.now()).toBeGreaterThan(19_000);
    server.sabotage = () => undefined;
    await clock.advance(20_000);
    expect(status()).toMatchObject({ phase: 'live', transport: 'events' });
  });

  it.each([
    [401, 4401],
    [403, 4403],
  ])('ends for good when the server refuses it with %i', async (http, code) => {
    const { clock, server, env, status } = await streaming();
    if (http === 401) server.loggedIn.clear();
    else server.sabotage = (_method, path) => (isStream(path) ? problem(http, 'x') : undefined);
    env.socket().drop();
    await clock.advance(2_000);
    expect(status()).toMatchObject({ phase: 'closed', code });
  });
});

describe('what is said by REST', () => {
  it('is sent again with the same key until it is stored, and stored once', async () => {
    const { clock, server, env, room } = await streaming();
    let n = 0;
    server.sendFault = () => (++n < 2 ? 'silence' : undefined);
    // Else it would be known by the stream that it is stored.
    server.weather = () => [];
    env.socket().heartbeat = () => env.socket().push({ type: 'hb', time: server.time() });
    room.send('once');
    await clock.advance(60_000);
    expect(n).toBe(2);
    server.weather = () => [0];
    expect(list(room).slice(3)).toEqual(['4 once']);
    n = -100;
    server.sabotage = (method) => (method === 'POST' && ++n < -95 ? 'network' : undefined);
    server.sendFault = () => ({ code: 'busy', retryable: true, retry_after_ms: 300 });
    room.send('later');
    await clock.advance(20_000);
    expect(room.get().messages.at(-1)).toMatchObject({ body: 'later', seq: undefined });
    server.sendFault = () => undefined;
    await clock.advance(10_000);
    expect(list(room).slice(3)).toEqual(['4 once', '5 later']);
  });

  it('may come in before its own answer', async () => {
    const { clock, server, chat, room } = await streaming();
    server.slowness = () => 500;
    room.send('fast');
    room.send('second');
    await clock.advance(100);
    expect(room.get().messages.at(-2)).toMatchObject({ seq: 4, state: 'sent' });
    await clock.advance(2_000);
    expect(list(room).slice(3)).toEqual(['4 fast', '5 second']);
    expect(server.stored.length).toBe(5);
    // The answers get lost, the messages do not.
    const failed = vi.fn();
    chat.on('error', failed);
    server.sendFault = () => 'silence';
    room.send('third');
    await clock.advance(30_000);
    expect(list(room).slice(5)).toEqual(['6 third']);
    expect(failed).not.toHaveBeenCalled();
  });

  it('fails for good in the server’s words', async () => {
    const { clock, server, room } = await streaming();
    server.sendFault = () => ({ code: 'blocked', retryable: false });
    room.send('no');
    await clock.advance(100);
    expect(room.get().messages.at(-1)).toMatchObject({
      state: 'failed',
      error: { code: 'blocked' },
    });
  });

  it('waits for a new session where the old one is lost', async () => {
    const { clock, server, chat, room, status } = await streaming();
    server.loggedIn.clear();
    room.send('kept');
    await clock.advance(2_000);
    expect(status()).toMatchObject({ phase: 'closed', code: 4401 });
    expect(room.get().messages.at(-1)).toMatchObject({ body: 'kept', state: 'queued' });
    server.loggedIn.add(buyer.id);
    chat.connect();
    await clock.advance(2_000);
    expect(list(room).at(-1)).toBe('4 kept');
  });

  it('tells how far we have read until it is heard', async () => {
    const { clock, server, chat, room } = await streaming();
    const failed = vi.fn();
    chat.on('error', failed);
    let left = 3;
    server.sabotage = (method) => (method === 'PUT' && left-- > 0 ? 'network' : undefined);
    room.read(1);
    await clock.advance(600);
    room.read(3);
    await clock.advance(10_000);
    expect(server.rooms.get('r1')!.wire.cursors.buyer).toEqual({ delivered_seq: 3, read_seq: 3 });
    expect(failed).not.toHaveBeenCalled();
  });

  it('tells of a room that is no longer ours', async () => {
    const { clock, server, chat, env, room } = await streaming();
    const failed = vi.fn();
    chat.on('error', failed);
    server.rooms.delete('r1');
    room.read();
    await clock.advance(1_000);
    expect(failed.mock.calls[0]![0]).toMatchObject({ code: 'not_found' });
    server.addRoom('r2', buyer, moonShop);
    env.socket().drop();
    await clock.advance(5_000);
    expect(chat.status.get().phase).toBe('live');
  });
});
