import { describe, expect, it, vi } from 'vitest';
import { fullJitter } from './backoff';
import { createConnection, type LinkEvents } from './connection';
import { FakeClock, seeded } from './testing/clock';
import { buyer, moonShop } from './testing/people';
import { fakeEnv } from './testing/env';
import type { FakeSocket } from './testing/socket';
import { FakeServer } from './testing/world';

function linked(session: 'valid' | 'lost' | 'unknown' = 'valid') {
  const clock = new FakeClock();
  const server = new FakeServer(clock);
  server.addRoom('r1', buyer, moonShop);
  const env = fakeEnv(server, buyer);
  const events = {
    frame: vi.fn<LinkEvents['frame']>(),
    down: vi.fn<LinkEvents['down']>(),
    session: vi.fn<LinkEvents['session']>(() => Promise.resolve(session)),
  };
  const link = createConnection(env, '/api/v1', buyer.id, events);
  return { clock, server, env, events, link, status: () => link.status.get() };
}

async function live(session?: 'valid' | 'lost' | 'unknown') {
  const all = linked(session);
  all.link.start();
  await all.clock.advance(100);
  expect(all.status().phase).toBe('live');
  return all;
}

/** The instance at the other end is frozen: it hears what the network takes, and says nothing. */
function deafen(socket: FakeSocket) {
  socket.push = () => {};
}

const pings = (socket: FakeSocket) => socket.heard.filter((f) => f.type === 'ping').length;

describe('the wait before an attempt', () => {
  it('is spread over the whole range, which doubles up to 30 s', () => {
    const random = seeded(7);
    for (let n = 0; n < 20; n++) {
      const cap = Math.min(30_000, 500 * 2 ** n);
      const waits = Array.from({ length: 2000 }, () => fullJitter(n, random));
      expect(Math.min(...waits)).toBeGreaterThanOrEqual(0);
      expect(Math.min(...waits)).toBeLessThan(cap * 0.05);
      expect(Math.max(...waits)).toBeLessThan(cap);
      expect(Math.max(...waits)).toBeGreaterThan(cap * 0.95);
    }
  });
});

describe('a link', () => {
  it('is live with the welcome, and gives every frame on', async () => {
    const { events, env, link, status } = await live();
    expect(status()).toMatchObject({ resumed: false, downSince: undefined, leader: true });
    expect(events.frame.mock.calls.map(([f]) => f.type)).toEqual(['welcome']);
    env.socket().push({ type: 'ok', id: '1' });
    expect(events.frame).toHaveBeenCalledTimes(2);
    expect(link.send({ type: 'typing', room_id: 'r1', on: true })).toBe(true);
  });

  it('counts failures until it has lived for 10 s', async () => {
    const { clock, env, status } = await live();
    for (let n = 1; n <= 3; n++) {
      env.socket().drop();
      expect(status()).toMatchObject({ phase: 'waiting', attempt: n });
      await clock.advance(4000);
      expect(status()).toMatchObject({ phase: 'live', resumed: true });
    }
    await clock.advance(5000);
    expect(status().attempt).toBe(3);
    await clock.advance(5000);
    expect(status().attempt).toBe(0);
  });

  it('goes on trying a server that is away, ever more slowly', async () => {
    const { clock, env, link, status } = linked('unknown');
    env.fate = Array.from({ length: 12 }, () => 'refuse' as const);
    link.start();
    const since = clock.now();
    await clock.advance(5);
    expect(status()).toMatchObject({ phase: 'waiting', attempt: 1, downSince: since });
    await clock.advance(400_000);
    expect(status()).toMatchObject({ phase: 'live', downSince: undefined });
    expect(env.dials).toBe(13);
  });

  it('gives up a handshake that hangs after 10 s', async () => {
    const { clock, env, link, status } = linked();
    env.fate = ['hang'];
    link.start();
    await clock.advance(9_999);
    expect(status().phase).toBe('connecting');
    await clock.advance(1_000);
    expect(status().phase).toBe('live');
  });

  it('asks when a heartbeat is late, and gives up what does not answer within 3 s', async () => {
    const { clock, env, events, status } = await live();
    await clock.advance(60_000);
    const socket = env.socket();
    expect(socket.heard).toEqual([]);
    expect(env.dials).toBe(1);
    deafen(socket);
    // The last beat was 4 s ago.
    await clock.advance(4_900);
    expect(pings(socket)).toBe(0);
    await clock.advance(200);
    expect(pings(socket)).toBe(1);
    await clock.advance(2_800);
    expect(env.dials).toBe(1);
    await clock.advance(700);
    expect(env.dials).toBe(2);
    expect(events.down).toHaveBeenCalledOnce();
    expect(status().phase).toBe('live');
  });

  it('lives on an answer, however late all heartbeats are', async () => {
    const { clock, env, events } = await live();
    const socket = env.socket();
    socket.heartbeat = () => {};
    await clock.advance(120_000);
    expect(env.dials).toBe(1);
    expect(pings(socket)).toBe(13);
    // An answer is for the link alone.
    expect(events.frame.mock.calls.map(([f]) => f.type)).toEqual(['welcome']);
  });

  it('lives with a server that does not know the question', async () => {
    const { clock, env } = await live();
    const socket = env.socket();
    socket.heartbeat = () => {};
    socket.receive = (f) =>
      socket.push({
        type: 'error',
        ...('id' in f && { id: f.id }),
        code: 'unknown_type',
        message: '',
        retryable: false,
      });
    await clock.advance(120_000);
    expect(env.dials).toBe(1);
  });

  it('asks when what it sent has no answer of any kind', async () => {
    const { clock, env, link } = await live();
    const socket = env.socket();
    await clock.advance(8_000);
    deafen(socket);
    link.send({ type: 'resume', id: 'r1', epoch: 'e1', rooms: {} });
    await clock.advance(3_900);
    expect(pings(socket)).toBe(0);
    await clock.advance(200);
    expect(pings(socket)).toBe(1);
    await clock.advance(2_800);
    expect(env.dials).toBe(1);
    await clock.advance(700);
    expect(env.dials).toBe(2);
  });

  it('asks again where its own clock stood still while the answer was on its way', async () => {
    const { clock, env } = await live();
    const socket = env.socket();
    socket.heartbeat = () => {};
    socket.receive = (f) => {
      if (f.type === 'ping') late.push(() => socket.push({ type: 'pong', id: f.id }));
    };
    const late: (() => void)[] = [];
    await clock.advance(9_100);
    clock.skip(60_000);
    await clock.advance(0);
    expect(env.dials).toBe(1);
    for (const answer of late) answer();
    await clock.advance(5_000);
    expect(env.dials).toBe(1);
  });

  it('asks for a sign of life on waking, and does not wait long for it', async () => {
    const { clock, env, status } = await live();
    const socket = env.socket();
    deafen(socket);
    env.live('wake');
    expect(pings(socket)).toBe(1);
    await clock.advance(2_900);
    expect(env.dials).toBe(1);
    await clock.advance(1_000);
    expect(env.dials).toBe(2);
    env.live('wake');
    env.socket().push({ type: 'ok', id: '1' });
    await clock.advance(30_000);
    expect(env.dials).toBe(2);
    expect(status().phase).toBe('live');
  });

  it('tries within 500 ms when the network or the reader comes back', async () => {
    const { clock, env, link, status } = linked('unknown');
    env.fate = Array.from({ length: 8 }, () => 'refuse' as const);
    link.start();
    while (status().attempt < 8) await clock.advance(1_000);
    for (const what of ['online', 'wake'] as const) {
      env.fate = ['refuse'];
      const before = env.dials;
      env.live(what);
      expect(status().retryAt! - clock.now()).toBeLessThan(500);
      await clock.advance(510);
      expect(env.dials).toBe(before + 1);
    }
  });

  it('says what the device says about the network, and doubts the link then', async () => {
    const { clock, env, status } = await live();
    env.socket().freeze();
    env.live('offline');
    expect(status().online).toBe(false);
    await clock.advance(3_005);
    expect(status().phase).not.toBe('live');
    env.live('online');
    expect(status().online).toBe(true);
  });

  it.each([4400, 4403, 4409])('stays away after %i', async (code) => {
    const { clock, env, events, status } = await live();
    env.socket().drop(code, 'why');
    expect(status()).toMatchObject({ phase: 'closed', code, reason: 'why' });
    await clock.advance(600_000);
    expect(env.dials).toBe(1);
    expect(events.down).toHaveBeenCalledOnce();
  });

  it.each([1001, 1006, 1011, 1013, 4508, 4510, 4529])('comes back after %i', async (code) => {
    const { clock, env, status } = await live();
    env.socket().drop(code);
    await clock.advance(1_000);
    expect(env.dials).toBe(2);
    expect(status().phase).toBe('live');
  });

  it('spreads its return over what a draining server asks for, which is no failure', async () => {
    const { clock, env, status } = await live();
    env.socket().drop(1012, '{"spread_ms":8000}');
    const wait = status().retryAt! - clock.now();
    expect(wait).toBeGreaterThan(500);
    expect(wait).toBeLessThan(8000);
    expect(status().attempt).toBe(0);
    await clock.advance(8_100);
    expect(status().phase).toBe('live');
  });

  it('tries once more after 4401 when the session stands', async () => {
    const { clock, env, events, status } = await live('valid');
    env.fate = [4401];
    env.socket().drop(4401);
    await clock.advance(1_000);
    expect(events.session).toHaveBeenCalledOnce();
    expect(env.dials).toBe(2);
    expect(status()).toMatchObject({ phase: 'closed', code: 4401 });
  });

  it('does not try again after 4401 when the session is lost', async () => {
    const { clock, env, link, status } = await live('lost');
    env.socket().drop(4401);
    await clock.advance(1_000);
    expect(status()).toMatchObject({ phase: 'closed', code: 4401 });
    expect(env.dials).toBe(1);
    link.start();
    await clock.advance(100);
    expect(status().phase).toBe('live');
  });

  it('finds out that a refused handshake means a lost session', async () => {
    const { clock, server, env, link, status } = linked('lost');
    server.loggedIn.clear();
    link.start();
    await clock.advance(1_000);
    expect(status()).toMatchObject({ phase: 'closed', code: 4401 });
    expect(env.dials).toBeLessThanOrEqual(2);
  });

  it('wants nothing to do with another member’s cookie', async () => {
    const { clock, server, link, env, status, events } = linked('lost');
    const other = fakeEnv(server, { id: 'other', name: 'x' });
    env.dial = (url, to) => other.dial(url, to);
    link.start();
    await clock.advance(1_000);
    expect(status()).toMatchObject({ phase: 'closed', code: 4401 });
    expect(events.frame).not.toHaveBeenCalled();
  });

  it('stops and starts when told to', async () => {
    const { clock, server, env, events, link, status } = await live();
    link.stop();
    expect(status()).toMatchObject({ phase: 'idle', downSince: undefined });
    expect(events.down).toHaveBeenCalledOnce();
    expect(server.sockets.size).toBe(0);
    await clock.advance(60_000);
    expect(env.dials).toBe(1);
    expect(clock.pending()).toEqual([]);
    link.start();
    await clock.advance(100);
    expect(status()).toMatchObject({ phase: 'live', resumed: false });
  });

  it('passes over what it does not understand', async () => {
    const { env, events, status } = await live();
    const raw = env.socket() as unknown as { push(frame: unknown): void };
    for (const junk of [null, 7, 'x', [], {}, { type: 4 }]) raw.push(junk);
    expect(events.frame).toHaveBeenCalledOnce();
    expect(status().phase).toBe('live');
  });
});
