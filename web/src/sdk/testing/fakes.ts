// Messages, rooms and open rooms for tests of what draws them.
import type { Message, OpenRoom, OpenRoomState, Room, SendState, Side, Store } from '..';

export interface MessageInit {
  key?: string;
  body?: string;
  kind?: Message['kind'];
  party?: Message['sender']['party'];
  memberId?: string;
  name?: string;
  mine?: boolean;
  at?: number;
  state?: SendState;
  card?: Message['card'];
  error?: Message['error'];
}

/** A stored message with this seq, or one that is not stored yet. */
export function message(seq: number | undefined, init: MessageInit = {}): Message {
  const party = init.party ?? 'shop';
  return {
    key: init.key ?? `m${seq}`,
    roomId: 'room',
    seq,
    clientMsgId: init.mine ? `c${init.key ?? seq}` : undefined,
    sender: { party, memberId: init.memberId ?? party, name: init.name },
    mine: init.mine ?? false,
    byMe: init.mine ?? false,
    kind: init.kind ?? 'text',
    body: init.body ?? `message ${seq}`,
    card: init.card,
    at: init.at ?? Date.parse('2026-11-22T12:00:00+09:00') + (seq ?? 0) * 1000,
    state: init.state ?? 'sent',
    error: init.error,
  };
}

export function room(change: Partial<Room> = {}): Room {
  return {
    id: 'room',
    buyer: { id: 'buyer', name: '지민' },
    shop: { id: 'shop', name: '달빛상점' },
    peer: { id: 'shop', name: '달빛상점' },
    inquiry: { id: 'inquiry', number: 1, subject: 'general', state: 'open', createdAt: 0 },
    blocked: { byUs: false, byPeer: false },
    head: 0,
    unread: 0,
    cursors: {
      buyer: { deliveredSeq: 0, readSeq: 0 },
      shop: { deliveredSeq: 0, readSeq: 0 },
    },
    createdAt: 0,
    updatedAt: 0,
    typing: [],
    ...change,
  };
}

/** A store that a test changes by hand. */
export function settable<T>(value: T): Store<T> & { set(next: T): void } {
  const listeners = new Set<(v: T) => void>();
  return {
    get: () => value,
    subscribe(fn) {
      listeners.add(fn);
      fn(value);
      return () => listeners.delete(fn);
    },
    set(next) {
      value = next;
      for (const fn of [...listeners]) fn(next);
    },
  };
}

export interface FakeOpenRoom extends OpenRoom {
  change(part: Partial<OpenRoomState>): void;
  /** What was called, in order: "send 안녕", "read 3" … */
  readonly calls: string[];
}

/** An open room that remembers what it was told and shows what the test sets. */
export function fakeOpenRoom(
  state: Partial<OpenRoomState> = {},
  side: Side = 'buyer',
): FakeOpenRoom {
  const store = settable<OpenRoomState>({
    room: room(),
    messages: [],
    hasOlder: false,
    loading: false,
    loadingOlder: false,
    ...state,
  });
  const calls: string[] = [];
  const note =
    (name: string) =>
    (...args: unknown[]): void => {
      calls.push([name, ...args].join(' '));
    };
  return {
    id: 'room',
    get: store.get,
    subscribe: store.subscribe,
    calls,
    change: (part) => store.set({ ...store.get(), ...part }),
    send(draft) {
      const body = typeof draft === 'string' ? draft : (draft.text ?? '');
      note('send')(body);
      const sent = message(undefined, {
        key: `own${calls.length}`,
        body,
        mine: true,
        party: side,
        state: 'sending',
      });
      store.set({ ...store.get(), messages: [...store.get().messages, sent] });
      return sent;
    },
    retry: note('retry'),
    discard: note('discard'),
    older: async (limit) => note('older')(limit ?? ''),
    reload: note('reload'),
    read: note('read'),
    typing: note('typing'),
    trim: note('trim'),
    close: note('close'),
  };
}
