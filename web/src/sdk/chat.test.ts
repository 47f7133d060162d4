import { describe, expect, it, vi } from 'vitest';
import { agent, buyer, colleague, mall, moonShop } from './testing/people';
import type { ChatError, OpenRoom } from './types';

const bodies = (room: OpenRoom) => room.get().messages.map((m) => m.body);
const states = (room: OpenRoom) => room.get().messages.map((m) => m.state);

describe('a room', () => {
  it('shows what was said before, and what is said now, to both sides', async () => {
    const { clock, server, live } = mall();
    server.store('r1', buyer, '재고 있나요?');
    const b = await live(buyer);
    const s = await live(agent);
    const asked = b.chat.room('r1');
    const answered = s.chat.room('r1');
    await clock.advance(100);
    expect(bodies(asked)).toEqual(['재고 있나요?']);
    expect(asked.get().messages[0]).toMatchObject({ seq: 1, mine: true, byMe: true, kind: 'text' });
    expect(answered.get().messages[0]).toMatchObject({ mine: false, sender: { name: '하늘' } });

    answered.send('네, 있습니다');
    await clock.advance(100);
    expect(bodies(asked)).toEqual(['재고 있나요?', '네, 있습니다']);
    expect(asked.get().room).toMatchObject({
      head: 2,
      unread: 1,
      peer: { name: '달빛상점' },
      last: { body: '네, 있습니다' },
    });
  });

  it('goes through the states of a message, each time as a new object under the same key', async () => {
    const { clock, live } = mall();
    const b = await live(buyer);
    const room = b.chat.room('r1');
    await clock.advance(100);
    const sent = room.send('안녕하세요');
    expect(sent.state).toBe('sending');
    expect(states(room)).toEqual(['sending']);
    await clock.advance(10);
    expect(states(room)).toEqual(['sent']);
    const stored = room.get().messages[0]!;
    expect(stored).toMatchObject({ key: sent.key, seq: 1 });

    const s = await live(agent);
    s.chat.inbox();
    await clock.advance(2000);
    expect(states(room)).toEqual(['delivered']);
    const seen = s.chat.room('r1');
    await clock.advance(100);
    seen.read();
    await clock.advance(1000);
    expect(states(room)).toEqual(['read']);
    expect(room.get().messages[0]).not.toBe(stored);
    expect(stored.state).toBe('sent');
  });

  it('counts unread on every tab and device of a side, and the summary with it', async () => {
    const { clock, server, live } = mall();
    for (let i = 1; i <= 3; i++) server.store('r1', buyer, `질문 ${i}`);
    const one = await live(agent);
    const two = await live(colleague);
    const inbox = two.chat.inbox();
    const room = one.chat.room('r1');
    await clock.advance(500);
    expect(two.chat.summary.get()).toMatchObject({
      unread: 3,
      unreadRooms: 1,
      states: { waiting: 1, open: 0 },
    });
    expect(room.get().firstUnreadSeq).toBe(1);
    room.read(2);
    expect(room.get().room!.unread).toBe(1);
    await clock.advance(2000);
    expect(inbox.get().items[0]!.unread).toBe(1);
    expect(two.chat.summary.get()).toMatchObject({ unread: 1, unreadRooms: 1 });
    room.read();
    await clock.advance(2000);
    expect(inbox.get().items[0]!.unread).toBe(0);
    expect(two.chat.summary.get()).toMatchObject({ unread: 0, unreadRooms: 0 });
    expect(room.get().firstUnreadSeq).toBe(1);
  });

  it('never moves a read mark back, and sends one at most every 500 ms', async () => {
    const { clock, server, live } = mall();
    for (let i = 1; i <= 9; i++) server.store('r1', buyer, `${i}`);
    const { chat, env } = await live(agent);
    const room = chat.room('r1');
    await clock.advance(1000);
    for (const seq of [3, 2, 5, 4, 7, 1]) room.read(seq);
    await clock.advance(2000);
    room.read(2);
    await clock.advance(2000);
    const reads = env.socket().heard.flatMap((f) => (f.type === 'read' ? [f.seq] : []));
    expect(reads).toEqual([3, 7]);
    expect(room.get().room!.cursors.shop.readSeq).toBe(7);
    room.read(99);
    await clock.advance(1000);
    expect(room.get().room!.cursors.shop.readSeq).toBe(9);
  });

  it('says a read mark again that the lost link may have swallowed', async () => {
    const { clock, server, live } = mall();
    server.store('r1', buyer, 'x');
    const { chat, env } = await live(agent);
    const room = chat.room('r1');
    await clock.advance(100);
    env.socket().freeze();
    room.read();
    await clock.advance(60_000);
    expect(server.rooms.get('r1')!.wire.cursors.shop.read_seq).toBe(1);
  });

  it('reads older messages page by page, in order and whole', async () => {
    const { clock, server, live } = mall();
    for (let i = 1; i <= 130; i++) server.store('r1', agent, `${i}`);
    server.moveCursor(server.rooms.get('r1')!, 'buyer', 'read', 130);
    const { chat } = await live(buyer);
    const room = chat.room('r1');
    await clock.advance(100);
    expect(room.get().messages.length).toBe(50);
    const newest = room.get().messages.at(-1);
    void room.older();
    void room.older();
    expect(room.get().loadingOlder).toBe(true);
    await clock.advance(100);
    expect(room.get().messages.length).toBe(100);
    void room.older();
    await clock.advance(100);
    expect(room.get().messages.map((m) => m.seq)).toEqual(
      Array.from({ length: 130 }, (_, i) => i + 1),
    );
    expect(room.get().hasOlder).toBe(false);
    expect(room.get().messages.at(-1)).toBe(newest);
    room.trim(60);
    expect(room.get()).toMatchObject({ hasOlder: true });
    expect(room.get().messages.length).toBe(60);
  });

  it('shows a failed load, keeps trying, and recovers', async () => {
    const { clock, server, live } = mall();
    server.store('r1', agent, 'x');
    const { chat } = await live(buyer);
    server.sabotage = (_, path) => (path.includes('/messages') ? 'network' : undefined);
    const room = chat.room('r1');
    await clock.advance(100);
    expect(room.get().error).toMatchObject({ code: 'network', retryable: true });
    server.sabotage = () => undefined;
    await clock.advance(5000);
    expect(room.get().error).toBeUndefined();
    expect(bodies(room)).toEqual(['x']);
  });

  it('tells that a room of others does not exist', async () => {
    const { clock, server, live } = mall();
    server.addRoom('r9', { id: 'someone', name: 's' }, moonShop);
    const { chat } = await live(buyer);
    const room = chat.room('r9');
    await clock.advance(200);
    expect(room.get()).toMatchObject({ loading: false, error: { code: 'not_found' } });
  });

  it('shows who is typing: after 300 ms, for 6 s, and not past their message', async () => {
    const { clock, server, live } = mall();
    server.store('r1', buyer, 'x');
    const b = await live(buyer);
    const s = await live(agent);
    const at = s.chat.room('r1');
    const from = b.chat.room('r1');
    await clock.advance(100);
    from.typing(true);
    from.typing(true);
    await clock.advance(200);
    expect(at.get().room!.typing).toEqual([]);
    await clock.advance(200);
    expect(at.get().room!.typing).toEqual([{ party: 'buyer', memberId: 'b1', name: '하늘' }]);
    await clock.advance(6000);
    expect(at.get().room!.typing).toEqual([]);
    from.typing(true);
    await clock.advance(500);
    from.send('여기요');
    await clock.advance(100);
    expect(at.get().room!.typing).toEqual([]);
    expect(b.env.socket().heard.filter((f) => f.type === 'typing').length).toBe(2);
  });

  it('keeps the server’s time, whatever this device believes', async () => {
    const { clock, server, live } = mall();
    server.skewMs = -5 * 60_000;
    const { chat } = await live(buyer);
    expect(chat.now()).toBe(clock.now() - 5 * 60_000);
    const room = chat.room('r1');
    await clock.advance(100);
    const { at } = room.send('x');
    await clock.advance(100);
    expect(Math.abs(room.get().messages[0]!.at - at)).toBeLessThan(1000);
  });

  it('opens the room about something, once', async () => {
    const { clock, live } = mall();
    const { chat } = await live(buyer);
    const opening = chat.open({ shopId: 'moon', productId: 'p1' });
    await clock.advance(100);
    const room = await opening;
    expect(room.id).toBe('r1');
    expect(room.get().room!.shop.name).toBe('달빛상점');
  });

  it('shows a card as given, then as the server has it', async () => {
    const { clock, live } = mall();
    const { chat } = await live(buyer);
    const room = chat.room('r1');
    await clock.advance(100);
    room.send({ card: { kind: 'product', id: 'p1', title: '달 머그컵' } });
    expect(room.get().messages[0]).toMatchObject({ kind: 'card', card: { title: '달 머그컵' } });
    await clock.advance(100);
    expect(room.get().messages[0]).toMatchObject({
      kind: 'card',
      seq: 1,
      card: { title: 'product as the server names it' },
    });
  });
});

describe('an inbox', () => {
  it('lists by page, keeps order as messages come, and finds rooms it has not read', async () => {
    const { clock, server, live } = mall();
    for (let i = 2; i <= 120; i++) {
      await clock.advance(1000);
      server.addRoom(`r${i}`, { id: `b${i}`, name: `구매자 ${i}` }, moonShop);
      server.store(`r${i}`, { id: `b${i}`, name: `구매자 ${i}` }, 'x');
    }
    const { chat } = await live(agent);
    const inbox = chat.inbox();
    await clock.advance(100);
    const ids = () => inbox.get().items.map((c) => c.id);
    expect(ids().length).toBe(50);
    expect(ids()[0]).toBe('r120');
    expect(inbox.get().more).toBe(true);

    server.store('r5', { id: 'b5', name: '구매자 5' }, '아직 안 왔어요');
    await clock.advance(500);
    expect(ids()[0]).toBe('r5');
    expect(inbox.get().items[0]).toMatchObject({ unread: 2, last: { body: '아직 안 왔어요' } });
    expect(ids().length).toBe(51);

    for (let i = 0; i < 3; i++) {
      void inbox.more();
      await clock.advance(100);
    }
    expect(inbox.get().more).toBe(false);
    expect(new Set(ids()).size).toBe(119);
  });

  it('puts the longest unanswered first, and lets go of what is answered', async () => {
    const { clock, server, live } = mall();
    const other = { id: 'b2', name: '바다' };
    server.addRoom('r2', other, moonShop);
    server.store('r2', other, 'first');
    await clock.advance(1000);
    server.store('r1', buyer, 'second');
    const { chat } = await live(agent);
    const inbox = chat.inbox({ order: 'waiting' });
    await clock.advance(100);
    expect(inbox.get().items.map((c) => c.id)).toEqual(['r2', 'r1']);
    chat.room('r2').send('answer');
    await clock.advance(500);
    expect(inbox.get().items.map((c) => c.id)).toEqual(['r1']);
  });

  it('keeps to its own side of a member who is both', async () => {
    const { clock, server, tab, live } = mall();
    const both = { ...agent, id: 'both' };
    server.addRoom('own', both, { id: 'forest', name: '숲속공방' });
    server.store('own', both, 'I buy');
    server.store('r1', buyer, 'to the shop');
    const asShop = await live(both);
    const inbox = asShop.chat.inbox();
    await clock.advance(200);
    expect(inbox.get().items.map((c) => c.id)).toEqual(['r1']);
    server.store('own', both, 'again');
    await clock.advance(500);
    expect(inbox.get().items.map((c) => c.id)).toEqual(['r1']);
    void tab;
  });

  it('moves a room between the states, at once and back when refused', async () => {
    const { clock, server, live } = mall();
    server.store('r1', buyer, 'x');
    const { chat } = await live(agent);
    const waiting = chat.inbox({ state: 'waiting' });
    const done = chat.inbox({ state: 'done' });
    await clock.advance(1000);
    expect(waiting.get().items.length).toBe(1);

    const changing = chat.setInquiry('r1', 'r1-i1', { state: 'done' });
    expect(waiting.get().items.length).toBe(0);
    expect(done.get().items.length).toBe(1);
    await clock.advance(100);
    expect((await changing).inquiry.state).toBe('done');

    server.sabotage = (method) =>
      method === 'PATCH' ? { status: 403, body: { code: 'forbidden', title: 'no' } } : undefined;
    const refused = chat.setInquiry('r1', 'r1-i1', { state: 'held' }).catch((e: ChatError) => e);
    expect(done.get().items.length).toBe(0);
    await clock.advance(100);
    expect(await refused).toMatchObject({ code: 'forbidden', status: 403 });
    expect(done.get().items.length).toBe(1);
  });

  it('blocks, sees a block and its end, and reports', async () => {
    const { clock, server, live } = mall();
    server.store('r1', buyer, 'x');
    const { chat } = await live(agent);
    const theirs = (await live(buyer)).chat.room('r1');
    const room = chat.room('r1');
    await clock.advance(1000);
    const blocked = () => [room, theirs].map((t) => t.get().room!.blocked);
    const none = { byUs: false, byPeer: false };
    expect(blocked()).toEqual([none, none]);

    const blocking = chat.block('r1', true);
    await clock.advance(1000);
    await blocking;
    expect(blocked()).toEqual([
      { byUs: true, byPeer: false },
      { byUs: false, byPeer: true },
    ]);

    server.block('r1', 'shop', false);
    await clock.advance(1000);
    expect(blocked()).toEqual([none, none]);

    const reporting = chat.report('r1', { id: 'p1', reason: 'spam', text: '', seq: 1 });
    await clock.advance(1000);
    await reporting;
    expect(server.reports).toEqual([{ report_id: 'p1', reason: 'spam', seq: 1 }]);
  });

  it('sees what others change, and a buyer’s next question waits again', async () => {
    const { clock, server, live } = mall();
    server.store('r1', buyer, 'x');
    const { chat } = await live(agent);
    const inbox = chat.inbox();
    await clock.advance(100);
    server.changeInquiry('r1', { state: 'held', owner_id: 'a2', owner_name: '서연' });
    await clock.advance(10);
    expect(inbox.get().items[0]!.inquiry).toMatchObject({ state: 'held', ownerName: '서연' });
    server.store('r1', buyer, 'y');
    await clock.advance(10);
    expect(inbox.get().items[0]!.inquiry.state).toBe('waiting');
  });

  it('says once that a message of the other side came in', async () => {
    const { clock, server, live } = mall();
    const { chat } = await live(agent);
    chat.inbox();
    await clock.advance(100);
    const came = vi.fn();
    chat.on('message', (e) => came(e.message.body));
    server.weather = () => [0, 5, 30];
    server.store('r1', buyer, '하나');
    server.store('r1', buyer, '둘');
    server.store('r1', agent, 'from another device');
    await clock.advance(1000);
    expect(came.mock.calls).toEqual([['하나'], ['둘']]);
  });
});
