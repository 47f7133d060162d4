// One conversation as this client knows it: its summary, always up to its own head, and its messages while wanted.
import type { Env } from './env';
import {
  laterCursors,
  other,
  stamp,
  storedState,
  toConversation,
  toMessage,
  type Viewer,
} from './mapping';
import type { ReceiptFrame, TypingFrame, WireMessage, WireRoom } from './protocol';
import type { Rest } from './rest';
import { createSequencer } from './sequencer';
import { createTimeline, type Timeline } from './timeline';
import type { Conversation, Cursors, InquiryChange, Message, Typist } from './types';

const typingDelayMs = 300;
const typingLastsMs = 6_000;

export interface RoomHost {
  readonly env: Env;
  readonly viewer: Viewer;
  readonly rest: Rest;
  resume(roomId: string, position: number): Promise<void>;
  /** Read this room's summary again: what is known here has a hole. */
  refresh(roomId: string): void;
  /** The conversation is another one now; before is undefined when it became known. */
  changed(room: Room, before: Conversation | undefined): void;
  /** The timeline changed. */
  timeline(room: Room): void;
  /** A message is in its place in the timeline, or, without one, in the summary. */
  applied(room: Room, message: Message): void;
  /** A message of the other side came in, and the summary counts it. */
  received(room: Room, message: Message): void;
}

export interface Room {
  readonly id: string;
  readonly conversation: Conversation | undefined;
  readonly timeline: Timeline | undefined;
  /** Creates the timeline, or gives the one there is. */
  open(): Timeline;
  /** Forgets the messages; the summary stays. */
  forget(): void;
  /** Takes what the server says about the room; `anew` when its numbering began anew. */
  merge(wire: WireRoom, anew?: boolean): void;
  receive(message: WireMessage): void;
  expect(head: number): void;
  receipt(frame: ReceiptFrame): void;
  typing(frame: TypingFrame): void;
  presence(online: boolean | undefined, seenAt?: number): void;
  /** Our side has read up to seq (not past what is here): false when that is no news. */
  read(seq: number): boolean;
  /** Shows a change before the server has it; returns what takes it back. */
  preview(inquiryId: string, change: InquiryChange, ownerName?: string): () => void;
}

export function createRoom(id: string, host: RoomHost): Room {
  const { viewer, env } = host;
  const mySide = viewer.side;
  const peerSide = other(mySide);
  let conversation: Conversation | undefined;
  let timeline: Timeline | undefined;
  let version = '';
  const typists = new Map<string, { shown: boolean; who: Typist; cancel: () => void }>();

  const summary = createSequencer<WireMessage>({
    clock: env.clock,
    seqOf: (m) => m.seq,
    apply: count,
    fill(position) {
      // A timeline with the same hole asks for the messages themselves, and they come by here too.
      if (!timeline?.loaded || timeline.position()! > position) host.refresh(id);
      summary.stalled();
    },
  });

  function set(next: Conversation) {
    const before = conversation;
    if (next === before) return;
    conversation = next;
    if (before?.cursors[peerSide] !== next.cursors[peerSide]) {
      timeline?.peerMoved(next.cursors[peerSide]);
    }
    host.changed(room, before);
  }

  const patch = (change: Partial<Conversation>) => set({ ...conversation!, ...change });

  /** The next message, as it changes the summary. */
  function count(wire: WireMessage) {
    const c = conversation!;
    const message = toMessage(wire, viewer, c.cursors[peerSide]);
    const { party } = message.sender;
    const unread = party === peerSide && message.seq! > c.cursors[mySide].readSeq ? 1 : 0;
    stopTyping(message.sender.memberId);
    patch({
      head: message.seq!,
      last: message,
      unread: c.unread + unread,
      updatedAt: Math.max(c.updatedAt, message.at),
      waitingSince:
        party === 'buyer'
          ? (c.waitingSince ?? message.at)
          : party === 'shop'
            ? undefined
            : c.waitingSince,
    });
    if (!timeline) host.applied(room, message);
    if (party === peerSide) host.received(room, message);
  }

  function moveCursors(party: 'buyer' | 'shop', to: Cursors) {
    const c = conversation!;
    const moved = laterCursors(c.cursors[party], to);
    if (moved === c.cursors[party]) return;
    const next = { ...c, cursors: { ...c.cursors, [party]: moved } };
    if (party === peerSide) set({ ...next, last: lastAs(c.last, moved) });
    else if (moved.readSeq === c.cursors[party].readSeq) set(next);
    else set({ ...next, unread: unreadPast(moved.readSeq, c) });
  }

  function unreadPast(readSeq: number, c: Conversation): number {
    const exact = exactUnread(readSeq, c.head);
    if (exact === undefined) host.refresh(id);
    return exact ?? c.unread;
  }

  /** Counted from the messages, where they are here. */
  function exactUnread(readSeq: number, head: number): number | undefined {
    if (readSeq >= head) return 0;
    return timeline?.position() === head ? timeline.countAfter(readSeq) : undefined;
  }

  function merge(wire: WireRoom, anew = false) {
    const server = toConversation(wire, viewer);
    const c = conversation;
    if (!c || anew) {
      version = stamp(wire.updated_at);
      if (anew) summary.stop();
      set(c ? { ...server, peer: c.peer, typing: c.typing } : server);
    } else {
      set(newer(c, server, wire));
      const { last } = server;
      if (server.head > c.head && last?.sender.party === peerSide) host.received(room, last);
    }
    summary.start(Math.max(wire.head, anew ? 0 : (summary.position() ?? 0)));
    timeline?.expect(wire.head);
  }

  /** What we know and what the server says, each where it is the later one. */
  function newer(c: Conversation, server: Conversation, wire: WireRoom): Conversation {
    const fresh = stamp(wire.updated_at) >= version;
    if (fresh) version = stamp(wire.updated_at);
    const cursors = {
      buyer: laterCursors(c.cursors.buyer, server.cursors.buyer),
      shop: laterCursors(c.cursors.shop, server.cursors.shop),
    };
    const ahead = server.head >= c.head;
    const base = fresh ? server : c;
    const readSeq = cursors[mySide].readSeq;
    const counted = ahead ? server : c;
    return {
      ...base,
      peer: { ...c.peer, ...base[peerSide] },
      typing: c.typing,
      cursors,
      head: counted.head,
      last: lastAs(counted.last, cursors[peerSide]),
      updatedAt: Math.max(c.updatedAt, server.updatedAt),
      waitingSince: fresh && ahead ? server.waitingSince : c.waitingSince,
      // Where we have read further than the server knows yet, its number is too high.
      unread:
        counted === server && server.cursors[mySide].readSeq < readSeq
          ? (exactUnread(readSeq, server.head) ?? Math.min(c.unread, server.unread))
          : counted.unread,
    };
  }

  function lastAs(last: Message | undefined, peer: Cursors): Message | undefined {
    if (!last?.mine || last.seq === undefined) return last;
    const state = storedState(last.seq, peer);
    return state === last.state ? last : { ...last, state };
  }

  function showTypists() {
    const typing = [...typists.values()].filter((t) => t.shown).map((t) => t.who);
    if (conversation && (typing.length || conversation.typing.length)) patch({ typing });
  }

  function stopTyping(memberId: string | undefined) {
    const typist = memberId === undefined ? undefined : typists.get(memberId);
    if (!typist) return;
    typist.cancel();
    typists.delete(memberId!);
    showTypists();
  }

  const room: Room = {
    id,
    get conversation() {
      return conversation;
    },
    get timeline() {
      return timeline;
    },
    open() {
      timeline ??= createTimeline(id, {
        viewer,
        clock: env.clock,
        rest: host.rest,
        resume: (position) => host.resume(id, position),
        receive: room.receive,
        applied: (message) => host.applied(room, message),
        changed: () => host.timeline(room),
        peer: () => conversation?.cursors[peerSide],
      });
      return timeline;
    },
    forget() {
      timeline?.end();
      timeline = undefined;
    },
    merge,
    receive(message) {
      timeline?.offer(message);
      if (conversation) summary.offer(message);
    },
    expect(head) {
      timeline?.expect(head);
      if (conversation) summary.expect(head);
    },
    receipt(frame) {
      if (!conversation) return;
      moveCursors(frame.party, { deliveredSeq: frame.delivered_seq, readSeq: frame.read_seq });
    },
    typing(frame) {
      if (frame.member_id === viewer.memberId) return;
      const known = typists.get(frame.member_id);
      if (!frame.on) return stopTyping(frame.member_id);
      known?.cancel();
      const who = { party: frame.party, memberId: frame.member_id, name: frame.name };
      const typist = { who, shown: known?.shown ?? false, cancel: () => {} };
      const end = () => stopTyping(frame.member_id);
      const show = () => {
        typist.shown = true;
        typist.cancel = env.clock.after(typingLastsMs, end);
        showTypists();
      };
      typists.set(frame.member_id, typist);
      if (typist.shown) show();
      else typist.cancel = env.clock.after(typingDelayMs, show);
    },
    presence(online, seenAt) {
      if (conversation) patch({ peer: { ...conversation.peer, online, seenAt } });
    },
    read(seq) {
      const c = conversation;
      if (!c || seq <= c.cursors[mySide].readSeq) return false;
      moveCursors(mySide, { deliveredSeq: seq, readSeq: seq });
      return true;
    },
    preview(inquiryId, change, ownerName) {
      const before = conversation?.inquiry;
      if (before?.id !== inquiryId) return () => {};
      const shown = {
        ...before,
        state: change.state ?? before.state,
        ...(change.ownerId && { ownerId: change.ownerId, ownerName }),
      };
      patch({ inquiry: shown });
      return () => {
        if (conversation?.inquiry === shown) patch({ inquiry: before });
      };
    },
  };
  return room;
}
