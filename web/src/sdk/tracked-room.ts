// One room as this client knows it: its summary, always up to its own head, and its messages while wanted.
import { merged, withChange, withCursors, withMessage } from './room';
import type { Env } from './env';
import { other, stamp, toRoom, toCursors, toMessage, type Viewer } from './mapping';
import type { ReceiptFrame, TypingFrame, WireMessage, WireRoom } from './protocol';
import type { Rest } from './rest';
import { createSequencer } from './sequencer';
import { createTimeline, type Timeline } from './timeline';
import type { Cursors, InquiryChange, Message, Room, Side } from './types';
import { createTypists } from './typists';

export interface TrackedRoomHost {
  readonly env: Env;
  readonly viewer: Viewer;
  readonly rest: Rest;
  /** Asks the socket for what comes after position; resolves when that is over, whatever came of it. */
  resume(roomId: string, position: number): Promise<void>;
  /** Reads this room's summary again: what is known here has a hole. */
  refresh(roomId: string): void;
  /** The room is in another state now; before is undefined when it became known. */
  changed(room: TrackedRoom, before: Room | undefined): void;
  /** The timeline changed. */
  timeline(room: TrackedRoom): void;
  /** A message is in its place in the timeline, or, without one, in the summary. */
  applied(message: Message): void;
  /** A message of the other side came in, and the summary counts it. */
  received(room: TrackedRoom, message: Message): void;
}

export interface TrackedRoom {
  readonly id: string;
  readonly state: Room | undefined;
  readonly timeline: Timeline | undefined;
  /** Creates the timeline, or gives the one there is. */
  open(): Timeline;
  /** Forgets the messages; the summary stays. */
  forget(): void;
  /** Takes what the server says about the room; `anew` when its numbering began anew. */
  merge(wire: WireRoom, anew: boolean): void;
  receive(message: WireMessage): void;
  /** The room has messages up to head. */
  expect(head: number): void;
  receipt(frame: ReceiptFrame): void;
  typing(frame: TypingFrame): void;
  /** Whether the other side is there; undefined when nobody can say. */
  presence(online: boolean | undefined, seenAt?: number): void;
  /** Our side has read up to seq; false when that is no news. */
  read(seq: number): boolean;
  /** Shows a change before the server has it; returns what takes it back. */
  preview(inquiryId: string, change: InquiryChange, ownerName?: string): () => void;
}

export function createTrackedRoom(id: string, host: TrackedRoomHost): TrackedRoom {
  const { viewer, env } = host;
  const { side } = viewer;
  const peerSide = other(side);
  let state: Room | undefined;
  let timeline: Timeline | undefined;
  let version = '';

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

  const typists = createTypists(env.clock, (typing) => {
    if (state) set({ ...state, typing });
  });

  function set(next: Room) {
    const before = state;
    if (next === before) return;
    state = next;
    const peer = next.cursors[peerSide];
    if (before?.cursors[peerSide] !== peer) timeline?.peerMoved(peer);
    host.changed(room, before);
  }

  function count(wire: WireMessage) {
    const known = state!;
    const message = toMessage(wire, viewer, known.cursors[peerSide]);
    typists.stop(message.sender.memberId);
    set(withMessage(state!, message, viewer));
    const { party } = message.sender;
    // It made another inquiry the current one, of which only the server can tell.
    if (party !== 'system' && message.inquiryId && message.inquiryId !== known.inquiry.id) {
      host.refresh(id);
    }
    if (!timeline) host.applied(message);
    if (party === peerSide) host.received(room, message);
  }

  function move(party: Side, to: Cursors) {
    const known = state!;
    const next = withCursors(known, party, to, viewer);
    if (party !== side || next.cursors[side].readSeq === known.cursors[side].readSeq)
      return set(next);
    const unread = countUnread(next.cursors[side].readSeq, known.head);
    if (unread === undefined) host.refresh(id);
    set({ ...next, unread: unread ?? known.unread });
  }

  /** The other side's messages past readSeq, where they are all here. */
  function countUnread(readSeq: number, head: number): number | undefined {
    if (readSeq >= head) return 0;
    return timeline?.position() === head ? timeline.countAfter(readSeq) : undefined;
  }

  function merge(wire: WireRoom, anew: boolean) {
    const server = toRoom(wire, viewer);
    const known = state;
    const at = stamp(wire.updated_at);
    const fresh = anew || at >= version;
    if (fresh) version = at;
    if (anew) summary.stop();
    if (!known) set(server);
    else if (anew) set({ ...server, peer: known.peer, typing: known.typing });
    else set(merged(known, server, viewer, fresh, countUnread));
    summary.start(Math.max(wire.head, summary.position() ?? 0));
    timeline?.expect(wire.head);
    const { last } = server;
    const isNews = known && !anew && server.head > known.head && last?.sender.party === peerSide;
    if (isNews) host.received(room, last);
  }

  const room: TrackedRoom = {
    id,
    get state() {
      return state;
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
        applied: host.applied,
        changed: () => host.timeline(room),
        peer: () => state?.cursors[peerSide],
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
      if (state) summary.offer(message);
    },
    expect(head) {
      timeline?.expect(head);
      if (state) summary.expect(head);
    },
    receipt(frame) {
      if (state) move(frame.party, toCursors(frame));
    },
    typing(frame) {
      if (frame.member_id !== viewer.memberId) typists.hear(frame);
    },
    presence(online, seenAt) {
      const peer = state?.peer;
      if (!state || (peer?.online === online && peer?.seenAt === seenAt)) return;
      set({ ...state, peer: { ...state.peer, online, seenAt } });
    },
    read(seq) {
      if (!state || seq <= state.cursors[side].readSeq) return false;
      move(side, { deliveredSeq: seq, readSeq: seq });
      return true;
    },
    preview(inquiryId, change, ownerName) {
      const before = state;
      if (before?.inquiry.id !== inquiryId) return () => {};
      const shown = withChange(before, change, ownerName);
      set(shown);
      return () => {
        if (state?.inquiry !== shown.inquiry) return;
        const { inquiry, waitingSince } = before;
        set({ ...state, inquiry, waitingSince });
      };
    },
  };
  return room;
}
