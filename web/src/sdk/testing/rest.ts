// The mall's REST, as far as the client uses it.
import type { WireRoom } from '../protocol';
import type { Side } from '../types';
import type { Draft, FakeMember, FakeRoom, FakeServer } from './world';

type Mark = { delivered_seq?: number; read_seq?: number };

export interface FakeResponse {
  status: number;
  body: unknown;
  /** The content type, where it is not what the mall would say. */
  type?: string;
}

const ok = (body: unknown): FakeResponse => ({ status: 200, body });
export const problem = (status: number, code: string): FakeResponse => ({
  status,
  body: { type: 'about:blank', title: code, status, code, retryable: status >= 500 },
});

export function respond(
  server: FakeServer,
  member: FakeMember,
  method: string,
  url: string,
  body: unknown,
): FakeResponse | 'silence' {
  const { pathname, searchParams: query } = new URL(url, 'https://mall.test');
  const path = pathname.replace('/api/v1', '');
  server.requests.push(`${method} ${path}${query.size ? `?${query}` : ''}`);
  if (!server.loggedIn.has(member.id)) return problem(401, 'unauthenticated');
  if (path === '/me') return ok({ member, shops: [], operator: false });
  if (path === '/chat/summary') return ok(summary(server, member, query));
  if (path === '/chat/rooms') {
    return method === 'POST' ? open(server, member, body) : listRooms(server, member, query);
  }
  const [, id = '', rest = ''] = /^\/chat\/rooms\/([^/]+)(.*)$/.exec(path) ?? [];
  const room = server.rooms.get(id);
  const side = room && server.sideOf(member, room);
  if (!room || !side) return problem(404, 'not_found');
  if (rest === '') return ok(server.view(room, side));
  if (rest === '/messages') {
    return method === 'POST'
      ? send(server, member, id, body as Draft)
      : ok(page(server, room, query));
  }
  if (rest === '/cursor') return mark(server, room, side, body as Mark);
  if (rest === '/block') {
    server.block(id, side, method === 'PUT');
    return ok(server.view(room, side));
  }
  if (rest === '/reports') {
    server.reports.push(body);
    return { status: 201, body: {} };
  }
  if (rest.startsWith('/inquiries/')) {
    server.changeInquiry(id, body as Partial<WireRoom['inquiry']>);
    return ok(server.view(room, side));
  }
  return problem(404, 'not_found');
}

function send(server: FakeServer, member: FakeMember, room_id: string, draft: Draft) {
  const said = server.accept(member, { ...draft, room_id });
  if (said === 'silence') return said;
  if (!('code' in said)) return { status: said.dup ? 200 : 201, body: said };
  return { status: said.retryable ? 503 : 409, body: { title: said.code, ...said } };
}

function mark(server: FakeServer, room: FakeRoom, side: Side, body: Mark) {
  const { delivered_seq: delivered = 0, read_seq: read = 0 } = body;
  if (Math.max(delivered, read) > room.wire.head) return problem(400, 'bad_request');
  server.moveCursor(room, side, 'delivered', delivered);
  server.moveCursor(room, side, 'read', read);
  return ok(room.wire.cursors[side]);
}

function open(server: FakeServer, member: FakeMember, body: unknown) {
  const { shop_id } = body as { shop_id: string };
  for (const room of server.rooms.values()) {
    if (room.wire.buyer.id === member.id && room.wire.shop.id === shop_id) {
      return ok(server.view(room, 'buyer'));
    }
  }
  return ok(
    server.view(server.addRoom(`room-${shop_id}`, member, { id: shop_id, name: shop_id }), 'buyer'),
  );
}

function ours(server: FakeServer, member: FakeMember, query: URLSearchParams): [FakeRoom, Side][] {
  const side: Side = query.has('shop_id') ? 'shop' : 'buyer';
  return [...server.rooms.values()]
    .filter((r) => server.sideOf(member, r) === side)
    .map((r) => [r, side]);
}

function summary(server: FakeServer, member: FakeMember, query: URLSearchParams) {
  const rooms = ours(server, member, query).map(([room, side]) => server.view(room, side));
  const states = { waiting: 0, open: 0, held: 0, done: 0 };
  for (const room of rooms) states[room.inquiry.state]++;
  return {
    unread: rooms.reduce((sum, r) => sum + r.unread, 0),
    unread_rooms: rooms.filter((r) => r.unread > 0).length,
    states,
  };
}

function listRooms(server: FakeServer, member: FakeMember, query: URLSearchParams) {
  const after = query.get('updated_after');
  const limit = Number(query.get('limit') ?? 50);
  const start = Number(query.get('cursor') ?? 0);
  const waiting = query.get('order') === 'waiting';
  const rank = (r: WireRoom) =>
    waiting ? Date.parse(r.waiting_since ?? '9999-01-01T00:00:00Z') : -Date.parse(r.updated_at);
  const all = ours(server, member, query)
    .map(([room, side]) => server.view(room, side))
    .filter((r) => !after || Date.parse(r.updated_at) > Date.parse(after))
    .filter((r) => !query.has('state') || r.inquiry.state === query.get('state'))
    .filter((r) => query.get('unread') !== 'true' || r.unread > 0)
    .sort((a, b) => rank(a) - rank(b) || (a.id < b.id ? -1 : 1));
  const items = all.slice(start, start + limit);
  const end = start + items.length;
  return ok({ items, epoch: server.epoch, ...(end < all.length && { next_cursor: String(end) }) });
}

function page(server: FakeServer, room: FakeRoom, query: URLSearchParams) {
  const limit = Number(query.get('limit') ?? 50);
  const after = query.get('after_seq');
  const before = Number(query.get('before_seq') ?? Infinity);
  const items =
    after !== null
      ? room.messages.filter((m) => m.seq > Number(after)).slice(0, limit)
      : room.messages.filter((m) => m.seq < before).slice(-limit);
  return structuredClone({ items, head: room.messages.length, epoch: server.epoch });
}
