// How a room's state changes with what becomes known of it. Pure: old one in, new one out.
import { laterCursors, other, storedState, type Viewer } from './mapping';
import type { Cursors, Inquiry, InquiryChange, Message, Room, Side } from './types';

/** With the next message, changed as the server changes it. */
export function withMessage(room: Room, message: Message, { side }: Viewer): Room {
  const { party } = message.sender;
  const isUnread = party === other(side) && message.seq! > room.cursors[side].readSeq;
  const next: Room = {
    ...room,
    head: message.seq!,
    last: message,
    unread: room.unread + (isUnread ? 1 : 0),
    updatedAt: Math.max(room.updatedAt, message.at),
  };
  // A notice is nobody's question and nobody's answer.
  if (party === 'system') return next;
  const asks = party === 'buyer';
  return {
    ...next,
    inquiry: inState(room.inquiry, asks ? 'waiting' : 'open'),
    waitingSince: asks ? (room.waitingSince ?? message.at) : undefined,
  };
}

const inState = (inquiry: Inquiry, state: Inquiry['state']): Inquiry =>
  inquiry.state === state ? inquiry : { ...inquiry, state };

/** With a party's cursors moved; the same room when they are no later than the known ones. */
export function withCursors(room: Room, party: Side, to: Cursors, { side }: Viewer): Room {
  const moved = laterCursors(room.cursors[party], to);
  if (moved === room.cursors[party]) return room;
  const next = { ...room, cursors: { ...room.cursors, [party]: moved } };
  return party === side ? next : { ...next, last: lastSeenBy(room.last, moved) };
}

function lastSeenBy(last: Message | undefined, peer: Cursors): Message | undefined {
  if (!last?.mine || last.seq === undefined) return last;
  const state = storedState(last.seq, peer);
  return state === last.state ? last : { ...last, state };
}

/** With a change of its inquiry that the server has yet to confirm. */
export function withChange(room: Room, change: InquiryChange, ownerName: string | undefined): Room {
  const state = change.state ?? room.inquiry.state;
  return {
    ...room,
    inquiry: {
      ...room.inquiry,
      state,
      ...(change.ownerId && { ownerId: change.ownerId, ownerName }),
    },
    waitingSince: state === 'done' || state === 'held' ? undefined : room.waitingSince,
  };
}

/**
 * What is known and what the server said, each where it is the later one: answers and frames overtake each other.
 * `fresh` tells that the server's is at least as late as the last one taken in; `countUnread` counts the messages
 * past a seq where they are all here.
 */
export function merged(
  room: Room,
  server: Room,
  { side }: Viewer,
  fresh: boolean,
  countUnread: (readSeq: number, head: number) => number | undefined,
): Room {
  const peer = other(side);
  const ahead = server.head >= room.head;
  const counted = ahead ? server : room;
  const base = fresh ? server : room;
  const cursors = {
    buyer: laterCursors(room.cursors.buyer, server.cursors.buyer),
    shop: laterCursors(room.cursors.shop, server.cursors.shop),
  };
  const { readSeq } = cursors[side];
  // Where we have read further than the server knows yet, its number is too high.
  const overcounts = ahead && server.cursors[side].readSeq < readSeq;
  return {
    ...base,
    peer: { ...room.peer, ...base[peer] },
    typing: room.typing,
    cursors,
    head: counted.head,
    last: lastSeenBy(counted.last, cursors[peer]),
    updatedAt: Math.max(room.updatedAt, server.updatedAt),
    inquiry: fresh && ahead ? server.inquiry : room.inquiry,
    waitingSince: fresh && ahead ? server.waitingSince : room.waitingSince,
    unread: overcounts
      ? (countUnread(readSeq, server.head) ?? Math.min(room.unread, server.unread))
      : counted.unread,
  };
}
