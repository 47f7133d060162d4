// How a conversation's summary changes with what becomes known of it. Pure: old one in, new one out.
import { laterCursors, other, storedState, type Viewer } from './mapping';
import type { Conversation, Cursors, Inquiry, InquiryChange, Message, Side } from './types';

/** With the next message, changed as the server changes it. */
export function withMessage(c: Conversation, message: Message, { side }: Viewer): Conversation {
  const { party } = message.sender;
  const isUnread = party === other(side) && message.seq! > c.cursors[side].readSeq;
  const next: Conversation = {
    ...c,
    head: message.seq!,
    last: message,
    unread: c.unread + (isUnread ? 1 : 0),
    updatedAt: Math.max(c.updatedAt, message.at),
  };
  // A notice is nobody's question and nobody's answer.
  if (party === 'system') return next;
  const asks = party === 'buyer';
  return {
    ...next,
    inquiry: inState(c.inquiry, asks ? 'waiting' : 'open'),
    waitingSince: asks ? (c.waitingSince ?? message.at) : undefined,
  };
}

const inState = (inquiry: Inquiry, state: Inquiry['state']): Inquiry =>
  inquiry.state === state ? inquiry : { ...inquiry, state };

/** With a party's cursors moved; the same conversation when they are no later than the known ones. */
export function withCursors(
  c: Conversation,
  party: Side,
  to: Cursors,
  { side }: Viewer,
): Conversation {
  const moved = laterCursors(c.cursors[party], to);
  if (moved === c.cursors[party]) return c;
  const next = { ...c, cursors: { ...c.cursors, [party]: moved } };
  return party === side ? next : { ...next, last: lastSeenBy(c.last, moved) };
}

function lastSeenBy(last: Message | undefined, peer: Cursors): Message | undefined {
  if (!last?.mine || last.seq === undefined) return last;
  const state = storedState(last.seq, peer);
  return state === last.state ? last : { ...last, state };
}

/** With a change of its inquiry that the server has yet to confirm. */
export function withChange(
  c: Conversation,
  change: InquiryChange,
  ownerName: string | undefined,
): Conversation {
  const state = change.state ?? c.inquiry.state;
  return {
    ...c,
    inquiry: {
      ...c.inquiry,
      state,
      ...(change.ownerId && { ownerId: change.ownerId, ownerName }),
    },
    waitingSince: state === 'done' || state === 'held' ? undefined : c.waitingSince,
  };
}

/**
 * What is known and what the server said, each where it is the later one: answers and frames overtake each other.
 * `fresh` tells that the server's is at least as late as the last one taken in; `countUnread` counts the messages
 * past a seq where they are all here.
 */
export function merged(
  c: Conversation,
  server: Conversation,
  { side }: Viewer,
  fresh: boolean,
  countUnread: (readSeq: number, head: number) => number | undefined,
): Conversation {
  const peer = other(side);
  const ahead = server.head >= c.head;
  const counted = ahead ? server : c;
  const base = fresh ? server : c;
  const cursors = {
    buyer: laterCursors(c.cursors.buyer, server.cursors.buyer),
    shop: laterCursors(c.cursors.shop, server.cursors.shop),
  };
  const { readSeq } = cursors[side];
  // Where we have read further than the server knows yet, its number is too high.
  const overcounts = ahead && server.cursors[side].readSeq < readSeq;
  return {
    ...base,
    peer: { ...c.peer, ...base[peer] },
    typing: c.typing,
    cursors,
    head: counted.head,
    last: lastSeenBy(counted.last, cursors[peer]),
    updatedAt: Math.max(c.updatedAt, server.updatedAt),
    inquiry: fresh && ahead ? server.inquiry : c.inquiry,
    waitingSince: fresh && ahead ? server.waitingSince : c.waitingSince,
    unread: overcounts
      ? (countUnread(readSeq, server.head) ?? Math.min(c.unread, server.unread))
      : counted.unread,
  };
}
