// What a client says on a socket, said by REST, and the answers as the socket gives them.
import { isLost } from '../api/problem';
import type { components } from '../api/schema.gen';
import type { ClientFrame, Heads, ResumeFrame, SendFrame, ServerFrame } from './protocol';
import type { Rest } from './rest';
import type { ChatError } from './types';

type Schemas = components['schemas'];
type Mark = { delivered_seq?: number; read_seq?: number };

const pageSize = 100;
/** A room further behind than this is not read here: the client then takes its newest page. */
const maxBehind = 500;
/** So many rooms are read at once: a browser keeps few connections to one server. */
const atOnce = 3;

export interface SpeechEvents {
  answer(frame: ServerFrame): void;
  /** The server no longer knows the session, or as another member's. */
  lost(): void;
}

/** Says a frame; its answers come through events, unless rest was aborted before. */
export function createSpeech(rest: Rest, events: SpeechEvents): (frame: ClientFrame) => void {
  const { answer } = events;
  /** What the server has yet to be told, by room. */
  const marks = new Map<string, Mark>();

  async function send({ type: _, id, room_id, ...draft }: SendFrame) {
    const path = `/chat/rooms/${room_id}/messages`;
    const receipt = await rest.request<Schemas['SendReceipt']>('POST', path, {}, draft);
    answer({ type: 'ack', id, ...receipt });
  }

  /** A mark on a socket arrives or the link ends; here it is said until it is heard. */
  async function mark(roomId: string, more: Mark) {
    const underWay = marks.has(roomId);
    marks.set(roomId, { ...marks.get(roomId), ...more });
    if (underWay) return;
    let said: Mark | undefined;
    try {
      while (said !== marks.get(roomId)) {
        await rest.insist(() => {
          said = marks.get(roomId)!;
          return rest.request('PUT', `/chat/rooms/${roomId}/cursor`, {}, said);
        });
      }
    } finally {
      marks.delete(roomId);
    }
  }

  async function resume({ id, epoch, rooms }: ResumeFrame) {
    const heads: Heads = {};
    const missing: string[] = [];
    const left = Object.keys(rooms);
    let foreign: string | undefined;

    async function read(room_id: string) {
      let after = rooms[room_id]!;
      do {
        const page = await rest
          .messages(room_id, { after_seq: after, limit: pageSize })
          .catch((e: ChatError) => (e.status === 404 ? undefined : Promise.reject(e)));
        if (!page) return void missing.push(room_id);
        const { items, head } = page;
        if (page.epoch !== epoch || after > head) return void (foreign = page.epoch);
        heads[room_id] = head;
        if (head - after > maxBehind) return answer({ type: 'too_far', id, room_id, head });
        for (const message of items) answer({ type: 'message', ...message });
        after = items.at(-1)?.seq ?? head;
      } while (after < heads[room_id]!);
    }

    async function readOn() {
      while (left.length && foreign === undefined) await read(left.pop()!);
    }

    await Promise.all(Array.from({ length: atOnce }, readOn));
    if (foreign === undefined)
      answer({ type: 'resumed', id, heads, ...(missing.length > 0 && { missing }) });
    else answer({ type: 'reset', id, epoch: foreign, heads: {} });
  }

  return (frame) => {
    void said(frame).catch((e: ChatError) => {
      if (isLost(e)) return events.lost();
      answer({
        type: 'error',
        ...('id' in frame && { id: frame.id }),
        code: e.code,
        message: e.message,
        retryable: e.retryable,
        ...(e.retryAfterMs !== undefined && { retry_after_ms: e.retryAfterMs }),
      });
    });
  };

  async function said(frame: ClientFrame): Promise<void> {
    switch (frame.type) {
      case 'send':
        return send(frame);
      case 'resume':
        return resume(frame);
      case 'delivered':
        return mark(frame.room_id, { delivered_seq: frame.seq });
      case 'read':
        return mark(frame.room_id, { read_seq: frame.seq });
      case 'typing': // lasts shorter than saying it would be worth
    }
  }
}
