// The part of REST the chat client uses, with its manners: a time limit, and failures as ChatError.
import { memberHeader, noAnswer, readProblem, tellLost, ApiError } from '../api/problem';
import type { components } from '../api/schema.gen';
import { fullJitter } from './backoff';
import type { Env } from './env';
import { ChatError } from './types';

const timeoutMs = 10_000;
/** Tries repeated in the background wait at most 4 s, so that a view is whole 5 s after any fault has ended. */
const steepest = 3;

type Schemas = components['schemas'];
type Query = Record<string, string | number | boolean | undefined>;

export interface Rest {
  /** Any other call. Resolves with the body of a good answer, rejects with ChatError. */
  request<T>(method: string, path: string, query: Query, body?: object): Promise<T>;
  me(): Promise<Schemas['Me']>;
  rooms(query: Query): Promise<Schemas['RoomPage']>;
  room(id: string): Promise<Schemas['Room']>;
  open(body: Schemas['RoomOpening']): Promise<Schemas['Room']>;
  messages(roomId: string, query: Query): Promise<Schemas['MessagePage']>;
  summary(query: Query): Promise<Schemas['ChatSummary']>;
  changeInquiry(
    roomId: string,
    inquiryId: string,
    body: { state?: Schemas['InquiryState'] | undefined; owner_id?: string | undefined },
  ): Promise<Schemas['Room']>;
  block(roomId: string, on: boolean): Promise<Schemas['Room']>;
  report(roomId: string, body: Schemas['ReportDraft']): Promise<unknown>;
  /** Asks until it is answered or refused for good; each failure is told to failed. Rejects with the last ChatError. */
  insist<T>(ask: () => Promise<T>, failed?: (error: ChatError) => void): Promise<T>;
  /** The server is back: whoever insists tries at once. */
  nudge(): void;
  /** Ends all that is under way; everything asked later fails. */
  abort(): void;
}

/** Every call but `me` is made in the member's name. `epoch` hears the numbering's name from every answer that carries it. */
export function createRest(
  env: Env,
  base: string,
  memberId: string,
  epoch: (seen: string) => void,
): Rest {
  const life = new AbortController();
  const waiting = new Set<() => void>();
  const ended = () => new ChatError('destroyed', 'the chat was ended');

  async function request<T>(method: string, path: string, query: Query, body?: object): Promise<T> {
    if (life.signal.aborted) throw ended();
    const params = new URLSearchParams();
    for (const key in query) if (query[key] !== undefined) params.set(key, String(query[key]));
    const search = params.size ? `?${params}` : '';
    const attempt = new AbortController();
    const abort = () => attempt.abort();
    life.signal.addEventListener('abort', abort);
    const cancel = env.clock.after(timeoutMs, abort);
    try {
      const response = await env.fetch(base + path + search, {
        method,
        credentials: 'same-origin',
        signal: attempt.signal,
        headers: {
          ...(path !== '/me' && { [memberHeader]: memberId }),
          ...(body && { 'Content-Type': 'application/json' }),
        },
        ...(body && { body: JSON.stringify(body) }),
      });
      if (!response.ok) {
        const problem = await readProblem(response);
        // The link goes on as whose it was; of a session that is over it hears by itself.
        if (problem.code === 'other_member') tellLost(problem);
        throw problem;
      }
      const answer = (await response.json()) as T & { epoch?: string };
      if (answer.epoch !== undefined) epoch(answer.epoch);
      return answer;
    } catch (error) {
      throw life.signal.aborted ? ended() : chatError(error);
    } finally {
      cancel();
      life.signal.removeEventListener('abort', abort);
    }
  }

  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const go = () => {
        cancel();
        waiting.delete(go);
        resolve();
      };
      const cancel = env.clock.after(ms, go);
      waiting.add(go);
    });

  const nudge = () => {
    for (const go of [...waiting]) go();
  };

  return {
    request,
    me: () => request('GET', '/me', {}),
    rooms: (query) => request('GET', '/chat/rooms', query),
    room: (id) => request('GET', `/chat/rooms/${id}`, {}),
    open: (body) => request('POST', '/chat/rooms', {}, body),
    messages: (id, query) => request('GET', `/chat/rooms/${id}/messages`, query),
    summary: (query) => request('GET', '/chat/summary', query),
    changeInquiry: (roomId, inquiryId, body) =>
      request('PATCH', `/chat/rooms/${roomId}/inquiries/${inquiryId}`, {}, body),
    block: (id, on) => request(on ? 'PUT' : 'DELETE', `/chat/rooms/${id}/block`, {}),
    report: (id, body) => request('POST', `/chat/rooms/${id}/reports`, {}, body),
    async insist(ask, failed) {
      for (let n = 0; ; n++) {
        try {
          return await ask();
        } catch (e) {
          const error = e as ChatError;
          failed?.(error);
          if (!error.retryable) throw error;
          const jitter = fullJitter(Math.min(n, steepest), env.random);
          await pause(Math.max(error.retryAfterMs ?? 0, jitter));
        }
      }
    },
    nudge,
    abort() {
      life.abort();
      nudge();
    },
  };
}

function chatError(cause: unknown): ChatError {
  const error = noAnswer(cause);
  if (!(error instanceof ApiError)) {
    return new ChatError('timeout', 'no answer in time', { retryable: true });
  }
  return new ChatError(error.code, error.message, error);
}
