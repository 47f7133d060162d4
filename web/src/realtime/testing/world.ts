// A mall in memory for the client's tests: rooms, the socket and REST as the contract words them, and whatever can go
// wrong between them and a client.
import type { Env, Life, Lock, Transport, TransportEvents } from '../env';
import { memoryStorage, type OutboxStorage } from '../outbox-storage';
import type { ClientFrame, Heads, ServerFrame, WireMessage, WireRoom } from '../protocol';
import type { Side } from '../types';
import { createUuid } from '../uuid';
import { FakeClock, seeded } from './clock';

export const heartbeatMs = 20_000;

export interface FakeMember {
  readonly id: string;
  readonly name: string;
  /** The shop they answer for. */
  readonly shop?: { id: string; name: string };
}

interface FakeRoom {
  wire: WireRoom;
  messages: WireMessage[];
  keys: Map<string, { seq: number; body: string }>;
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
  sendFault: (
    frame: ClientFrame & { type: 'send' },
  ) =>
    | { code: string; retryable: boolean; retry_after_ms?: number; head?: number }
    | 'silence'
    | undefined = () => undefined;
  /** Behind the clients' clock by this much. */
  skewMs = 0;
  /** Every send that was stored, to see what was stored twice. */
  stored: string[] = [];
  loggedIn = new Set<string>();

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
      created_at: this.time(),
      updated_at: this.time(),
    };
    const room = { wire, messages: [], keys: new Map() };
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
    return structuredClone({ ...room.wire, unread, ...(last && { last_message: last }) });
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

  respond(member: FakeMember, method: string, url: string, body: unknown): FakeResponse {
    const { pathname, searchParams: query } = new URL(url, 'https://mall.test');
    const path = pathname.replace('/api/v1', '');
    this.requests.push(`${method} ${path}${query.size ? `?${query}` : ''}`);
    if (!this.loggedIn.has(member.id)) return problem(401, 'unauthenticated');
    if (path === '/me') return ok({ member, shops: [], operator: false });
    if (path === '/chat/summary') return ok(this.summary(member, query));
    if (path === '/chat/rooms') {
      return method === 'POST' ? this.open(member, body) : this.listRooms(member, query);
    }
    const [, id = '', rest = ''] = /^\/chat\/rooms\/([^/]+)(.*)$/.exec(path) ?? [];
    const room = this.rooms.get(id);
    const side = room && this.sideOf(member, room);
    if (!room || !side) return problem(404, 'not_found');
    if (rest === '') return ok(this.view(room, side));
    if (rest === '/messages') return ok(this.page(room, query));
    if (rest.startsWith('/inquiries/')) {
      this.changeInquiry(id, body as Partial<WireRoom['inquiry']>);
      return ok(this.view(room, side));
    }
    return problem(404, 'not_found');
  }

  private open(member: FakeMember, body: unknown) {
    const { shop_id } = body as { shop_id: string };
    for (const room of this.rooms.values()) {
      if (room.wire.buyer.id === member.id && room.wire.shop.id === shop_id) {
        return ok(this.view(room, 'buyer'));
      }
    }
    return ok(
      this.view(this.addRoom(`room-${shop_id}`, member, { id: shop_id, name: shop_id }), 'buyer'),
    );
  }

  private ours(member: FakeMember, query: URLSearchParams): [FakeRoom, Side][] {
    const side: Side = query.has('shop_id') ? 'shop' : 'buyer';
    return [...this.rooms.values()]
      .filter((r) => this.sideOf(member, r) === side)
      .map((r) => [r, side]);
  }

  private summary(member: FakeMember, query: URLSearchParams) {
    const rooms = this.ours(member, query).map(([room, side]) => this.view(room, side));
    const states = { waiting: 0, open: 0, held: 0, done: 0 };
    for (const room of rooms) states[room.inquiry.state]++;
    return {
      unread: rooms.reduce((sum, r) => sum + r.unread, 0),
      unread_rooms: rooms.filter((r) => r.unread > 0).length,
      states,
    };
  }

  private listRooms(member: FakeMember, query: URLSearchParams) {
    const after = query.get('updated_after');
    const limit = Number(query.get('limit') ?? 50);
    const start = Number(query.get('cursor') ?? 0);
    const waiting = query.get('order') === 'waiting';
    const rank = (r: WireRoom) =>
      waiting ? Date.parse(r.waiting_since ?? '9999-01-01T00:00:00Z') : -Date.parse(r.updated_at);
    const all = this.ours(member, query)
      .map(([room, side]) => this.view(room, side))
      .filter((r) => !after || Date.parse(r.updated_at) > Date.parse(after))
      .filter((r) => !query.has('state') || r.inquiry.state === query.get('state'))
      .filter((r) => query.get('unread') !== 'true' || r.unread > 0)
      .sort((a, b) => rank(a) - rank(b) || (a.id < b.id ? -1 : 1));
    const items = all.slice(start, start + limit);
    const end = start + items.length;
    return ok({ items, epoch: this.epoch, ...(end < all.length && { next_cursor: String(end) }) });
  }

  private page(room: FakeRoom, query: URLSearchParams) {
    const limit = Number(query.get('limit') ?? 50);
    const after = query.get('after_seq');
    const before = Number(query.get('before_seq') ?? Infinity);
    const items =
      after !== null
        ? room.messages.filter((m) => m.seq > Number(after)).slice(0, limit)
        : room.messages.filter((m) => m.seq < before).slice(-limit);
    return structuredClone({ items, head: room.messages.length, epoch: this.epoch });
  }
}

/** The server's end of one link. */
export class FakeSocket {
  open = true;
  readonly heard: ClientFrame[] = [];
  readonly member: FakeMember;
  private readonly server: FakeServer;
  private readonly events: TransportEvents;
  private sentHeads: Heads = {};
  private cancelBeat: () => void = () => {};

  constructor(server: FakeServer, member: FakeMember, events: TransportEvents) {
    this.server = server;
    this.member = member;
    this.events = events;
  }

  start() {
    const { server, member } = this;
    server.sockets.add(this);
    for (const room of this.mine()) this.sentHeads[room.wire.id] = room.wire.head;
    const beat = () => {
      this.cancelBeat = server.clock.after(heartbeatMs, () => {
        this.heartbeat();
        beat();
      });
    };
    beat();
    this.push({
      type: 'welcome',
      session_id: 's',
      epoch: server.epoch,
      member: { id: member.id, name: member.name },
      shops: member.shop ? [member.shop] : [],
      heartbeat_ms: heartbeatMs,
      limits: { body_code_points: 2000, body_lines: 100 },
      time: server.time(),
    });
  }

  private mine() {
    return [...this.server.rooms.values()].filter((r) => this.server.sideOf(this.member, r));
  }

  heartbeat() {
    const heads: Heads = {};
    for (const { wire } of this.mine()) {
      if (this.sentHeads[wire.id] !== wire.head) heads[wire.id] = wire.head;
      this.sentHeads[wire.id] = wire.head;
    }
    this.push({ type: 'hb', time: this.server.time(), heads });
  }

  push(frame: ServerFrame) {
    if (this.open) this.events.frame(JSON.stringify(frame));
  }

  /** Ends the link from the server's side or by a fault between. */
  drop(code = 1006, reason = '') {
    if (!this.open) return;
    this.freeze();
    this.events.close(code, reason);
  }

  /** The link is dead and nobody says so. */
  freeze() {
    this.open = false;
    this.server.sockets.delete(this);
    this.cancelBeat();
  }

  receive(frame: ClientFrame) {
    if (!this.open) return;
    this.heard.push(frame);
    switch (frame.type) {
      case 'send':
        return this.send(frame);
      case 'resume':
        return this.resume(frame);
      case 'read':
      case 'delivered': {
        const room = this.server.rooms.get(frame.room_id)!;
        return this.server.moveCursor(
          room,
          this.server.sideOf(this.member, room)!,
          frame.type,
          Math.min(frame.seq, room.wire.head),
        );
      }
      case 'typing': {
        const room = this.server.rooms.get(frame.room_id)!;
        const party = this.server.sideOf(this.member, room)!;
        const { id, name } = this.member;
        const { room_id, on } = frame;
        this.server.broadcast(
          room,
          { type: 'typing', room_id, party, member_id: id, name, on },
          this,
        );
      }
    }
  }

  private send(frame: ClientFrame & { type: 'send' }) {
    const { id, room_id, client_msg_id, body } = frame;
    const fault = this.server.sendFault(frame);
    if (fault && fault !== 'silence') {
      return this.push({ type: 'error', id, message: fault.code, ...fault });
    }
    const room = this.server.rooms.get(room_id)!;
    const key = `${this.member.id} ${client_msg_id}`;
    const known = room.keys.get(key);
    const card = frame.card && {
      ...frame.card,
      title: `${frame.card.kind} as the server names it`,
    };
    const stored =
      known ??
      this.server.store(
        room_id,
        this.member,
        body,
        { client_msg_id, ...(card && { kind: 'card' as const, card }) },
        this,
      );
    room.keys.set(key, { seq: stored.seq, body });
    if (fault === 'silence') return;
    const dup = known !== undefined;
    this.push({
      type: 'ack',
      id,
      room_id,
      client_msg_id,
      seq: stored.seq,
      created_at: this.server.time(),
      dup,
    });
  }

  private resume(frame: ClientFrame & { type: 'resume' }) {
    const heads: Heads = {};
    if (frame.epoch !== this.server.epoch) {
      for (const { wire } of this.mine()) heads[wire.id] = wire.head;
      return this.push({ type: 'reset', id: frame.id, epoch: this.server.epoch, heads });
    }
    for (const room_id in frame.rooms) {
      const room = this.server.rooms.get(room_id)!;
      const head = room.wire.head;
      heads[room_id] = head;
      if (head - frame.rooms[room_id]! > 200) {
        this.push({ type: 'too_far', id: frame.id, room_id, head });
        continue;
      }
      for (const m of room.messages) {
        if (m.seq > frame.rooms[room_id]!) this.push({ type: 'message', ...m });
      }
    }
    this.push({ type: 'resumed', id: frame.id, heads });
  }
}

export interface FakeResponse {
  status: number;
  body: unknown;
}

const ok = (body: unknown): FakeResponse => ({ status: 200, body });
export const problem = (status: number, code: string): FakeResponse => ({
  status,
  body: { type: 'about:blank', title: code, status, code, retryable: status >= 500 },
});

/** Locks and channels of one browser profile. */
export class FakeProfile {
  private readonly held = new Map<string, Promise<void>>();
  private readonly listeners = new Map<string, Set<(data: unknown) => void>>();
  readonly storage: OutboxStorage = memoryStorage();

  lock: Lock = async (name, signal, fn) => {
    const before = this.held.get(name) ?? Promise.resolve();
    let release = () => {};
    const mine = before.then(() => new Promise<void>((resolve) => (release = resolve)));
    this.held.set(name, mine);
    const turn = new AbortController();
    await Promise.race([
      before,
      new Promise<void>((resolve) =>
        signal.addEventListener('abort', () => resolve(), { signal: turn.signal }),
      ),
    ]);
    turn.abort();
    if (signal.aborted) {
      void before.then(() => release());
      throw new DOMException('aborted', 'AbortError');
    }
    await Promise.resolve();
    try {
      await fn();
    } finally {
      release();
    }
  };

  channel = (name: string) => {
    const all = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, all);
    let mine: ((data: unknown) => void) | undefined;
    return {
      post(data: unknown) {
        const copy: unknown = structuredClone(data);
        for (const fn of [...all]) if (fn !== mine) queueMicrotask(() => all.has(fn) && fn(copy));
      },
      listen(fn: (data: unknown) => void) {
        mine = fn;
        all.add(fn);
      },
      close: () => void (mine && all.delete(mine)),
    };
  };
}

export interface FakeEnv extends Env {
  /** Tells the client of the page's life. */
  live(what: Life): void;
  /** The latest link. */
  socket(): FakeSocket;
  dials: number;
  /** What the next dials meet: 'refuse', 'hang', or the close code they get at once; then all goes well again. */
  fate: ('refuse' | 'hang' | number)[];
}

export interface EnvOptions {
  profile?: FakeProfile;
  seed?: number;
  storage?: () => Promise<OutboxStorage>;
}

/** One tab of this member. */
export function fakeEnv(server: FakeServer, member: FakeMember, options: EnvOptions = {}): FakeEnv {
  const { profile } = options;
  const random = seeded(options.seed ?? 1);
  const { clock } = server;
  const watchers = new Set<(what: Life) => void>();
  let socket: FakeSocket | undefined;
  server.loggedIn.add(member.id);
  const own = memoryStorage();
  const env: FakeEnv = {
    clock,
    random,
    uuid: createUuid(clock.now, (bytes) => bytes.forEach((_, i) => (bytes[i] = random() * 256))),
    socketUrl: (path) => `wss://mall.test${path}`,
    dials: 0,
    fate: [],
    dial(_url, events): Transport {
      env.dials++;
      const fate = env.fate.shift();
      let mine: FakeSocket | undefined;
      let closed = false;
      // A link takes a moment, as it does in life.
      clock.after(5, () => {
        if (closed || fate === 'hang') return;
        if (fate === 'refuse' || !server.loggedIn.has(member.id)) return events.close(1006, '');
        events.open();
        if (typeof fate === 'number') return events.close(fate, '');
        socket = mine = new FakeSocket(server, member, events);
        mine.start();
      });
      return {
        send: (text) => mine?.receive(JSON.parse(text) as ClientFrame),
        close() {
          closed = true;
          mine?.freeze();
        },
      };
    },
    fetch: (url, init) => answer(server, member, url, init),
    watch(fn) {
      watchers.add(fn);
      return () => void watchers.delete(fn);
    },
    online: () => true,
    openStorage: options.storage ?? (async () => profile?.storage ?? own),
    lock: profile?.lock,
    channel: profile?.channel,
    live: (what) => [...watchers].forEach((fn) => fn(what)),
    socket: () => socket!,
  };
  return env;
}

function answer(server: FakeServer, member: FakeMember, url: string, init: RequestInit) {
  const method = init.method ?? 'GET';
  return new Promise<Response>((resolve, reject) => {
    init.signal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')));
    const path = url.replace('/api/v1', '');
    const fault = server.sabotage(method, path);
    if (fault === 'silence') return;
    server.clock.after(3, () => {
      if (fault === 'network') return reject(new TypeError('fetch failed'));
      const body: unknown = init.body ? JSON.parse(init.body as string) : undefined;
      const { status, body: sent } = fault ?? server.respond(member, method, url, body);
      // Not a real Response: reading one takes turns of the event loop that no clock here knows of.
      resolve({
        ok: status < 400,
        status,
        headers: new Headers(),
        json: async () => structuredClone(sent),
        text: async () => JSON.stringify(sent),
      } as Response);
    });
  });
}
