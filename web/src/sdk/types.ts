// The chat client's face: everything that whoever imports index.ts may use.
//
// Stable, build on it: Status, Summary, Party, Named, Card, Inquiry, Message, SendState, Room, Store,
// OpenRoomState, InboxState, OpenRoom, Inbox, Chat, Options, Events, ChatError.
// May still grow (additions only): Limits, Events, Options.
//
// Three rules hold everywhere:
// - What a store hands out is never changed afterwards. A changed message or room is a new object, an
//   unchanged one keeps its identity, so a keyed list touches only what moved.
// - Times are milliseconds since 1970. Those of messages and rooms are the server's: compare them with
//   `chat.now()`, never with Date.now(). Those of Status are this device's.
// - Nothing here throws for a network's sake: what needs the network waits for it, except the promises that say so.

/** A value and its changes. Fits Svelte's `$store` and React's `useSyncExternalStore(store.subscribe, store.get)`. */
export interface Store<T> {
  get(): T;
  /** Calls fn at once with the value, then after each change. Returns what ends it. */
  subscribe(fn: (value: T) => void): () => void;
}

export type Party = 'buyer' | 'shop' | 'system';
/** The party this client acts for. */
export type Side = 'buyer' | 'shop';
export type InquiryState = 'waiting' | 'open' | 'held' | 'done';

export interface Named {
  readonly id: string;
  readonly name: string;
}

/**
 * idle: not started, or disconnected on purpose. connecting: under way. live: frames flow.
 * waiting: lost, the next attempt is at `retryAt`. closed: the server asked us not to come back by ourselves.
 */
export type Phase = 'idle' | 'connecting' | 'live' | 'waiting' | 'closed';

export type Way = 'socket' | 'events';

export interface Status {
  readonly phase: Phase;
  /** Failed attempts since the link last lived for 10 s. */
  readonly attempt: number;
  /** What the device says about its network. */
  readonly online: boolean;
  /** When the next attempt starts; only while waiting. */
  readonly retryAt?: number | undefined;
  /** Since when there is no live link; absent while live and while idle. Show nothing before 2 s have passed. */
  readonly downSince?: number | undefined;
  /** The close code that ended the last link: 4401 sign in again, 4403 refused, 4409 too many sessions, 4400 abuse. */
  readonly code?: number | undefined;
  readonly reason?: string | undefined;
  /** True while live after a loss; what was missed comes in within moments. */
  readonly resumed: boolean;
  /** True where this tab holds the link. */
  readonly leader: boolean;
  /**
   * How the link goes or is being tried: by a socket, or, where the network lets none through, by an event stream with
   * REST (typing is then not told). Absent before the first attempt.
   */
  readonly transport?: Way | undefined;
}

/** What is unread and, for a shop, how many rooms are in each state. The numbers are the server's. */
export interface Summary {
  readonly unread: number;
  readonly unreadRooms: number;
  readonly states: Readonly<Record<InquiryState, number>>;
  /** False until the server's first answer. */
  readonly loaded: boolean;
}

/** What a message or an inquiry is about, as it was at that moment. */
export interface Card {
  readonly kind: 'product' | 'order';
  readonly id: string;
  /** The product's name or the order's number. */
  readonly title: string;
  /** Whole won: the price, or the order's total. */
  readonly priceWon?: number | undefined;
  readonly imageUrl?: string | undefined;
  /** The order's status. */
  readonly status?: string | undefined;
  /** The order's first item, and how many more it has. */
  readonly summary?: string | undefined;
  readonly more?: number | undefined;
}

export interface Inquiry {
  readonly id: string;
  /** 1, 2, 3 … in its room. */
  readonly number: number;
  readonly subject: 'product' | 'order' | 'general';
  readonly card?: Card | undefined;
  readonly state: InquiryState;
  readonly ownerId?: string | undefined;
  readonly ownerName?: string | undefined;
  readonly createdAt: number;
}

export interface Sender {
  readonly party: Party;
  readonly memberId?: string | undefined;
  readonly name?: string | undefined;
}

/**
 * queued: waits for the link or a retry. sending: under way. sent, delivered, read: stored; the other party's devices
 * have it; they have read it. failed: refused for good, see `error`; retry or discard.
 */
export type SendState = 'queued' | 'sending' | 'sent' | 'delivered' | 'read' | 'failed';

export interface Message {
  /** Names this message in a keyed list; the same before and after it is stored. */
  readonly key: string;
  readonly roomId: string;
  /** Its number in the room; absent until it is stored. */
  readonly seq?: number | undefined;
  readonly clientMsgId?: string | undefined;
  readonly inquiryId?: string | undefined;
  readonly sender: Sender;
  /** From our side: the buyer's own, or anyone's of the shop this client acts for. */
  readonly mine: boolean;
  /** From this very member. */
  readonly byMe: boolean;
  readonly kind: 'text' | 'card' | 'notice';
  /** The text as typed; for a notice its code, such as order_shipped. */
  readonly body: string;
  readonly card?: Card | undefined;
  readonly at: number;
  /** Says something for our side's messages only; the other side's are always 'sent'. */
  readonly state: SendState;
  readonly error?: ChatError | undefined;
}

export interface Cursors {
  readonly deliveredSeq: number;
  readonly readSeq: number;
}

export interface Typist {
  readonly party: Side;
  readonly memberId: string;
  readonly name: string;
}

/** A room as a list shows it, with its current inquiry. */
export interface Room {
  readonly id: string;
  readonly buyer: Named;
  readonly shop: Named;
  /** The other side. `online` is undefined while unknown. */
  readonly peer: Named & {
    readonly online?: boolean | undefined;
    readonly seenAt?: number | undefined;
  };
  readonly inquiry: Inquiry;
  /** Nobody can write while one side has blocked the other; our side can take back its own block only. */
  readonly blocked: { readonly byUs: boolean; readonly byPeer: boolean };
  /** The last message's seq; 0 in an empty room. */
  readonly head: number;
  /** The other party's messages past our side's readSeq. */
  readonly unread: number;
  readonly cursors: { readonly buyer: Cursors; readonly shop: Cursors };
  readonly last?: Message | undefined;
  /** The first buyer message no staff has answered. */
  readonly waitingSince?: number | undefined;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Who else is typing: the other side, and for a shop its other staff. Empties itself. */
  readonly typing: readonly Typist[];
}

/**
 * Codes: those of the contract (not_found, forbidden, blocked, too_long, empty_body, invalid_body,
 * client_msg_id_conflict, stale, rate_limited, busy, unavailable …), the REST problem's code, and from this library
 * `network` (no answer), `timeout`, `expired` (not sent within 24 h), `destroyed`.
 */
export class ChatError extends Error {
  readonly code: string;
  /** Worth another try later without changing anything. */
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  /** The HTTP status where REST answered; 401 means: sign in again. */
  readonly status: number | undefined;
  readonly requestId: string | undefined;
  /** With `stale`: the room's head, to show what came in between. */
  readonly head: number | undefined;

  constructor(code: string, message: string, more: ChatErrorMore = {}) {
    super(message);
    this.name = 'ChatError';
    this.code = code;
    this.retryable = more.retryable ?? false;
    this.retryAfterMs = more.retryAfterMs;
    this.status = more.status;
    this.requestId = more.requestId;
    this.head = more.head;
  }
}

export interface ChatErrorMore {
  retryable?: boolean | undefined;
  retryAfterMs?: number | undefined;
  status?: number | undefined;
  requestId?: string | undefined;
  head?: number | undefined;
}

export interface Limits {
  /** Code points of one message's body. */
  readonly bodyCodePoints: number;
  readonly bodyLines: number;
}

/** What one send carries. `card` is shown at once as given; the server's own version replaces it when stored. */
export interface Draft {
  readonly text?: string | undefined;
  readonly card?: Card | undefined;
}

export interface SendOptions {
  /** The inquiry it belongs to; without it the server takes the current one. */
  readonly inquiryId?: string | undefined;
  /**
   * A staff reply's compare-and-set: the head the writer has seen. A colleague's answer past it fails the message
   * with `stale`; `retry(clientMsgId)` then sends it all the same.
   */
  readonly expectSeq?: number | undefined;
}

/** What a pane shows of its room. */
export interface OpenRoomState {
  /** Undefined until the first load. */
  readonly room?: Room | undefined;
  /** Oldest first; our side's not yet stored ones stand last, in the order of typing. */
  readonly messages: readonly Message[];
  readonly hasOlder: boolean;
  /** The first page is under way. */
  readonly loading: boolean;
  readonly loadingOlder: boolean;
  /** Why the last load (first page or older) failed; gone with the next try. `not_found` is final. */
  readonly error?: ChatError | undefined;
  /**
   * Set once on opening, stays until close: the unread divider stands before the first message with at least this
   * seq. Not every message up to there need be loaded yet: while hasOlder and the first loaded seq is past it, the
   * divider is still above.
   */
  readonly firstUnreadSeq?: number | undefined;
}

/** A room that a pane shows: its messages, kept complete until `close`. Any number of panes may show the same one. */
export interface OpenRoom extends Store<OpenRoomState> {
  readonly id: string;
  /**
   * Puts a message into the outbox and returns it, queued or sending. It survives a reload and is stored once.
   * Throws ChatError (empty_body, too_long, invalid_body) for what can never be sent: nothing is queued then.
   */
  send(draft: string | Draft, options?: SendOptions): Message;
  /** Sends a failed message again, under the same clientMsgId. */
  retry(clientMsgId: string): void;
  /** Drops a failed or queued message. */
  discard(clientMsgId: string): void;
  /** Loads 50 (or limit, at most 100) messages before the first. Never rejects: failure is in the state. */
  older(limit?: number): Promise<void>;
  /** Tries the first page again after an error. */
  reload(): void;
  /** Our side has read up to seq, or everything loaded. Only ever grows; sent at most every 500 ms. */
  read(seq?: number): void;
  /** Call on each change of the text, and with false when it is emptied; sent at most every 3 s. */
  typing(on: boolean): void;
  /** Forgets the oldest messages past `keep` (default 1500); call while the reader is at the end. */
  trim(keep?: number): void;
  close(): void;
}

export interface InboxFilter {
  readonly state?: InquiryState | undefined;
  readonly unread?: boolean | undefined;
  /** recent: last change first (default). waiting: longest unanswered first. */
  readonly order?: 'recent' | 'waiting' | undefined;
}

export interface InboxState {
  readonly items: readonly Room[];
  readonly more: boolean;
  /** A page is under way. */
  readonly loading: boolean;
  /** True once the first page was there. */
  readonly loaded: boolean;
  readonly error?: ChatError | undefined;
}

export interface Inbox extends Store<InboxState> {
  /** Loads the next page. Never rejects: failure is in the state; call again to retry. */
  more(): Promise<void>;
  close(): void;
}

export interface Events {
  /**
   * A message of the other side came in, once in each tab; not for history. Where several were missed in a
   * room that is not open it may be the last one only. Make a sound where `status.leader` is true.
   */
  message: { readonly message: Message; readonly room: Room };
  /** Something in the background failed and is not shown by any store. */
  error: ChatError;
  /** The server's numbering began anew (after a restore); everything was read again, quietly. */
  reset: { readonly epoch: string };
}

export interface OpenAbout {
  readonly shopId: string;
  /** At most one of the two; neither opens a general inquiry. */
  readonly productId?: string | undefined;
  readonly orderId?: string | undefined;
}

export interface InquiryChange {
  readonly state?: InquiryState | undefined;
  readonly ownerId?: string | undefined;
}

export type ReportReason = 'spam' | 'abuse' | 'fraud' | 'privacy' | 'illegal' | 'other';

export interface Report {
  readonly id: string;
  readonly reason: ReportReason;
  readonly text?: string | undefined;
  /** The message it is about, one of the other side's. */
  readonly seq?: number | undefined;
}

export interface Options {
  /** Who is logged in, as GET /me says. The socket's cookie must belong to the same member. */
  readonly member: Named;
  /** Act for this shop (its staff's console); without it the member acts as a buyer. */
  readonly shopId?: string | undefined;
  /** Where REST and the socket live; default `/api/v1`. */
  readonly api?: string | undefined;
  /** Where unsent messages wait: the profile's IndexedDB (default), or this tab's memory only. */
  readonly outbox?: 'indexeddb' | 'memory' | undefined;
  /** shared (default): one socket for all tabs of this member where the browser can. own: this tab's own socket. */
  readonly tabs?: 'shared' | 'own' | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Chat {
  readonly member: Named;
  readonly side: Side;
  readonly status: Store<Status>;
  readonly summary: Store<Summary>;
  readonly limits: Store<Limits>;
  /** The server's clock, from its heartbeats; this device's until the first. */
  now(): number;
  /** Starts, or tries again at once ("지금 연결"); also after `closed`, once signed in again. */
  connect(): void;
  disconnect(): void;
  /** Ends everything for good. Unsent messages stay in the outbox for the next time. */
  destroy(): void;
  on<K extends keyof Events>(
    type: K,
    fn: (event: Events[K]) => void,
    options?: { signal?: AbortSignal },
  ): () => void;
  /** A list of rooms, kept in order while it is open; its first page is loaded at once. */
  inbox(filter?: InboxFilter): Inbox;
  /** Shows the room with this id; its messages are loaded at once. Close it when its pane goes. */
  room(roomId: string): OpenRoom;
  /** Opens or finds the room and the inquiry about something. Rejects with ChatError. */
  open(about: OpenAbout): Promise<OpenRoom>;
  /**
   * Changes an inquiry's state or owner, shown at once; for a shop's staff. Rejects with ChatError, and the change is
   * taken back. Resolves with the room as the server has it now.
   */
  setInquiry(roomId: string, inquiryId: string, change: InquiryChange): Promise<Room>;
  /** Blocks the other side for ours, or takes that back. Rejects with ChatError. */
  block(roomId: string, on: boolean): Promise<void>;
  /** Reports the other side to the mall; the same `id` again is the same report. Rejects with ChatError. */
  report(roomId: string, report: Report): Promise<void>;
}
