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
  /** When the credential ends, and the connection with it (4401). A web session's moves while it is used. */
  expires_at: string;
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
/** `missing` names rooms that do not exist for us, or no longer. */
export type ResumedFrame = { type: 'resumed'; id: string; heads: Heads; missing?: string[] };
export type ResetFrame = {
  type: 'reset';
  id?: string;
  epoch: string;
  heads: Heads;
  missing?: string[];
};
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
  | { type: 'ok' | 'pong'; id: string };

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
  | { type: 'typing'; room_id: string; on: boolean }
  | { type: 'ping'; id: string };

/** The frame in a text; undefined for what is none. Types this client does not know are its reader's to pass over. */
export function parseFrame(text: string): ServerFrame | undefined {
  try {
    const frame = JSON.parse(text) as ServerFrame | null;
    return typeof frame?.type === 'string' ? frame : undefined;
  } catch {
    return undefined;
  }
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
