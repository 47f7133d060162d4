// Every frame on the socket, as modules/chat describes them. The server's fixtures
// (modules/chat/testdata/frames.json) are read by both sides' tests, so neither can drift alone.
import type { components } from '../api/schema.gen';

export const subprotocol = 'mall.chat.v1';

type Schemas = components['schemas'];
export type WireRoom = Schemas['Room'];
export type WireMessage = Schemas['Message'];
export type WireCard = Schemas['Card'];
/** room id → seq */
export type Heads = Record<string, number>;

export interface WelcomeFrame {
  type: 'welcome';
  session_id: string;
  epoch: string;
  member: { id: string; name: string };
  shops: { id: string; name: string }[];
  heartbeat_ms: number;
  limits: { body_code_points?: number; body_lines?: number; frame_bytes?: number };
  time: string;
}

export interface AckFrame {
  type: 'ack';
  id: string;
  room_id: string;
  client_msg_id: string;
  seq: number;
  created_at: string;
  dup: boolean;
}

export interface ErrorFrame {
  type: 'error';
  id?: string;
  code: string;
  message: string;
  retryable: boolean;
  retry_after_ms?: number;
  head?: number;
}

export interface ReceiptFrame {
  type: 'receipt';
  room_id: string;
  party: 'buyer' | 'shop';
  delivered_seq: number;
  read_seq: number;
}

export interface TypingFrame {
  type: 'typing';
  room_id: string;
  party: 'buyer' | 'shop';
  member_id: string;
  name: string;
  on: boolean;
}

export interface PresenceFrame {
  type: 'presence';
  room_id: string;
  party: 'buyer' | 'shop';
  online: boolean;
  last_seen?: string;
}

export type MessageFrame = WireMessage & { type: 'message' };
export type ResumedFrame = { type: 'resumed'; id: string; heads: Heads };
export type ResetFrame = { type: 'reset'; id?: string; epoch: string; heads: Heads };
export type TooFarFrame = { type: 'too_far'; id: string; room_id: string; head: number };
export type HeartbeatFrame = { type: 'hb'; time: string; heads?: Heads };

export type ServerFrame =
  | WelcomeFrame
  | MessageFrame
  | AckFrame
  | ErrorFrame
  | ReceiptFrame
  | { type: 'room'; room: WireRoom }
  | TypingFrame
  | PresenceFrame
  | ResumedFrame
  | ResetFrame
  | TooFarFrame
  | HeartbeatFrame
  | { type: 'ok'; id: string };

export interface SendFrame {
  type: 'send';
  id: string;
  room_id: string;
  client_msg_id: string;
  body: string;
  inquiry_id?: string;
  card?: { kind: 'product' | 'order'; id: string };
  expect_seq?: number;
}

export interface ResumeFrame {
  type: 'resume';
  id: string;
  epoch: string;
  rooms: Heads;
}

/** The most rooms one resume may name. */
export const resumeRooms = 200;

export type ClientFrame =
  | SendFrame
  | ResumeFrame
  | { type: 'delivered' | 'read'; room_id: string; seq: number }
  | { type: 'typing'; room_id: string; on: boolean };

const isString = (v: unknown) => typeof v === 'string';
const isNumber = (v: unknown) => typeof v === 'number';
const isBoolean = (v: unknown) => typeof v === 'boolean';
const isObject = (v: unknown) => typeof v === 'object' && v !== null;

/** The fields a frame must have for this client to act on it; a newer server may add others and other types. */
const required: { [T in ServerFrame['type']]: Record<string, (v: unknown) => boolean> } = {
  welcome: { epoch: isString, member: isObject, heartbeat_ms: isNumber, limits: isObject },
  message: { room_id: isString, seq: isNumber, sender: isObject, kind: isString, body: isString },
  ack: { id: isString, room_id: isString, client_msg_id: isString, seq: isNumber },
  error: { code: isString, message: isString },
  receipt: { room_id: isString, party: isString, delivered_seq: isNumber, read_seq: isNumber },
  room: { room: isObject },
  typing: { room_id: isString, party: isString, member_id: isString, on: isBoolean },
  presence: { room_id: isString, party: isString, online: isBoolean },
  resumed: { id: isString, heads: isObject },
  reset: { epoch: isString },
  too_far: { room_id: isString, head: isNumber },
  hb: { time: isString },
  ok: { id: isString },
};

/** A frame this client understands; undefined for anything else, which is passed over. */
export function parseFrame(text: string): ServerFrame | undefined {
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(frame)) return undefined;
  const fields = frame as Record<string, unknown>;
  const checks = Object.hasOwn(required, fields['type'] as string)
    ? required[fields['type'] as ServerFrame['type']]
    : undefined;
  if (!checks) return undefined;
  for (const name in checks) if (!checks[name]!(fields[name])) return undefined;
  return frame as ServerFrame;
}

/**
 * 44xx: the server asks us not to come back by ourselves. Everything else, also a link that just broke, is worth
 * another try.
 */
export const isFinal = (closeCode: number) => closeCode >= 4400 && closeCode < 4500;

/** Over how many milliseconds a draining server wants its clients' returns spread; from the close reason. */
export function spreadOf(reason: string): number | undefined {
  try {
    const { spread_ms } = JSON.parse(reason) as { spread_ms?: unknown };
    return typeof spread_ms === 'number' && spread_ms >= 0 ? spread_ms : undefined;
  } catch {
    return undefined;
  }
}
