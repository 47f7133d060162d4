// The link where no socket gets through: the server speaks by an event stream, we by REST. To the rest of the client it
// is a Transport like the socket.
//
// The stream is read from fetch, not from EventSource, which shows neither the status of a refusal (a lost session looks
// like a dead network) nor Retry-After, and comes back by itself whatever our backoff thinks of it.
import type { readProblem } from '../api/problem';
import type { Env, Transport, TransportEvents } from './env';
import { createEventReader } from './event-stream';
import type { ClientFrame, parseFrame } from './protocol';
import type { createRest } from './rest';
import { createSpeech } from './speech';

/** How long until a socket is tried again behind the stream's back: this and up to as much again. */
const retryMs = 150_000;
const openMs = 10_000;

export interface EventLinksOptions {
  readonly env: Env;
  /** Where REST and the events live. */
  readonly api: string;
  readonly socketUrl: string;
  /** A socket got through after all; the stream then ends, to be replaced. */
  turn(): void;
  // Handed over, not imported: what two chunks import becomes a third one, which the first then waits for.
  /** Whose frames are said. */
  readonly memberId: string;
  readonly parseFrame: typeof parseFrame;
  readonly readProblem: typeof readProblem;
  readonly createRest: typeof createRest;
}

/** Gives what dials event streams. */
export function createEventLinks(
  options: EventLinksOptions,
): (events: TransportEvents) => Transport {
  const { env, api } = options;
  /** Of all links: some networks cut every stream before it is due. */
  let tryAt = 0;
  const putOff = () => (tryAt = env.clock.now() + retryMs * (1 + env.random()));
  putOff();

  return (events) => {
    const rest = options.createRest(env, api, options.memberId, () => {});
    const request = new AbortController();
    let over = false;
    let cancel = () => {};

    function close() {
      over = true;
      cancel();
      request.abort();
      rest.abort();
    }

    function end(code: number, reason: string, atLeastMs?: number) {
      if (over) return;
      close();
      events.close(code, reason, atLeastMs);
    }

    const say = createSpeech(rest, {
      answer: (frame) => over || events.answer(frame),
      lost: () => end(4401, 'session lost'),
    });

    async function listen() {
      const response = await env.fetch(`${api}/chat/events`, {
        credentials: 'same-origin',
        headers: { Accept: 'text/event-stream' },
        signal: request.signal,
      });
      if (!response.ok) return refused(response);
      // Some networks answer everything with a page of their own.
      if (!isStream(response)) return end(1006, 'no event stream');
      events.open();
      trySocketLater();
      const reader = response.body!.getReader();
      const decoder = new TextDecoder();
      // Told in turns of their own, as a socket's events are: what a listener throws must not end the link.
      const read = createEventReader((name, data) =>
        queueMicrotask(() => {
          if (name === 'close') closed(data);
          else if (!over) events.frame(data);
        }),
      );
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return end(1006, 'the stream ended');
        read(decoder.decode(value, { stream: true }));
      }
    }

    /** The server's own refusals mean what its close codes mean; any other may be the network's. */
    async function refused(response: Response) {
      const ours = response.headers.get('Content-Type')?.includes('problem+json');
      const { status, code, retryable, retryAfterMs } = await options.readProblem(response);
      if (!ours) end(1006, `HTTP ${status}`, retryAfterMs);
      else if (status === 401 || status === 403) end(4000 + status, code);
      else end(retryable ? 1013 : 1006, code, retryAfterMs);
    }

    function closed(data: string) {
      const { code, reason } = JSON.parse(data) as { code: number; reason?: string };
      end(code, reason ?? '');
    }

    function trySocketLater() {
      cancel = env.clock.after(Math.max(0, tryAt - env.clock.now()), trySocket);
    }

    function trySocket() {
      putOff();
      const failed = () => {
        cancel();
        trySocketLater();
      };
      const socket = env.dial(options.socketUrl, {
        open: () => {},
        answer: () => {},
        // Not the open: some networks let the handshake through, and nothing after it.
        frame(text) {
          if (options.parseFrame(text)?.type !== 'welcome') return;
          cancel();
          options.turn();
          end(1012, '{"spread_ms":0}');
        },
        close: failed,
      });
      const cancelWait = env.clock.after(openMs, failed);
      cancel = () => {
        cancelWait();
        socket.close();
      };
    }

    void listen().catch(() => end(1006, 'the stream broke'));
    return { send: (text) => say(JSON.parse(text) as ClientFrame), close };
  };
}

const isStream = ({ headers }: Response) =>
  headers.get('Content-Type')?.startsWith('text/event-stream');
