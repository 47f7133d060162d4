// Every room this client knows, and how they become known and stay up to date without their messages.
import { stamp, toCursors, type Viewer } from './mapping';
import type { WireRoom } from './protocol';
import type { Rest } from './rest';
import type { Clock } from './env';
import { createTrackedRoom, type TrackedRoom, type TrackedRoomHost } from './tracked-room';
import type { ChatError, Cursors, Room } from './types';

/** Rooms to read again are gathered this long. */
const gatherMs = 100;
/** More at once: one list of what changed costs less than each by itself. */
const fewRooms = 5;
/** A change may become visible this long after the moment it carries. */
const overlapMs = 10_000;
const pageSize = 100;
/** More pages of changes than this: the lists start over. */
const maxPages = 10;

export interface RoomsHost extends Omit<TrackedRoomHost, 'refresh'> {
  readonly clock: Clock;
  readonly rest: Rest;
  readonly viewer: Viewer;
  readonly shopId: string | undefined;
  /** Whether somebody looks at the room right now. */
  isOpen(id: string): boolean;
  /** Too much has changed to follow: lists start over. */
  startOver(): void;
  /** The server says how far our side is. */
  confirmed(roomId: string, known: Cursors): void;
  failed(error: ChatError): void;
}

export interface Rooms {
  get(id: string): TrackedRoom | undefined;
  /** The room with this id, known or not yet. */
  of(id: string): TrackedRoom;
  all(): Iterable<TrackedRoom>;
  states(): Room[];
  /** Takes what the server says about a room; undefined when it is not one of our side's. */
  adopt(wire: WireRoom): TrackedRoom | undefined;
  /** The server spoke of a room: reads it unless it is known, or known not to be ours. */
  notice(id: string): void;
  /** Reads the room again, soon. */
  refresh(id: string): void;
  /** The link is live anew: reads what changed while there was none. */
  newLife(): void;
  /** Reads the room again if it was not heard of in this life of the link: cursors may have moved unseen. */
  freshen(id: string): void;
  /** These do not exist for us any more, says the server. */
  lost(ids: readonly string[]): void;
  /** The numbering began anew: what is said about a room from now on replaces what was known. */
  reset(): void;
}

export function createRooms(host: RoomsHost): Rooms {
  const { viewer, rest, clock, shopId } = host;
  const rooms = new Map<string, TrackedRoom>();
  /** Of the same member's other side, which the socket brings as well. */
  const foreign = new Set<string>();
  const wanted = new Set<string>();
  /** In which numbering, and which life of the link, each room was last heard of. */
  const heardIn = new Map<string, { numbering: number; life: number; at: number }>();
  let heard = 0;
  let life = 0;
  let numbering = 0;
  let gathering = false;
  /** The latest change seen, in the server's words. */
  let latest: string | undefined;

  const isOurs = (wire: WireRoom) =>
    viewer.side === 'shop' ? wire.shop.id === shopId : wire.buyer.id === viewer.memberId;

  function of(id: string): TrackedRoom {
    let room = rooms.get(id);
    if (!room) rooms.set(id, (room = createTrackedRoom(id, { ...host, refresh })));
    return room;
  }

  function adopt(wire: WireRoom): TrackedRoom | undefined {
    if (!isOurs(wire)) {
      foreign.add(wire.id);
      return undefined;
    }
    if (!latest || stamp(wire.updated_at) > stamp(latest)) latest = wire.updated_at;
    const room = of(wire.id);
    const anew = room.state !== undefined && heardIn.get(wire.id)?.numbering !== numbering;
    heardIn.set(wire.id, { numbering, life, at: ++heard });
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
    const before = heard;
    if (ids.length > fewRooms) await readChanged();
    const left = ids.filter((id) => (heardIn.get(id)?.at ?? 0) <= before);
    await Promise.all(left.map(read));
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
      if (error.status === 404) gone(id);
      else if (error.code !== 'destroyed') host.failed(error);
    }
  }

  /** An open one stays, with what its pane says of it; the lists no longer have it. */
  function gone(id: string) {
    foreign.add(id);
    if (!rooms.get(id)?.state || host.isOpen(id)) return;
    rooms.delete(id);
    host.startOver();
  }

  async function readChanged() {
    if (!latest) return;
    const since = new Date(Date.parse(latest) - overlapMs).toISOString();
    if (!(await readList({ updated_after: since }))) host.startOver();
  }

  /** Reading on another device changes no room, so it shows only in the list of what is unread. */
  async function readUnread() {
    const unread = () => states().filter((room) => room.unread > 0);
    const before = life;
    if (unread().length === 0 || !(await readList({ unread: true }))) return;
    for (const { id } of unread()) if (before === life) freshen(id);
  }

  /** False when it is too long to be read. */
  async function readList(filter: Record<string, string | boolean>): Promise<boolean> {
    let pageToken: string | undefined;
    for (let n = 0; n < maxPages; n++) {
      const query = { shop_id: shopId, limit: pageSize, cursor: pageToken, ...filter };
      const page = await rest.insist(() => rest.rooms(query)).catch(() => undefined);
      if (!page) return true;
      for (const wire of page.items) adopt(wire);
      pageToken = page.next_cursor;
      if (pageToken === undefined) return true;
    }
    return false;
  }

  function newLife() {
    life++;
    for (const room of rooms.values()) if (host.isOpen(room.id)) refresh(room.id);
    void readChanged().then(readUnread);
  }

  function freshen(id: string) {
    if (rooms.get(id)?.state && heardIn.get(id)?.life !== life) refresh(id);
  }

  const states = () => [...rooms.values()].flatMap((r) => r.state ?? []);

  return {
    get: (id) => rooms.get(id),
    of,
    all: () => rooms.values(),
    states,
    adopt,
    notice(id) {
      if (!rooms.get(id)?.state) refresh(id);
    },
    refresh,
    newLife,
    freshen,
    lost(ids) {
      for (const id of ids) {
        // Its pane asks for itself, and shows what it is told.
        void rooms.get(id)?.timeline?.reset();
        if (rooms.has(id)) refresh(id);
      }
    },
    reset() {
      latest = undefined;
      numbering++;
      for (const room of rooms.values()) if (room.timeline) refresh(room.id);
      host.startOver();
    },
  };
}
