import { describe, expect, it } from 'vitest';
import { agent, buyer, mall, moonShop } from './testing/people';
import { FakeProfile } from './testing/profile';
import type { OpenRoom } from './types';

const summary = (room: OpenRoom) => room.get().messages.map((m) => `${m.seq} ${m.body}`);

async function twoTabs() {
  const all = mall();
  const profile = new FakeProfile();
  const one = await all.live(buyer, { profile });
  const two = await all.live(buyer, { profile, seed: 2 });
  const first = one.chat.room('r1');
  const second = two.chat.room('r1');
  await all.clock.advance(200);
  return { ...all, profile, one, two, first, second };
}

describe('the tabs of a profile', () => {
  it('tell a tab that joins late what time it is', async () => {
    const { clock, profile, live } = await twoTabs();
    await clock.advance(3600_000);
    const { chat } = await live(buyer, { profile, seed: 3 });
    expect(chat.status.get()).toMatchObject({ phase: 'live', leader: false });
    expect(chat.now()).toBe(clock.now());
  });

  it('share one socket, and both are live', async () => {
    const { server, one, two } = await twoTabs();
    expect(server.sockets.size).toBe(1);
    expect(one.chat.status.get()).toMatchObject({ phase: 'live', leader: true });
    expect(two.chat.status.get()).toMatchObject({ phase: 'live', leader: false });
    expect(two.env.dials).toBe(0);
  });

  it('both see what comes and what either sends', async () => {
    const { clock, server, first, second } = await twoTabs();
    server.store('r1', agent, 'hello');
    await clock.advance(10);
    first.send('from the first');
    second.send('from the second');
    await clock.advance(100);
    const seen = summary(first).map((s) => s.slice(2));
    expect(seen[0]).toBe('hello');
    expect(seen.sort()).toEqual(['from the first', 'from the second', 'hello']);
    expect(summary(second)).toEqual(summary(first));
    expect(server.requests.filter((r) => r.includes('after_seq'))).toEqual([]);
    expect(server.stored.length).toBe(3);
  });

  it('both see a card one of them sends, as the server has it', async () => {
    const { clock, second, first } = await twoTabs();
    second.send({ card: { kind: 'product', id: 'p', title: 'mine' } });
    await clock.advance(2_000);
    for (const room of [first, second]) {
      expect(room.get().messages[0]).toMatchObject({
        seq: 1,
        card: { title: 'product as the server names it' },
      });
    }
  });

  it('carry on when the leader is closed in mid-send, and nothing is sent twice', async () => {
    const { clock, server, one, two, first, second } = await twoTabs();
    server.sendFault = () => 'silence';
    second.send('through the leader');
    first.send('of the leader');
    await clock.advance(50);
    one.chat.destroy();
    server.sendFault = () => undefined;
    await clock.advance(2_000);
    expect(two.chat.status.get()).toMatchObject({ phase: 'live', leader: true });
    expect(server.sockets.size).toBe(1);
    expect(second.get().messages.map((m) => m.state)).toEqual(['sent', 'sent']);
    expect(server.stored.length).toBe(2);
  });

  it('hand over when the leader is put to sleep, which follows when it wakes', async () => {
    const { clock, server, one, two, first } = await twoTabs();
    one.env.live('sleep');
    await clock.advance(1_000);
    expect(two.chat.status.get()).toMatchObject({ phase: 'live', leader: true });
    server.store('r1', agent, 'while it slept');
    await clock.advance(1_000);
    one.env.live('wake');
    await clock.advance(1_000);
    expect(one.chat.status.get()).toMatchObject({ phase: 'live', leader: false });
    expect(summary(first)).toEqual(['1 while it slept']);
    expect(server.sockets.size).toBe(1);
  });

  it('all learn that the link is down, that it is back, and that the session ended', async () => {
    const { clock, server, one, two, second } = await twoTabs();
    one.env.fate = ['refuse'];
    one.env.socket().drop();
    await clock.advance(10);
    expect(two.chat.status.get().phase).not.toBe('live');
    second.send('queued');
    expect(second.get().messages[0]!.state).toBe('queued');
    await clock.advance(3_000);
    expect(two.chat.status.get()).toMatchObject({ phase: 'live', resumed: true });
    expect(second.get().messages[0]!.state).toBe('sent');
    server.loggedIn.clear();
    one.env.socket().drop(4401);
    await clock.advance(3_000);
    expect(two.chat.status.get()).toMatchObject({ phase: 'closed', code: 4401 });
    server.loggedIn.add(buyer.id);
    two.chat.connect();
    await clock.advance(3_000);
    expect(one.chat.status.get().phase).toBe('live');
    expect(two.chat.status.get().phase).toBe('live');
  });

  it('come back when another one is opened with a new session', async () => {
    const { clock, server, profile, one, two, live } = await twoTabs();
    server.loggedIn.clear();
    one.env.socket().drop(4401);
    await clock.advance(3_000);
    expect(two.chat.status.get().phase).toBe('closed');
    const three = await live(buyer, { profile, seed: 3 });
    await clock.advance(3_000);
    for (const { chat } of [one, two, three]) expect(chat.status.get().phase).toBe('live');
    expect(server.sockets.size).toBe(1);
  });

  it('let a follower wake the leader’s retry', async () => {
    const { clock, server, one, two } = await twoTabs();
    server.sabotage = () => 'network';
    one.env.fate = Array.from({ length: 8 }, () => 'refuse' as const);
    one.env.socket().drop();
    while (one.env.fate.length > 0) await clock.advance(1_000);
    const before = one.env.dials;
    two.env.live('online');
    await clock.advance(600);
    expect(one.env.dials).toBe(before + 1);
  });

  it('serve the buyer’s and the seller’s app of one member', async () => {
    const all = mall();
    const profile = new FakeProfile();
    const both = { ...agent, id: 'both' };
    all.server.addRoom('own', both, { id: 'forest', name: '숲속공방' });
    const asShop = await all.live(both, { profile });
    const asBuyer = await all.live({ id: 'both', name: agent.name }, { profile, seed: 2 });
    const shopRoom = asShop.chat.room('r1');
    const buyerRoom = asBuyer.chat.room('own');
    await all.clock.advance(200);
    shopRoom.send('as the shop');
    buyerRoom.send('as a buyer');
    await all.clock.advance(200);
    expect(all.server.sockets.size).toBe(1);
    expect(summary(shopRoom)).toEqual(['1 as the shop']);
    expect(summary(buyerRoom)).toEqual(['1 as a buyer']);
    expect(all.server.rooms.get('r1')!.messages[0]!.sender.party).toBe('shop');
    expect(all.server.rooms.get('own')!.messages[0]!.sender.party).toBe('buyer');
    expect(moonShop.id).toBe(asShop.chat.side === 'shop' ? 'moon' : '');
  });

  it('leave the others alone when one disconnects', async () => {
    const { clock, server, one, two } = await twoTabs();
    two.chat.disconnect();
    await clock.advance(100);
    expect(one.chat.status.get()).toMatchObject({ phase: 'live', leader: true });
    one.chat.disconnect();
    await clock.advance(60_000);
    expect(server.sockets.size).toBe(0);
    expect(clock.pending().length).toBe(0);
  });

  it('have a socket each where the browser refuses the lock', async () => {
    const all = mall();
    const profile = new FakeProfile();
    profile.lock = () => Promise.reject(new DOMException('no', 'SecurityError'));
    const one = await all.live(buyer, { profile });
    const two = await all.live(buyer, { profile, seed: 2 });
    const room = two.chat.room('r1');
    await all.clock.advance(100);
    one.chat.room('r1').send('x');
    await all.clock.advance(500);
    expect(all.server.sockets.size).toBe(2);
    expect(summary(room)).toEqual(['1 x']);
  });
});
