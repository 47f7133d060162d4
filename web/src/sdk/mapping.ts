// From the wire's words to the library's.
import type { AckFrame, WireCard, WireMessage, WireRoom } from './protocol';
import type { Card, Cursors, Inquiry, Message, Named, Party, Room, SendState, Side } from './types';

/** Who looks: decides what is "mine" and which side is the peer. */
export interface Viewer {
  readonly memberId: string;
  readonly side: Side;
}

export const other = (side: Side): Side => (side === 'buyer' ? 'shop' : 'buyer');

const time = (text: string) => Date.parse(text);
const optionalTime = (text: string | undefined) => (text === undefined ? undefined : time(text));

/**
 * Sorts like the moment it names, to the nanosecond: the server leaves out trailing zeros, so the texts themselves do
 * not, and Date knows milliseconds only.
 */
export const stamp = (text: string) => text.slice(0, 19) + text.slice(20, -1).padEnd(9, '0');

export function toCard(wire: WireCard): Card {
  return {
    kind: wire.kind,
    id: wire.id,
    title: wire.title,
    priceWon: wire.price_won,
    imageUrl: wire.image_url,
    status: wire.status,
    summary: wire.summary,
    more: wire.more,
  };
}

export function toInquiry(wire: WireRoom['inquiry']): Inquiry {
  return {
    id: wire.id,
    number: wire.number,
    subject: wire.subject,
    card: wire.card && toCard(wire.card),
    state: wire.state,
    ownerId: wire.owner_id,
    ownerName: wire.owner_name,
    createdAt: time(wire.created_at),
  };
}

export function toMessage(wire: WireMessage, viewer: Viewer, peer?: Cursors): Message {
  const party: Party = wire.sender.party;
  const mine = party === viewer.side;
  const byMe = mine && wire.sender.member_id === viewer.memberId;
  const { client_msg_id: clientMsgId } = wire;
  return {
    // Another member may choose the same client_msg_id: only our own is unique for us.
    key: byMe && clientMsgId ? clientMsgId : `#${wire.seq}`,
    roomId: wire.room_id,
    seq: wire.seq,
    clientMsgId,
    inquiryId: wire.inquiry_id,
    sender: { party, memberId: wire.sender.member_id, name: wire.sender.name },
    mine,
    byMe,
    kind: wire.kind,
    body: wire.body,
    card: wire.card && toCard(wire.card),
    at: time(wire.created_at),
    state: mine && peer ? storedState(wire.seq, peer) : 'sent',
  };
}

/** Our own message as the server stored it: the connection that sent it gets only the ack. */
export function storedMessage(
  sent: { body: string; inquiry_id?: string | undefined },
  { room_id, client_msg_id, seq, created_at }: AckFrame,
  party: Side,
  { id: member_id, name }: Named,
): WireMessage {
  const { body, inquiry_id } = sent;
  return {
    room_id,
    seq,
    sender: { party, member_id, name },
    kind: 'text',
    body,
    client_msg_id,
    created_at,
    ...(inquiry_id && { inquiry_id }),
  };
}

export function storedState(seq: number, peer: Cursors): SendState {
  if (seq <= peer.readSeq) return 'read';
  return seq <= peer.deliveredSeq ? 'delivered' : 'sent';
}

export const toCursors = (wire: { delivered_seq: number; read_seq: number }): Cursors => ({
  deliveredSeq: wire.delivered_seq,
  readSeq: wire.read_seq,
});

const toPresence = (wire: WireRoom['presence']) =>
  wire && { online: wire.online, seenAt: optionalTime(wire.last_seen) };

/** An instance from before blocks says nothing of them, while a deploy is under way. */
const toBlocked = ({ blocked }: Partial<WireRoom>) => ({
  byUs: blocked?.by_me ?? false,
  byPeer: blocked?.by_other ?? false,
});

export function toRoom(wire: WireRoom, viewer: Viewer): Room {
  const cursors = { buyer: toCursors(wire.cursors.buyer), shop: toCursors(wire.cursors.shop) };
  const peer = other(viewer.side);
  return {
    id: wire.id,
    buyer: wire.buyer,
    shop: wire.shop,
    peer: { ...wire[peer], ...toPresence(wire.presence) },
    inquiry: toInquiry(wire.inquiry),
    blocked: toBlocked(wire),
    head: wire.head,
    unread: wire.unread,
    cursors,
    last: wire.last_message && toMessage(wire.last_message, viewer, cursors[peer]),
    waitingSince: optionalTime(wire.waiting_since),
    createdAt: time(wire.created_at),
    updatedAt: time(wire.updated_at),
    typing: [],
  };
}

/** A cursor only ever grows, whichever order its news come in. */
export function laterCursors(a: Cursors, b: Cursors): Cursors {
  const deliveredSeq = Math.max(a.deliveredSeq, b.deliveredSeq, a.readSeq, b.readSeq);
  const readSeq = Math.max(a.readSeq, b.readSeq);
  return deliveredSeq === a.deliveredSeq && readSeq === a.readSeq ? a : { deliveredSeq, readSeq };
}
