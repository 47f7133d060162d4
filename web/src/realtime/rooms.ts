// Every conversation this client knows, and how they become known and stay up to date without their messages.
import { stamp, toCursors, type Viewer } from './mapping';
import type { WireRoom } from './protocol';
import type { Rest } from './rest';
import type { Clock } from './env';
import { createRoom, type Room, type RoomHost } from './room';
import type { ChatError, Conversation, Cursors } from './types';

/** Rooms to read again are gathered this long. */
const gatherMs = 100;
/** More at once: one list of what changed costs less than each by itself. */
const fewRooms = 5;
/** A change may become visible this long after the moment it carries. */
const overlapMs = 10_000;
const pageSize = 100;
/** More pages of changes than this: the lists start over. */
const maxPages = 10;

export interface RoomsHost extends Omit<RoomHost, 'refresh'> {
  readonly clock: Clock;
  readonly rest: Rest;
  readonly viewer: Viewer;
  readonly shopId: string | undefined;
  /** Too much has changed to follow: lists start over. */
  startOver(): void;
  /** The server says how far our side is. */
  confirmed(roomId: string, known: Cursors): void;
  failed(error: ChatError): void;
}

export interface Rooms {
  get(id: string): Room | undefined;
  /** The room with this id, known or not yet. */
  of(id: string): Room;
  all(): Iterable<Room>;
  conversations(): Conversation[];
  /** Takes what the server says about a room; undefined when it is not one of our side's. */
  adopt(wire: WireRoom): Room | undefined;
  /** The server spoke of a room: reads it unless it is known, or known not to be ours. */
  notice(id: string): void;
  /** Reads the room again, soon. */
  refresh(id: string): void;
  /** Reads what changed since the last time. */
  catchUp(): Promise<void>;
  /** The numbering began anew: what is said about a room from now on replaces what was known. */
  reset(): void;
}

export function createRooms(host: RoomsHost): Rooms {
  const { viewer, rest, clock, shopId } = host;
  const rooms = new Map<string, Room>();
  /** Of the same member's other side, which the socket brings as well. */
  const foreign = new Set<string>();
  const wanted = new Set<string>();
  /** In which numbering each room was last heard of. */
  const heardIn = new Map<string, number>();
  let numbering = 0;
  let gathering = false;
  /** The latest change seen, in the server's words. */
  let latest: string | undefined;

  const isOurs = (wire: WireRoom) =>
    viewer.side === 'shop' ? wire.shop.id === shopId : wire.buyer.id === viewer.memberId;

  function of(id: string): Room {
    let room = rooms.get(id);
    if (!room) rooms.set(id, (room = createRoom(id, { ...host, refresh })));
    return room;
  }

  function adopt(wire: WireRoom): Room | undefined {
    if (!isOurs(wire)) {
      foreign.add(wire.id);
      return undefined;
    }
    if (!latest || stamp(wire.updated_at) > stamp(latest)) latest = wire.updated_at;
    const room = of(wire.id);
    const anew = room.conversation !== undefined && heardIn.get(wire.id) !== numbering;
    heardIn.set(wire.id, numbering);
    room.merge(wire, anew);
    host.confirmed(wire.id, toCursors(wire.cursors[viewer.side]));
    return room;
  }

  function refresh(id: string) {
    if (foreign.has(id)) return;
    wanted.add(id);
    if (gathering) return;
    gathering = true;
    clock.after(gatherMs, () => void readWanted());
  }

  async function readWanted() {
    const ids = [...wanted];
    wanted.clear();
    if (ids.length > fewRooms && latest) await catchUp();
    else await Promise.all(ids.map((id) => read(id)));
    gathering = false;
    // What was asked for meanwhile, or could not be had by the list.
    for (const id of wanted) refresh(id);
  }

  async function read(id: string) {
    try {
      adopt(await rest.insist(() => rest.room(id)));
    } catch (e) {
      const error = e as ChatError;
      // No longer ours to see, which is no failure of the background.
      if (error.status === 404) foreign.add(id);
      else if (error.code !== 'destroyed') host.failed(error);
    }
  }

  async function catchUp() {
    if (!latest) return;
    const since = new Date(Date.parse(latest) - overlapMs).toISOString();
    let cursor: string | undefined;
    for (let n = 0; n < maxPages; n++) {
      const query = { shop_id: shopId, updated_after: since, limit: pageSize, cursor };
      const page = await rest.insist(() => rest.rooms(query)).catch(() => undefined);
      if (!page) return;
      for (const wire of page.items) adopt(wire);
      cursor = page.next_cursor;
      if (cursor === undefined) return;
    }
    host.startOver();
  }

  return {
    get: (id) => rooms.get(id),
    of,
    all: () => rooms.values(),
    conversations: () => [...rooms.values()].flatMap((r) => r.conversation ?? []),
    adopt,
    notice(id) {
      if (!rooms.get(id)?.conversation) refresh(id);
    },
    refresh,
    catchUp,
    reset() {
      latest = undefined;
      numbering++;
      for (const room of rooms.values()) if (room.timeline) refresh(room.id);
      host.startOver();
    },
  };
}
