// Lists of rooms: pages from REST, kept in order by what comes in live.
import { lazy } from './lazy';
import type { WireRoom } from './protocol';
import type { Rest } from './rest';
import type { ChatError, Inbox, InboxFilter, InboxState, Room } from './types';

export interface InboxHost {
  readonly rest: Rest;
  readonly shopId: string | undefined;
  known(): Iterable<Room>;
  /** Takes a page's rooms in. */
  merge(rooms: WireRoom[]): void;
  closed(inbox: LiveInbox): void;
}

/** An open list as the client's core sees it. */
export interface LiveInbox {
  readonly face: Inbox;
  /** A room changed or became known. */
  touch(): void;
  /** Asks again for a first page that was refused, say for want of a session. */
  retry(): void;
  /** Starts over with the first page, showing the old list until it is there. */
  reload(): void;
}

export function createInbox(filter: InboxFilter, host: InboxHost): LiveInbox {
  const waiting = filter.order === 'waiting';
  let pageToken: string | undefined;
  let loaded = false;
  let loading: Promise<void> | undefined;
  let error: ChatError | undefined;
  /** The last room of the last page; what sorts after it belongs to pages not read yet. */
  let bound: number | undefined;
  let closed = false;

  /** Smaller comes first. */
  const rank = (room: Room) =>
    waiting ? (room.waitingSince ?? Number.MAX_SAFE_INTEGER) : -room.updatedAt;

  const wanted = (room: Room) =>
    (!filter.state || room.inquiry.state === filter.state) &&
    (!filter.unread || room.unread > 0) &&
    (!waiting || room.waitingSince !== undefined) &&
    // A buyer who has opened a room and said nothing is no case for the shop.
    (host.shopId === undefined || room.head > 0) &&
    (bound === undefined || rank(room) <= bound);

  const store = lazy<InboxState>(() => ({
    items: loaded
      ? [...host.known()].filter(wanted).sort((a, b) => rank(a) - rank(b) || (a.id < b.id ? -1 : 1))
      : [],
    more: pageToken !== undefined,
    loading: loading !== undefined,
    loaded,
    error,
  }));

  async function page(first: boolean) {
    const query = {
      shop_id: host.shopId,
      state: filter.state,
      unread: filter.unread,
      order: filter.order,
      cursor: first ? undefined : pageToken,
    };
    const ask = () => host.rest.rooms(query);
    const failed = (e: ChatError) => {
      error = e;
      store.touch();
    };
    // The first page comes as soon as it can; further ones are asked for again by whoever scrolls.
    const got = await (first ? host.rest.insist(ask, failed) : ask()).catch(failed);
    if (!got || closed) return;
    error = undefined;
    loaded = true;
    pageToken = got.next_cursor;
    host.merge(got.items);
    const last = got.items.at(-1);
    bound = pageToken !== undefined && last ? rankOf(last) : undefined;
  }

  const rankOf = (room: WireRoom) =>
    waiting
      ? room.waiting_since === undefined
        ? Number.MAX_SAFE_INTEGER
        : Date.parse(room.waiting_since)
      : -Date.parse(room.updated_at);

  function load(first: boolean): Promise<void> {
    loading ??= page(first).finally(() => {
      loading = undefined;
      store.touch();
    });
    store.touch();
    return loading;
  }

  void load(true);
  const inbox: LiveInbox = {
    touch: store.touch,
    retry: () => void (loaded || load(true)),
    reload: () => void load(true),
    face: {
      get: store.get,
      subscribe: store.subscribe,
      more: () => (loaded && pageToken === undefined ? Promise.resolve() : load(!loaded)),
      close() {
        closed = true;
        host.closed(inbox);
      },
    },
  };
  return inbox;
}
