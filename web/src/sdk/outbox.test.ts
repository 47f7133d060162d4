import 'fake-indexeddb/auto';
import { describe, expect, it, vi } from 'vitest';
import { openIndexedDb } from './indexeddb';
import { memoryStorage, type OutboxEntry } from './outbox-storage';
import { agent, buyer, mall } from './testing/people';
import { FakeProfile } from './testing/profile';
import type { OpenRoom } from './types';

const summary = (room: OpenRoom) => room.get().messages.map((m) => `${m.body} ${m.state}`);
const hour = 3600_000;

async function inRoom(profile?: FakeProfile) {
  const all = mall();
  const tab = await all.live(buyer, { ...(profile && { profile }), tabs: 'own' });
  const room = tab.chat.room('r1');
  await all.clock.advance(100);
  return { ...all, ...tab, room };
}

describe('the outbox', () => {
  it('keeps what is typed offline, in order, and sends it when the link is back', async () => {
    const { clock, server, env, room } = await inRoom();
    env.fate = ['refuse', 'refuse'];
    env.socket().drop();
    room.send('하나');
    room.send('둘');
    server.store('r1', agent, '한편');
    expect(summary(room)).toEqual(['하나 queued', '둘 queued']);
    await clock.advance(5_000);
    expect(summary(room)).toEqual(['한편 sent', '하나 sent', '둘 sent']);
    expect(room.get().messages.map((m) => m.seq)).toEqual([1, 2, 3]);
  });

  it('has one in flight a room, and does not let a slow room hold up another', async () => {
    const { clock, server, chat, env, room } = await inRoom();
    server.addRoom('r2', buyer, { id: 'forest', name: '숲속공방' });
    const other = chat.room('r2');
    await clock.advance(100);
    server.sendFault = (f) => (f.room_id === 'r1' ? 'silence' : undefined);
    room.send('a');
    room.send('b');
    other.send('c');
    await clock.advance(500);
    const sends = env.socket().heard.flatMap((f) => (f.type === 'send' ? [f.body] : []));
    expect(sends).toEqual(['a', 'c']);
    expect(summary(other)).toEqual(['c sent']);
  });

  it('sends again under the same key after 10 s without an ack, and it is stored once', async () => {
    const { clock, server, env, room } = await inRoom();
    server.sendFault = () => 'silence';
    // Else a heartbeat would tell, and the message itself.
    env.socket().heartbeat = () => env.socket().push({ type: 'hb', time: server.time() });
    room.send('x');
    await clock.advance(9_000);
    expect(summary(room)).toEqual(['x sending']);
    server.sendFault = () => undefined;
    await clock.advance(2_000);
    expect(summary(room)).toEqual(['x sent']);
    expect(server.stored.length).toBe(1);
    const keys = env.socket().heard.flatMap((f) => (f.type === 'send' ? [f.client_msg_id] : []));
    expect(keys.length).toBe(2);
    expect(new Set(keys).size).toBe(1);
  });

  it('waits as long as the server asks, keeps the order, and then sends', async () => {
    const { clock, server, room } = await inRoom();
    server.sendFault = () => ({ code: 'rate_limited', retryable: true, retry_after_ms: 3_000 });
    room.send('a');
    await clock.advance(100);
    server.sendFault = () => undefined;
    room.send('b');
    expect(summary(room)).toEqual(['a queued', 'b queued']);
    await clock.advance(2_500);
    expect(server.stored).toEqual([]);
    await clock.advance(1_000);
    expect(summary(room)).toEqual(['a sent', 'b sent']);
  });

  it('shows a refusal at once with its reason, lets the others pass, and can retry or discard', async () => {
    const { clock, server, room } = await inRoom();
    server.sendFault = (f) =>
      f.body === 'bad' ? { code: 'blocked', retryable: false } : undefined;
    const bad = room.send('bad');
    const worse = room.send('bad');
    room.send('good');
    await clock.advance(100);
    expect(summary(room)).toEqual(['good sent', 'bad failed', 'bad failed']);
    expect(room.get().messages[1]!.error).toMatchObject({ code: 'blocked', retryable: false });
    await clock.advance(hour);
    expect(server.stored.length).toBe(1);

    server.sendFault = () => undefined;
    room.retry(bad.clientMsgId!);
    room.discard(worse.clientMsgId!);
    await clock.advance(100);
    expect(summary(room)).toEqual(['good sent', 'bad sent']);
    expect(room.get().messages[1]!.clientMsgId).toBe(bad.clientMsgId);
  });

  it('asks once before overtaking a colleague: stale, and retry sends all the same', async () => {
    const { clock, server, room, env } = await inRoom();
    server.sendFault = (f) =>
      f.expect_seq === undefined ? undefined : { code: 'stale', retryable: false, head: 5 };
    const late = room.send('late', { expectSeq: 4 });
    await clock.advance(100);
    expect(room.get().messages[0]!.error).toMatchObject({ code: 'stale', head: 5 });
    room.retry(late.clientMsgId!);
    await clock.advance(100);
    expect(summary(room)).toEqual(['late sent']);
    const sends = env.socket().heard.flatMap((f) => (f.type === 'send' ? [f.expect_seq] : []));
    expect(sends).toEqual([4, undefined]);
  });

  it('refuses what could never be sent, and keeps nothing of it', async () => {
    const { room } = await inRoom();
    expect(() => room.send('  ')).toThrow(expect.objectContaining({ code: 'empty_body' }));
    expect(() => room.send('가'.repeat(2001))).toThrow(
      expect.objectContaining({ code: 'too_long' }),
    );
    expect(room.get().messages).toEqual([]);
  });

  it('gives up after 24 hours, and a retry gives it a new day', async () => {
    const { clock, server, chat, env, room } = await inRoom();
    chat.disconnect();
    const old = room.send('어제');
    await clock.advance(25 * hour);
    chat.connect();
    await clock.advance(1_000);
    expect(summary(room)).toEqual(['어제 failed']);
    expect(room.get().messages[0]!.error!.code).toBe('expired');
    room.retry(old.clientMsgId!);
    await clock.advance(100);
    expect(summary(room)).toEqual(['어제 sent']);
    expect(server.stored.length).toBe(1);
    expect(env.dials).toBe(2);
  });

  it('takes the message itself for the ack that got lost', async () => {
    const { clock, server, env, room } = await inRoom();
    server.sendFault = () => 'silence';
    // Else a heartbeat would tell, and the message itself.
    env.socket().heartbeat = () => env.socket().push({ type: 'hb', time: server.time() });
    room.send('x');
    await clock.advance(100);
    server.sendFault = () => undefined;
    env.socket().drop();
    await clock.advance(1_000);
    expect(summary(room)).toEqual(['x sent']);
    expect(server.stored.length).toBe(1);
  });

  it('keeps an acked message in sight while an earlier one is still missing', async () => {
    const { clock, server, room } = await inRoom();
    server.weather = () => [];
    server.store('r1', agent, 'lost on the way');
    room.send('mine');
    await clock.advance(10);
    expect(summary(room)).toEqual(['mine sent']);
    await clock.advance(1_000);
    expect(summary(room)).toEqual(['lost on the way sent', 'mine sent']);
  });

  it('sends when the token ran out in mid-flight, once signed in again', async () => {
    const { clock, server, chat, env, room } = await inRoom();
    server.sendFault = () => 'silence';
    room.send('x');
    server.loggedIn.clear();
    env.socket().drop(4401);
    await clock.advance(2_000);
    expect(chat.status.get()).toMatchObject({ phase: 'closed', code: 4401 });
    expect(summary(room)).toEqual(['x queued']);
    server.sendFault = () => undefined;
    server.loggedIn.add(buyer.id);
    chat.connect();
    await clock.advance(1_000);
    expect(summary(room)).toEqual(['x sent']);
    expect(server.stored.length).toBe(1);
  });

  it('goes on in memory where the storage fails', async () => {
    const all = mall();
    const broken = { ...memoryStorage(), put: () => Promise.reject(new Error('quota')) };
    const { chat } = await all.live(buyer, { storage: () => Promise.resolve(broken) });
    const failed = vi.fn();
    chat.on('error', (e) => failed(e.code));
    const room = chat.room('r1');
    await all.clock.advance(100);
    room.send('x');
    await all.clock.advance(100);
    expect(summary(room)).toEqual(['x sent']);
    expect(failed).toHaveBeenCalledWith('storage');
  });
});

describe('the outbox of a profile', () => {
  it('survives a reload in IndexedDB, for its own member and side only', async () => {
    const all = mall();
    const storage = () => openIndexedDb('reload');
    const before = await all.live(buyer, { storage });
    const gone = before.chat.room('r1');
    await all.clock.advance(100);
    before.env.socket().drop();
    before.env.fate = Array.from({ length: 99 }, () => 'refuse' as const);
    gone.send({ text: '남아 있어라', card: { kind: 'order', id: 'o1', title: 'M-1' } });
    await all.clock.advance(100);
    before.chat.destroy();

    const other = await all.live(agent, { storage });
    const theirs = other.chat.room('r1');
    await all.clock.advance(1_000);
    expect(theirs.get().messages).toEqual([]);

    const after = await all.live(buyer, { storage, seed: 2 });
    const room = after.chat.room('r1');
    await all.clock.advance(1_000);
    expect(room.get().messages).toMatchObject([
      { body: '남아 있어라', state: 'delivered', kind: 'card', seq: 1 },
    ]);
    expect(all.server.stored.length).toBe(1);
    expect(await (await storage()).all('b1/buyer')).toEqual([]);
  });

  it('remembers failures over a reload', async () => {
    const all = mall();
    const storage = () => openIndexedDb('failures');
    const before = await all.live(buyer, { storage });
    all.server.sendFault = () => ({ code: 'blocked', retryable: false });
    before.chat.room('r1').send('x');
    await all.clock.advance(100);
    before.chat.destroy();
    const after = await all.live(buyer, { storage, seed: 2 });
    const room = after.chat.room('r1');
    await all.clock.advance(1_000);
    expect(summary(room)).toEqual(['x failed']);
    expect(room.get().messages[0]!.error!.code).toBe('blocked');
  });

  it('stores and counts, finds and forgets', async () => {
    for (const storage of [await openIndexedDb('plain'), memoryStorage()]) {
      const entry: OutboxEntry = { clientMsgId: '1', owner: 'me', roomId: 'r', text: 't', at: 1 };
      await storage.put(entry);
      await storage.put({ ...entry, clientMsgId: '2', owner: 'you' });
      await storage.put({ ...entry, text: 'u' });
      expect(await storage.all('me')).toEqual([{ ...entry, text: 'u' }]);
      expect(await storage.has('2')).toBe(true);
      await storage.delete('2');
      expect(await storage.has('2')).toBe(false);
    }
  });

  it('is sent once by two tabs with a socket each, and both show it all along', async () => {
    const profile = new FakeProfile();
    const { clock, server, env, room, live } = await inRoom(profile);
    const two = await live(buyer, { profile, seed: 2, tabs: 'own' });
    const there = two.chat.room('r1');
    await clock.advance(100);
    for (const e of [env, two.env]) {
      e.fate = ['refuse'];
      e.socket().drop();
    }
    room.send('a');
    there.send('b');
    await clock.advance(10);
    expect(summary(room).sort()).toEqual(['a queued', 'b queued']);
    expect(summary(there).sort()).toEqual(['a queued', 'b queued']);
    await clock.advance(3_000);
    expect(server.stored.length).toBe(2);
    expect(summary(room).sort()).toEqual(['a sent', 'b sent']);
    expect(summary(there)).toEqual(summary(room));
    const sends = [env, two.env].flatMap((e) => e.socket().heard.filter((f) => f.type === 'send'));
    expect(sends.length).toBe(2);
  });

  it('does not send in one tab what was discarded in another', async () => {
    const profile = new FakeProfile();
    const { clock, server, env, room, live } = await inRoom(profile);
    const two = await live(buyer, { profile, seed: 2, tabs: 'own' });
    const there = two.chat.room('r1');
    for (const e of [env, two.env]) {
      e.fate = ['refuse'];
      e.socket().drop();
    }
    const regretted = room.send('oops');
    await clock.advance(4);
    there.discard(regretted.clientMsgId!);
    await clock.advance(5_000);
    expect(server.stored).toEqual([]);
    expect(summary(room)).toEqual([]);
  });

  it('sends what a tab that was closed has left behind', async () => {
    const profile = new FakeProfile();
    const { clock, server, chat, env, room, live } = await inRoom(profile);
    const two = await live(buyer, { profile, seed: 2, tabs: 'own' });
    server.sendFault = () => ({ code: 'busy', retryable: true, retry_after_ms: 60_000 });
    room.send('left');
    await clock.advance(100);
    chat.destroy();
    expect(env.socket().open).toBe(false);
    server.sendFault = () => undefined;
    two.env.socket().drop();
    await clock.advance(2_000);
    expect(server.stored.length).toBe(1);
  });
});

it('sends without the browser’s lock where that is refused', async () => {
  const profile = new FakeProfile();
  profile.lock = () => Promise.reject(new DOMException('no', 'SecurityError'));
  const { clock, chat, room } = await inRoom(profile);
  expect(chat.status.get().phase).toBe('live');
  room.send('a');
  room.send('b');
  await clock.advance(100);
  expect(summary(room)).toEqual(['a sent', 'b sent']);
});
