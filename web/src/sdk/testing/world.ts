// A mall in memory for the client's tests: rooms, the socket and REST as the contract words them, and whatever can go
// wrong between them and a client.
import type { AckFrame, SendFrame, ServerFrame, WireMessage, WireRoom } from '../protocol';
import { other } from '../mapping';
import type { Side } from '../types';
import type { FakeClock } from './clock';
import type { FakeResponse } from './rest';
import type { FakeSocket } from './socket';

export interface FakeMember {
  readonly id: string;
  readonly name: string;
  /** The shop they answer for. */
  readonly shop?: { id: string; name: string };
}

/** What a send says, by whichever way. */
export type Draft = Omit<SendFrame, 'type' | 'id'>;

export interface SendFault {
  code: string;
  retryable: boolean;
  retry_after_ms?: number;
  head?: number;
}

export interface FakeRoom {
  wire: WireRoom;
  messages: WireMessage[];
  keys: Map<string, { seq: number; body: string }>;
  /** The parties that have blocked the other one. */
  blocks: Set<Side>;
}

/** What may happen to a frame that travels over Pub/Sub: the delays of its copies; none when it is lost. */
export type Weather = (frame: ServerFrame) => number[];

export class FakeServer {
  readonly clock: FakeClock;
  readonly rooms = new Map<string, FakeRoom>();
  readonly sockets = new Set<FakeSocket>();
  readonly requests: string[] = [];
  epoch = 'e1';
  weather: Weather = () => [0];
  /** Answers instead of the server where it gives something. */
  sabotage: (method: string, path: string) => FakeResponse | 'network' | 'silence' | undefined =
    () => undefined;
  /** Answers a send instead of the server where it gives something; 'silence' gives no answer, but stores. */
  sendFault: (frame: Draft) => SendFault | 'silence' | undefined = () => undefined;
  /** How long an answer to a request takes on its way back. */
  slowness: () => number = () => 0;
  heartbeatMs = 8_000;
  /** Behind the clients' clock by this much. */
  skewMs = 0;
  /** Every send that was stored, to see what was stored twice. */
  stored: string[] = [];
  loggedIn = new Set<string>();
  /** What was reported, in the words of the requests. */
  reports: unknown[] = [];

  constructor(clock: FakeClock) {
    this.clock = clock;
  }

  time(): string {
    // The database counts microseconds; the server leaves trailing zeros out.
    return new Date(this.clock.now() + this.skewMs).toISOString().replace(/\.?0*Z$/, 'Z');
  }

  addRoom(id: string, buyer: FakeMember, shop: { id: string; name: string }): FakeRoom {
    const none = { delivered_seq: 0, read_seq: 0 };
    const wire: WireRoom = {
      id,
      buyer: { id: buyer.id, name: buyer.name },
      shop,
      inquiry: {
        id: `${id}-i1`,
        number: 1,
        subject: 'general',
        state: 'waiting',
        created_at: this.time(),
      },
      head: 0,
      unread: 0,
      cursors: { buyer: none, shop: none },
      blocked: { by_me: false, by_other: false },
      created_at: this.time(),
      updated_at: this.time(),
    };
    const room = { wire, messages: [], keys: new Map(), blocks: new Set<Side>() };
    this.rooms.set(id, room);
    return room;
  }

  sideOf(member: FakeMember, room: FakeRoom): Side | undefined {
    if (room.wire.buyer.id === member.id) return 'buyer';
    return room.wire.shop.id === member.shop?.id ? 'shop' : undefined;
  }

  view(room: FakeRoom, side: Side): WireRoom {
    const { read_seq } = room.wire.cursors[side];
    const last = room.messages.at(-1);
    const unread = room.messages.filter(
      (m) => m.seq > read_seq && m.sender.party !== side && m.sender.party !== 'system',
    ).length;
    const blocked = { by_me: room.blocks.has(side), by_other: room.blocks.has(other(side)) };
    return structuredClone({
      ...room.wire,
      unread,
      blocked,
      ...(last && { last_message: last }),
    });
  }

  /** One party blocks the other, or takes that back; a notice in the room says so. */
  block(roomId: string, side: Side, on: boolean) {
    const { blocks, wire } = this.rooms.get(roomId)!;
    if (on) blocks.add(side);
    else blocks.delete(side);
    this.store(roomId, wire.buyer, `${side}_${on ? '' : 'un'}blocked`, {
      kind: 'notice',
      sender: { party: 'system' },
    });
  }

  /** Stores a message and sends it to all who may see it but the socket it came from. */
  store(
    roomId: string,
    member: FakeMember,
    text: string,
    more: Partial<WireMessage> = {},
    from?: FakeSocket,
  ) {
    const room = this.rooms.get(roomId)!;
    const party = this.sideOf(member, room)!;
    const message: WireMessage = {
      room_id: roomId,
      seq: room.messages.length + 1,
      inquiry_id: room.wire.inquiry.id,
      sender: { party, member_id: member.id, name: member.name },
      kind: 'text',
      body: text,
      created_at: this.time(),
      ...more,
    };
    room.messages.push(message);
    const { wire } = room;
    wire.head = message.seq;
    wire.updated_at = this.time();
    if (party === 'shop') delete wire.waiting_since;
    else wire.waiting_since ??= message.created_at;
    this.stored.push(`${member.id} ${message.client_msg_id ?? message.seq}`);
    this.broadcast(room, { type: 'message', ...message }, from);
    return message;
  }

  /** Takes a send: stores it unless it was stored before, and tells how that went. */
  accept(
    member: FakeMember,
    draft: Draft,
    from?: FakeSocket,
  ): Omit<AckFrame, 'type' | 'id'> | SendFault | 'silence' {
    const { room_id, client_msg_id, body } = draft;
    const fault = this.sendFault(draft);
    if (fault && fault !== 'silence') return fault;
    const room = this.rooms.get(room_id)!;
    const key = `${member.id} ${client_msg_id}`;
    const known = room.keys.get(key);
    const card = draft.card && {
      ...draft.card,
      title: `${draft.card.kind} as the server names it`,
    };
    const more = { client_msg_id, ...(card && { kind: 'card' as const, card }) };
    const { seq } = known ?? this.store(room_id, member, body, more, from);
    room.keys.set(key, { seq, body });
    if (fault) return fault;
    const dup = known !== undefined;
    return { room_id, client_msg_id, seq, created_at: this.time(), dup };
  }

  broadcast(room: FakeRoom, frame: ServerFrame, except?: FakeSocket) {
    for (const socket of this.sockets) {
      if (socket === except || !this.sideOf(socket.member, room)) continue;
      for (const ms of this.weather(frame)) this.clock.after(ms, () => socket.push(frame));
    }
  }

  /** Changes an inquiry as some other staff would. */
  changeInquiry(roomId: string, change: Partial<WireRoom['inquiry']>) {
    const room = this.rooms.get(roomId)!;
    room.wire.inquiry = { ...room.wire.inquiry, ...change };
    room.wire.updated_at = this.time();
    for (const socket of this.sockets) {
      const side = this.sideOf(socket.member, room);
      if (side) socket.push({ type: 'room', room: this.view(room, side) });
    }
  }

  moveCursor(room: FakeRoom, side: Side, kind: 'delivered' | 'read', seq: number) {
    const c = { ...room.wire.cursors[side] };
    if (kind === 'read') c.read_seq = Math.max(c.read_seq, seq);
    c.delivered_seq = Math.max(c.delivered_seq, seq);
    const was = room.wire.cursors[side];
    if (c.read_seq === was.read_seq && c.delivered_seq === was.delivered_seq) return;
    room.wire.cursors = { ...room.wire.cursors, [side]: c };
    room.wire.updated_at = this.time();
    this.broadcast(room, { type: 'receipt', room_id: room.wire.id, party: side, ...c });
  }

  closeAll(code: number, reason = '') {
    for (const socket of [...this.sockets]) socket.drop(code, reason);
  }
}
