import { describe, expect, it, vi } from 'vitest';
import { seeded } from './testing/clock';
import { agent, buyer, colleague, mall, moonShop, type Tab } from './testing/people';
import { FakeProfile } from './testing/profile';
import { problem } from './testing/rest';
import type { FakeMember } from './testing/world';
import type { OpenRoom } from './types';

const list = (room: OpenRoom) => room.get().messages.map((m) => `${m.seq} ${m.body}`);

async function reading(member: FakeMember = buyer) {
  const all = mall();
  for (let i = 1; i <= 3; i++) all.server.store('r1', agent, `before ${i}`);
  const tab = await all.live(member);
  const room = tab.chat.room('r1');
  await all.clock.advance(200);
  return { ...all, ...tab, room };
}

describe('after a lost link', () => {
  it('everything missed is there, in order, by one question', async () => {
    const { clock, server, env, room } = await reading();
    env.socket().drop();
    for (let i = 1; i <= 5; i++) server.store('r1', agent, `missed ${i}`);
    server.requests.length = 0;
    await clock.advance(1_000);
    expect(list(room).length).toBe(8);
    expect(list(room).at(-1)).toBe('8 missed 5');
    expect(env.socket().heard.filter((f) => f.type === 'resume').length).toBe(1);
    expect(server.requests.filter((r) => r.includes('/messages'))).toEqual([]);
  });

  it('what is too far behind comes by pages, and what is very far by the newest page', async () => {
    const { clock, server, env, room } = await reading();
    env.socket().drop();
    for (let i = 1; i <= 300; i++) server.store('r1', agent, `${i}`);
    await clock.advance(1_500);
    expect(room.get().messages.length).toBe(303);
    expect(room.get().messages.map((m) => m.seq)).toEqual(
      Array.from({ length: 303 }, (_, i) => i + 1),
    );
    env.socket().drop();
    for (let i = 1; i <= 900; i++) server.store('r1', agent, `${i}`);
    await clock.advance(1_500);
    expect(room.get().messages.at(-1)!.seq).toBe(1203);
    expect(room.get().messages.length).toBe(50);
    expect(room.get().hasOlder).toBe(true);
    expect(room.get().room!.head).toBe(1203);
  });

  it('the lists and counts of rooms that nobody has open are right', async () => {
    const { clock, server, chat, env } = await reading(agent);
    const other = { id: 'b2', name: '바다' };
    server.addRoom('r2', other, { id: 'moon', name: '달빛상점' });
    server.store('r2', other, 'x');
    const inbox = chat.inbox();
    await clock.advance(1_000);
    env.socket().freeze();
    server.store('r2', other, 'y');
    server.changeInquiry('r2', { state: 'held' });
    server.store('r1', buyer, 'z');
    await clock.advance(50_000);
    const row = inbox.get().items.find((c) => c.id === 'r2')!;
    expect(row).toMatchObject({ unread: 2, head: 2, inquiry: { state: 'held' } });
    expect(chat.summary.get()).toMatchObject({ unread: 3, unreadRooms: 2 });
  });

  it('what another device has read meanwhile is read here', async () => {
    const { clock, server, chat, env } = await reading(agent);
    server.store('r1', buyer, 'a');
    const other = { id: 'b2', name: '바다' };
    server.addRoom('r2', other, { id: 'moon', name: '달빛상점' });
    server.store('r2', other, 'b');
    const inbox = chat.inbox();
    await clock.advance(1_000);
    env.socket().freeze();
    server.moveCursor(server.rooms.get('r2')!, 'shop', 'read', 1);
    // Reading changes no room.
    server.rooms.get('r2')!.wire.updated_at = server.rooms.get('r2')!.wire.created_at;
    await clock.advance(50_000);
    expect(inbox.get().items.map((c) => [c.id, c.unread])).toEqual([
      ['r1', 1],
      ['r2', 0],
    ]);
    expect(chat.summary.get().unread).toBe(1);
  });

  it('what could not be opened without a session opens with the next one', async () => {
    const { clock, server, chat, env } = await reading(agent);
    server.loggedIn.clear();
    env.socket().drop(4401);
    const room = chat.room('r1');
    room.close();
    const inbox = chat.inbox();
    server.addRoom('r2', { id: 'b2', name: '바다' }, { id: 'moon', name: '달빛상점' });
    const other = chat.room('r2');
    await clock.advance(2_000);
    expect(other.get().error).toMatchObject({ status: 401 });
    expect(inbox.get()).toMatchObject({ loaded: false, error: { status: 401 } });
    server.loggedIn.add(agent.id);
    chat.connect();
    await clock.advance(2_000);
    expect(other.get()).toMatchObject({ error: undefined, room: { id: 'r2' } });
    expect(inbox.get().items.length).toBe(1);
  });

  it('what the other side has read meanwhile is marked', async () => {
    const { clock, server, env, room } = await reading(agent);
    env.socket().freeze();
    server.moveCursor(server.rooms.get('r1')!, 'buyer', 'read', 2);
    await clock.advance(50_000);
    expect(room.get().messages.map((m) => m.state)).toEqual(['read', 'read', 'sent']);
  });
});

describe('a room that a restore has lost', () => {
  it('is shown as gone, and keeps no other from what it missed', async () => {
    const { clock, server, env, chat, room } = await reading();
    server.addRoom('r2', buyer, moonShop);
    server.store('r2', agent, 'before');
    const lost = chat.room('r2');
    await clock.advance(500);
    expect(list(lost)).toEqual(['1 before']);
    env.socket().freeze();
    server.rooms.delete('r2');
    server.store('r1', agent, 'missed');
    await clock.advance(15_000);
    expect(chat.status.get().phase).toBe('live');
    expect(list(room).at(-1)).toBe('4 missed');
    expect(lost.get().error?.code).toBe('not_found');
  });
});

describe('on a live link', () => {
  it('a lost last message is found by the heartbeat, without another one', async () => {
    const { clock, server, room, chat } = await reading();
    server.weather = () => [];
    server.store('r1', agent, 'the last word');
    await clock.advance(21_000);
    expect(list(room).at(-1)).toBe('4 the last word');
    expect(chat.summary.get().unread).toBe(4);
  });

  it('a hole is filled when what follows it comes', async () => {
    const { clock, server, env, room } = await reading();
    server.weather = () => [];
    server.store('r1', agent, 'lost');
    server.weather = () => [0];
    server.store('r1', agent, 'after it');
    expect(list(room).length).toBe(3);
    await clock.advance(300);
    expect(list(room).slice(3)).toEqual(['4 lost', '5 after it']);
    expect(env.socket().heard.filter((f) => f.type === 'resume').length).toBe(1);
  });

  it('a hole is filled by REST when the socket’s answer never comes', async () => {
    const { clock, server, env, room } = await reading();
    const socket = env.socket();
    const receive = socket.receive.bind(socket);
    socket.receive = (f) => f.type !== 'resume' && receive(f);
    server.weather = () => [];
    server.store('r1', agent, 'lost');
    server.weather = () => [0];
    server.store('r1', agent, 'after it');
    await clock.advance(6_000);
    expect(list(room).length).toBe(5);
  });

  it('is complete within 5 s of the end of a database outage', async () => {
    const { clock, server, env, room } = await reading();
    server.sabotage = () => problem(503, 'unavailable');
    const socket = env.socket();
    const receive = socket.receive.bind(socket);
    socket.receive = (f) => {
      if (f.type !== 'resume') return receive(f);
      const { id } = f;
      socket.push({ type: 'error', id, code: 'unavailable', message: '', retryable: true });
    };
    server.weather = () => [];
    server.store('r1', agent, 'lost');
    server.weather = () => [0];
    server.store('r1', agent, 'after it');
    await clock.advance(120_000);
    expect(list(room).length).toBe(3);
    server.sabotage = () => undefined;
    await clock.advance(5_000);
    expect(list(room).length).toBe(5);
  });

  it('a new room shows up', async () => {
    const { clock, server, chat } = await reading(agent);
    const inbox = chat.inbox();
    await clock.advance(100);
    const other = { id: 'b2', name: '바다' };
    server.addRoom('r2', other, { id: 'moon', name: '달빛상점' });
    server.store('r2', other, '처음 뵙겠습니다');
    await clock.advance(1_000);
    expect(inbox.get().items[0]).toMatchObject({ id: 'r2', unread: 1 });
    expect(chat.summary.get()).toMatchObject({ unreadRooms: 1 });
  });

  it('the same list follows a colleague’s and one’s own messages from elsewhere', async () => {
    const { clock, server, room } = await reading(agent);
    server.store('r1', colleague, '제가 볼게요');
    server.store('r1', agent, 'from my phone', { client_msg_id: 'k' });
    await clock.advance(10);
    expect(
      room
        .get()
        .messages.slice(3)
        .map((m) => [m.mine, m.byMe]),
    ).toEqual([
      [true, false],
      [true, true],
    ]);
  });
});

describe('a reset', () => {
  it('reads the last page again, quietly, and keeps what is on its way', async () => {
    const { clock, server, chat, env, room } = await reading();
    const inbox = chat.inbox();
    const reset = vi.fn();
    chat.on('reset', reset);
    room.read();
    await clock.advance(1_000);
    env.fate = ['refuse'];
    env.socket().drop();
    room.send('on its way');
    // The database came back from a copy that lacks the last message.
    server.epoch = 'e2';
    const stored = server.rooms.get('r1')!;
    stored.messages.pop();
    stored.wire.head = 2;
    stored.wire.cursors.buyer = { delivered_seq: 2, read_seq: 1 };
    const lengths: number[] = [];
    const stop = room.subscribe((t) => lengths.push(t.messages.length));
    await clock.advance(5_000);
    stop();
    expect(reset).toHaveBeenCalledOnce();
    expect(list(room)).toEqual(['1 before 1', '2 before 2', '3 on its way']);
    expect(Math.min(...lengths)).toBeGreaterThan(0);
    expect(inbox.get().items[0]).toMatchObject({ head: 3, unread: 1 });
    server.store('r1', agent, 'and on it goes');
    await clock.advance(1_000);
    expect(list(room).at(-1)).toBe('4 and on it goes');
    room.read();
    await clock.advance(1_000);
    expect(stored.wire.cursors.buyer.read_seq).toBe(4);
  });

  it('is noticed by REST as well', async () => {
    const { clock, server, chat, room } = await reading();
    const reset = vi.fn();
    chat.on('reset', reset);
    server.epoch = 'e2';
    server.rooms.get('r1')!.messages.length = 1;
    server.rooms.get('r1')!.wire.head = 1;
    chat.inbox();
    await clock.advance(1_000);
    expect(reset).toHaveBeenCalledOnce();
    expect(list(room)).toEqual(['1 before 1']);
  });
});

describe('memory', () => {
  it('keeps the last rooms whole after they are closed, and lets go of older ones', async () => {
    const { clock, server, chat, room } = await reading();
    room.close();
    server.store('r1', agent, 'while closed');
    await clock.advance(100);
    server.requests.length = 0;
    const again = chat.room('r1');
    expect(list(again).at(-1)).toBe('4 while closed');
    expect(again.get().firstUnreadSeq).toBe(1);
    expect(server.requests.filter((r) => r.includes('/messages'))).toEqual([]);
    again.close();
    for (let i = 0; i < 20; i++) {
      server.addRoom(`x${i}`, buyer, { id: `s${i}`, name: `s${i}` });
      chat.room(`x${i}`).close();
      await clock.advance(50);
    }
    await clock.advance(500);
    chat.room('r1');
    await clock.advance(100);
    expect(server.requests.some((r) => r.includes('r1/messages'))).toBe(true);
  });

  it('is given back at the end', async () => {
    const { clock, server, chat } = await reading();
    chat.room('r1').send('x');
    chat.inbox();
    chat.destroy();
    await clock.advance(60_000);
    expect(server.sockets.size).toBe(0);
    expect(clock.pending()).toEqual([]);
  });
});

/**
 * Every tab of both sides does things at random while the mall loses, doubles, delays and breaks things, and, where
 * `walled`, networks let no sockets through, some of them to the end.
 */
async function storm(seed: number, walled: boolean) {
  const { clock, server, live } = mall();
  const random = seeded(seed);
  const chance = (p: number) => random() < p;
  const pick = <T>(items: T[]) => items[Math.floor(random() * items.length)]!;
  const profile = new FakeProfile();
  const tabs: (Tab & { room: OpenRoom })[] = [];
  const open = async (member: FakeMember, shared?: FakeProfile) => {
    const tab = await live(member, {
      seed: seed * 10 + tabs.length,
      ...(walled && chance(0.5) && { memory: 'events', blocked: 'refuse' }),
      ...(shared && { profile: shared }),
    });
    tab.chat.inbox();
    tabs.push({ ...tab, room: tab.chat.room('r1') });
  };
  await open(buyer, profile);
  await open(buyer, profile);
  await open(buyer);
  await open(agent);
  await open(colleague);

  server.weather = ({ type }) => {
    // A lost receipt is made good by the next one or the next link only: nothing else on the wire tells of it.
    if (type !== 'receipt' && chance(0.2)) return [];
    const delay = () => (chance(0.5) ? 0 : random() * 3_000);
    return chance(0.1) ? [delay(), delay()] : [delay()];
  };
  server.sabotage = () =>
    chance(0.15) ? pick(['network', problem(503, 'unavailable'), 'silence'] as const) : undefined;
  server.sendFault = () => {
    if (chance(0.1)) return 'silence';
    return chance(0.1) ? { code: 'busy', retryable: true, retry_after_ms: 200 } : undefined;
  };
  if (walled) server.slowness = () => (chance(0.2) ? random() * 3_000 : 0);
  let said = 0;
  for (let step = 0; step < 120; step++) {
    const tab = pick(tabs);
    if (chance(0.35)) tab.room.send(`${++said}`);
    if (chance(0.05)) {
      const card = { kind: 'product', id: 'p1', title: 'as it was here' } as const;
      tab.room.send({ text: `${++said}`, card });
    }
    if (chance(0.2)) tab.room.read();
    if (chance(0.08) && server.sockets.size)
      pick([...server.sockets]).drop(pick([1006, 1012, 4508]));
    if (chance(0.02) && server.sockets.size) pick([...server.sockets]).freeze();
    if (chance(0.1)) tab.env.live(pick(['wake', 'online', 'offline', 'sleep']));
    if (chance(0.1)) tab.env.fate.push(pick(['refuse', 'hang']));
    if (walled && chance(0.1)) {
      tab.env.blocked = pick(['refuse', 'hang', 'mute', undefined] as const);
      if (server.sockets.size) pick([...server.sockets]).drop(1006);
    }
    await clock.advance(random() * 2_000);
  }

  server.weather = () => [0];
  server.sabotage = () => undefined;
  server.sendFault = () => undefined;
  server.slowness = () => 0;
  for (const tab of tabs) {
    tab.env.fate = [];
    tab.env.live('wake');
  }
  await clock.advance(walled ? 120_000 : 70_000);
  return { clock, server, live, tabs, said };
}

describe('whatever happens', () => {
  it.each(Array.from({ length: 24 }, (_, i) => [i + 1, i % 2 ? 'walled' : 'open'] as const))(
    'every tab ends with what a fresh one reads (%i, %s networks)',
    async (seed, network) => {
      const { clock, server, live, tabs, said } = await storm(seed, network === 'walled');
      const bySpeech = server.requests.filter((r) => r === 'POST /chat/rooms/r1/messages').length;
      if (network === 'walled') expect(bySpeech).toBeGreaterThan(3);
      const stored = server.rooms.get('r1')!;
      const truth = stored.messages.map((m) => `${m.seq} ${m.body}`);
      expect(truth.length).toBe(said);
      expect(new Set(stored.messages.map((m) => m.body)).size).toBe(said);
      for (const { chat, room } of tabs) {
        await clock.advance(0);
        while (room.get().hasOlder) {
          void room.older(100);
          await clock.advance(100);
        }
        expect(list(room)).toEqual(truth);
        const side = chat.side;
        expect(room.get().room).toMatchObject({
          head: said,
          unread: server.view(stored, side).unread,
        });
        expect(chat.summary.get().unread).toBe(server.view(stored, side).unread);
        expect(chat.status.get().phase).toBe('live');
      }
      const fresh = await live(buyer);
      const room = fresh.chat.room('r1');
      await clock.advance(200);
      const mine = tabs[0]!.room.get().messages.slice(-room.get().messages.length);
      expect(mine.map(({ key, state }) => [key, state])).toEqual(
        room.get().messages.map(({ key, state }) => [key, state]),
      );
    },
  );
});
