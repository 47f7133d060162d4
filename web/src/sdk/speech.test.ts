import { describe, expect, it, vi } from 'vitest';
import { onUnauthenticated } from '../api/problem';
import type { ServerFrame } from './protocol';
import { createRest } from './rest';
import { createSpeech } from './speech';
import { fakeEnv } from './testing/env';
import { agent, buyer, mall } from './testing/people';
import { problem } from './testing/rest';

function speaking() {
  const { clock, server } = mall();
  const env = fakeEnv(server, buyer);
  const fetch = vi.spyOn(env, 'fetch');
  const answers: ServerFrame[] = [];
  const lost = vi.fn();
  const say = createSpeech(
    createRest(env, '/api/v1', buyer.id, () => {}),
    { answer: (frame) => void answers.push(frame), lost },
  );
  const puts = () =>
    fetch.mock.calls.flatMap(([, { method, body }]) => (method === 'PUT' ? body : []));
  const store = (n: number) => {
    for (let i = 0; i < n; i++) server.store('r1', agent, `${i}`);
  };
  return { clock, server, fetch, answers, lost, say, puts, store };
}

const resume = (epoch: string, after: number) =>
  ({ type: 'resume', id: 'q', epoch, rooms: { r1: after } }) as const;

describe('a resume by REST', () => {
  it('gives what was missed in its order, then says so', async () => {
    const { clock, answers, say, store } = speaking();
    store(230);
    say(resume('e1', 4));
    await clock.advance(100);
    const resumed = answers.pop();
    expect(answers.map((f) => f.type === 'message' && f.seq)).toEqual(
      Array.from({ length: 226 }, (_, i) => i + 5),
    );
    expect(resumed).toEqual({ type: 'resumed', id: 'q', heads: { r1: 230 } });
  });

  it('tells of a room that is too far behind', async () => {
    const { clock, answers, say, store } = speaking();
    store(601);
    say(resume('e1', 100));
    await clock.advance(100);
    expect(answers).toEqual([
      { type: 'too_far', id: 'q', room_id: 'r1', head: 601 },
      { type: 'resumed', id: 'q', heads: { r1: 601 } },
    ]);
  });

  it.each([
    ['e0', 1],
    ['e1', 4],
  ])('of another numbering is answered by a reset (%s, %i)', async (epoch, after) => {
    const { clock, answers, say, store } = speaking();
    store(3);
    say(resume(epoch, after));
    await clock.advance(100);
    expect(answers).toEqual([{ type: 'reset', id: 'q', epoch: 'e1', heads: {} }]);
  });

  it('fails as a whole, and says whether to ask again', async () => {
    const { clock, server, answers, say } = speaking();
    server.sabotage = () => problem(503, 'unavailable');
    say(resume('e1', 0));
    await clock.advance(100);
    expect(answers).toMatchObject([
      { type: 'error', id: 'q', code: 'unavailable', retryable: true },
    ]);
  });
});

describe('marks by REST', () => {
  it('are said one after the other, the latest of each kind', async () => {
    const { clock, server, say, puts, store } = speaking();
    store(9);
    server.slowness = () => 400;
    say({ type: 'delivered', room_id: 'r1', seq: 5 });
    await clock.advance(100);
    say({ type: 'read', room_id: 'r1', seq: 6 });
    say({ type: 'delivered', room_id: 'r1', seq: 8 });
    say({ type: 'read', room_id: 'r1', seq: 9 });
    expect(puts().length).toBe(1);
    await clock.advance(5_000);
    expect(puts()).toEqual(['{"delivered_seq":5}', '{"delivered_seq":8,"read_seq":9}']);
    expect(server.rooms.get('r1')!.wire.cursors.buyer.read_seq).toBe(9);
  });

  it('that are refused do not stand in the way of the next', async () => {
    const { clock, server, answers, say, store } = speaking();
    store(2);
    say({ type: 'read', room_id: 'r1', seq: 7 });
    await clock.advance(100);
    expect(answers).toMatchObject([{ type: 'error', code: 'bad_request', retryable: false }]);
    say({ type: 'read', room_id: 'r1', seq: 2 });
    await clock.advance(100);
    expect(server.rooms.get('r1')!.wire.cursors.buyer.read_seq).toBe(2);
  });
});

describe('another member’s session', () => {
  it('is not spoken in: the send says whose it is, and the refusal is told to everybody', async () => {
    const { clock, server, fetch, answers, lost, say } = speaking();
    const told = vi.fn();
    const stop = onUnauthenticated(told);
    server.sabotage = () => problem(409, 'other_member');
    say({ type: 'send', id: 's', room_id: 'r1', client_msg_id: 'k', body: 'x' });
    await clock.advance(100);
    expect(fetch.mock.calls[0]![1].headers).toMatchObject({ 'X-Member': buyer.id });
    expect(answers).toEqual([]);
    expect(lost).toHaveBeenCalledOnce();
    expect(told).toHaveBeenCalledOnce();
    stop();
  });
});

describe('a session that is lost', () => {
  it('is told, instead of an answer', async () => {
    const { clock, server, answers, lost, say } = speaking();
    server.loggedIn.clear();
    say({ type: 'send', id: 's', room_id: 'r1', client_msg_id: 'k', body: 'x' });
    await clock.advance(100);
    expect(answers).toEqual([]);
    expect(lost).toHaveBeenCalledOnce();
  });
});
