// Both sides of the socket read the same fixtures: the server writes them from its own frames.
import { describe, expect, it } from 'vitest';
import frames from '../../../modules/chat/testdata/frames.json';
import { createChat } from './chat';
import {
  isFinal,
  parseFrame,
  resumeRooms,
  spreadOf,
  type ClientFrame,
  type ServerFrame,
} from './protocol';
import { FakeClock } from './testing/clock';
import { fakeEnv } from './testing/env';
import { FakeServer } from './testing/world';
import type { TransportEvents } from './env';

const { server, client } = frames;
const { member } = server.welcome;
const { room_id: roomId, seq } = server.message;

/** A buyer's client, with the test as its server: REST knows nothing, the socket says what the fixtures say. */
async function wired() {
  const clock = new FakeClock(Date.parse(server.welcome.time));
  const env = fakeEnv(new FakeServer(clock), member);
  const sent: ClientFrame[] = [];
  let socket: TransportEvents | undefined;
  env.dial = (_url, events) => {
    socket = events;
    return { send: (text) => void sent.push(JSON.parse(text) as ClientFrame), close: () => {} };
  };
  env.uuid = () => client.send.client_msg_id;
  const page = { items: [], head: 0, epoch: server.welcome.epoch };
  const answer = (body: unknown) =>
    ({ ok: true, status: 200, headers: new Headers(), json: async () => body }) as Response;
  env.fetch = async (url) =>
    url.includes('/messages')
      ? answer({ ...page, items: [{ ...server.message, seq: 6 }], head: 6 })
      : url.includes('/summary')
        ? answer({ unread: 0, unread_rooms: 0, states: { waiting: 0, open: 0, held: 0, done: 0 } })
        : url.endsWith(roomId)
          ? answer({ ...server.room.room, head: 6 })
          : answer(page);
  const chat = createChat({ member }, env);
  const say = async (...said: object[]) => {
    for (const frame of said) socket!.frame(JSON.stringify(frame));
    await clock.advance(10);
  };
  chat.connect();
  await say(server.welcome);
  return { clock, chat, sent, say };
}

describe('what the server says', () => {
  it('begins a live link with its limits and its time', async () => {
    const { clock, chat } = await wired();
    expect(chat.status.get().phase).toBe('live');
    expect(chat.limits.get()).toEqual({ bodyCodePoints: 2000, bodyLines: 100 });
    expect(chat.now() - clock.now()).toBeLessThanOrEqual(0);
    expect(server.welcome.limits.resume_rooms).toBe(resumeRooms);
  });

  it('is shown: messages, cards, notices, receipts, rooms, typing', async () => {
    const { clock, chat, say } = await wired();
    await say(server.room);
    const room = chat.room(roomId);
    await clock.advance(500);
    expect(room.get().room).toMatchObject({
      peer: { name: '달빛상점' },
      head: 7,
      unread: 1,
      inquiry: { number: 1, subject: 'product', state: 'waiting', ownerName: '김하늘' },
      cursors: { buyer: { deliveredSeq: 7, readSeq: 6 }, shop: { deliveredSeq: 5, readSeq: 4 } },
    });
    await say(
      server.message,
      { ...server.message_card, seq: 8 },
      { ...server.message_notice, seq: 9 },
    );
    const [, text, card, notice] = room.get().messages;
    expect(text).toMatchObject({ seq: 7, byMe: true, kind: 'text', body: '재고 있나요?' });
    expect(text!.key).toBe(server.message.client_msg_id);
    expect(card).toMatchObject({ kind: 'card', card: { title: '달빛 머그컵', priceWon: 14900 } });
    expect(notice).toMatchObject({
      kind: 'notice',
      body: 'order_paid',
      mine: false,
      sender: { party: 'system' },
      card: { status: 'paid', summary: '머그컵', more: 2 },
    });
    await say({ ...server.receipt, delivered_seq: 8, read_seq: 7 });
    expect(room.get().messages.map((m) => m.state)).toEqual(['read', 'read', 'delivered', 'sent']);
    await say({ ...server.typing, member_id: 'another' });
    await clock.advance(400);
    expect(room.get().room!.typing).toMatchObject([{ party: 'shop', name: '박달님' }]);
  });

  it('answers what was asked: ack, error, stale', async () => {
    const { clock, chat, sent, say } = await wired();
    const room = chat.room(roomId);
    await clock.advance(500);
    const { card } = server.message_card;
    room.send({
      text: '재고 있나요?',
      card: { kind: 'product', id: card.id, title: card.title },
    });
    await clock.advance(10);
    const id = () => sent.findLast((f) => f.type === 'send')!.id;
    await say({ ...server.error, id: id() });
    expect(room.get().messages.at(-1)!.state).toBe('queued');
    await clock.advance(1_000);
    await say({ ...server.error_stale, id: id() });
    expect(room.get().messages.at(-1)).toMatchObject({
      state: 'failed',
      error: { code: 'stale', head: 9 },
    });
    room.retry(client.send.client_msg_id);
    await clock.advance(10);
    await say({ ...server.ack, id: id() });
    expect(room.get().messages.at(-1)).toMatchObject({ state: 'sent', seq });
  });

  it('makes a view whole: heartbeat, resumed, too far, reset', async () => {
    const { clock, chat, sent, say } = await wired();
    const room = chat.room(roomId);
    await clock.advance(500);
    await say(server.hb);
    await clock.advance(300);
    const resume = sent.findLast((f) => f.type === 'resume')!;
    expect(resume.rooms).toEqual({ [roomId]: 6 });
    await say(server.message, { ...server.resumed, id: resume.id });
    expect(room.get().messages.map((m) => m.seq)).toEqual([6, 7]);
    await say(server.too_far, { ...server.reset, id: 'r9' });
    await clock.advance(500);
    expect(room.get().messages.map((m) => m.seq)).toEqual([6]);
  });

  it('is all known here, by the names the server gives it', () => {
    const known: Record<ServerFrame['type'], true> = {
      ack: true,
      error: true,
      hb: true,
      message: true,
      ok: true,
      pong: true,
      presence: true,
      receipt: true,
      reset: true,
      resumed: true,
      room: true,
      too_far: true,
      typing: true,
      welcome: true,
    };
    for (const frame of Object.values(server)) {
      expect(known).toHaveProperty(parseFrame(JSON.stringify(frame))!.type);
    }
  });
});

describe('what this client says', () => {
  it('has the fields the server reads, and no others', async () => {
    const { clock, chat, sent, say } = await wired();
    const room = chat.room(roomId);
    await clock.advance(500);
    room.typing(true);
    const fromShop = { ...server.message, sender: { party: 'shop', member_id: 'x', name: 'x' } };
    await say({ ...fromShop, seq: 7 }, { ...fromShop, seq: 8 });
    await clock.advance(1_000);
    room.read(7);
    await say({ ...server.hb, heads: { [roomId]: 9 } });
    const { body: text, card, inquiry_id: inquiryId, expect_seq: expectSeq } = client.send;
    const shown = { kind: 'product', id: card.id, title: 't' } as const;
    room.send({ text, card: shown }, { inquiryId, expectSeq });
    // Nothing comes any more: the link is asked whether it lives.
    await clock.advance(4_000);
    const said = new Map<string, object>(sent.map((f) => [f.type, f]));
    // A client with a cookie has no token to renew.
    const spoken = Object.entries<object>(client).filter(([type]) => type !== 'auth');
    expect([...said.keys()].sort()).toEqual(spoken.map(([type]) => type).sort());
    for (const [type, frame] of spoken) {
      expect(Object.keys(said.get(type)!).sort()).toEqual(Object.keys(frame).sort());
    }
    expect(said.get('send')).toEqual({ ...client.send, id: 's1' });
    expect(said.get('resume')).toMatchObject({
      epoch: client.resume.epoch,
      rooms: { [roomId]: 8 },
    });
    expect(said.get('read')).toEqual(client.read);
    expect(said.get('typing')).toEqual(client.typing);
  });
});

describe('close codes', () => {
  it('44xx are final, all others are not', () => {
    expect([4400, 4401, 4403, 4409, 4499].every(isFinal)).toBe(true);
    expect([1000, 1001, 1006, 1012, 1013, 4000, 4508, 4510, 4529].some(isFinal)).toBe(false);
  });

  it('carry a spread in their reason, or do not', () => {
    expect(spreadOf('{"spread_ms":5000}')).toBe(5000);
    for (const reason of ['', 'bye', '{}', 'null', '{"spread_ms":-1}', '{"spread_ms":"x"}']) {
      expect(spreadOf(reason)).toBeUndefined();
    }
  });
});
