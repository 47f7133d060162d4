// What a room's pane sees: the stored messages, then what is on its way, in one list.
import { checkDraft } from './body';
import type { Env } from './env';
import { lazy } from './lazy';
import { other, type Viewer } from './mapping';
import type { Outbox, OutboxItem } from './outbox';
import type { OutboxEntry } from './outbox-storage';
import type { ClientFrame } from './protocol';
import type { Rest } from './rest';
import type { TrackedRoom } from './tracked-room';
import {
  ChatError,
  type Limits,
  type Message,
  type Named,
  type OpenRoom,
  type OpenRoomState,
} from './types';

const typingEveryMs = 3_000;
const keepMessages = 1_500;
const defaultPage = 50;

export interface OpenRoomHost {
  readonly env: Env;
  readonly viewer: Viewer;
  readonly member: Named;
  readonly rest: Rest;
  readonly outbox: Outbox;
  limits(): Limits;
  send(frame: ClientFrame): boolean;
  /** Our side has read up to seq: tell the server. */
  read(roomId: string, seq: number): void;
  /** Reads the room's summary unless it is known; rejects with ChatError when that is refused for good. */
  known(room: TrackedRoom): Promise<void>;
  closed(open: LiveRoom): void;
}

export interface LiveRoom {
  readonly room: TrackedRoom;
  readonly face: OpenRoom;
  touch(): void;
  /** Asks again for a first page that was refused, say for want of a session. */
  retry(): void;
}

export function createOpenRoom(room: TrackedRoom, host: OpenRoomHost): LiveRoom {
  const { viewer, env } = host;
  const timeline = room.open();
  const peerSide = other(viewer.side);
  const shown = new WeakMap<OutboxEntry, Message>();
  let closed = false;
  let firstUnreadSeq = firstUnread();
  let refused: ChatError | undefined;
  let typingUntil = 0;

  const store = lazy<OpenRoomState>(() => ({
    room: room.state,
    messages: withPending(),
    hasOlder: timeline.hasOlder,
    loading: timeline.loading,
    loadingOlder: timeline.loadingOlder,
    error: refused ?? timeline.error,
    firstUnreadSeq,
  }));

  function withPending(): readonly Message[] {
    const position = timeline.position() ?? 0;
    const items = host.outbox.items(room.id).filter((i) => !i.seq || i.seq > position);
    return items.length ? [...timeline.messages, ...items.map(pending)] : timeline.messages;
  }

  function pending({ entry, state, seq }: OutboxItem): Message {
    const known = shown.get(entry);
    if (known?.state === state) return known;
    const { failure } = entry;
    const message: Message = {
      key: entry.clientMsgId,
      roomId: room.id,
      seq,
      clientMsgId: entry.clientMsgId,
      inquiryId: entry.inquiryId,
      sender: { party: viewer.side, memberId: host.member.id, name: host.member.name },
      mine: true,
      byMe: true,
      kind: entry.card && !entry.text ? 'card' : 'text',
      body: entry.text,
      card: entry.card,
      at: entry.at,
      state,
      error: failure && new ChatError(failure.code, failure.message, failure),
    };
    shown.set(entry, message);
    return message;
  }

  async function load() {
    refused = undefined;
    try {
      await host.known(room);
      await timeline.load(room.state!.unread + 1);
    } catch (e) {
      refused = e as ChatError;
    }
    firstUnreadSeq ??= firstUnread();
    store.touch();
  }

  function retry() {
    if (refused || timeline.error) void load();
  }

  function firstUnread(): number | undefined {
    const { state } = room;
    if (closed || !state || !timeline.loaded || state.unread === 0) return undefined;
    const { readSeq } = state.cursors[viewer.side];
    const { messages } = timeline;
    // The first unread one may be further up than what is loaded.
    if ((messages[0]?.seq ?? 0) > readSeq + 1) return readSeq + 1;
    return messages.find((m) => m.seq! > readSeq && m.sender.party === peerSide)?.seq;
  }

  function typing(on: boolean) {
    const now = env.clock.now();
    if (on ? now < typingUntil : typingUntil === 0) return;
    typingUntil = on ? now + typingEveryMs : 0;
    host.send({ type: 'typing', room_id: room.id, on });
  }

  void load();

  const open: LiveRoom = {
    room,
    touch: store.touch,
    retry,
    face: {
      id: room.id,
      get: store.get,
      subscribe: store.subscribe,
      send(draft, options = {}) {
        const { text: typed = '', card } = typeof draft === 'string' ? { text: draft } : draft;
        // Blank words beside a card are none.
        const text = card && typed.trim() === '' ? '' : typed;
        checkDraft({ text, card }, host.limits());
        // The message itself tells the other side that we stopped.
        typingUntil = 0;
        const item = host.outbox.add({
          clientMsgId: env.uuid(),
          roomId: room.id,
          text,
          // A copy: what is given may be a framework's own object, which no database takes.
          card: card && { ...card },
          inquiryId: options.inquiryId,
          expectSeq: options.expectSeq,
        });
        return pending(item);
      },
      retry: host.outbox.retry,
      discard: host.outbox.discard,
      older: (limit = defaultPage) => timeline.older(limit),
      reload() {
        host.rest.nudge();
        retry();
      },
      read(seq = Infinity) {
        const upTo = Math.min(seq, timeline.position() ?? 0);
        if (room.read(upTo)) host.read(room.id, upTo);
      },
      typing,
      trim: (keep = keepMessages) => timeline.trim(keep),
      close() {
        if (closed) return;
        closed = true;
        typing(false);
        host.closed(open);
      },
    },
  };
  return open;
}
