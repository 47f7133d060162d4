// One tab's world: its clock, its links and its REST all end at the mall in memory.
import type { Env, Life, Transport } from '../env';
// The client fetches it when it needs it; here it is at hand, for no clock of ours waits for a module.
import '../event-link';
import { memoryStorage, type OutboxStorage } from '../outbox-storage';
import type { ClientFrame } from '../protocol';
import { createUuid } from '../uuid';
import { seeded } from './clock';
import type { FakeProfile } from './profile';
import { respond, type FakeResponse } from './rest';
import { FakeSocket } from './socket';
import type { FakeMember, FakeServer } from './world';

export interface FakeEnv extends Env {
  /** Tells the client of the page's life. */
  live(what: Life): void;
  /** The latest link, whichever way it goes. */
  socket(): FakeSocket;
  /** Sockets tried so far. */
  dials: number;
  /** What the next sockets meet: 'refuse', 'hang', or the close code they get at once; then all goes well again. */
  fate: ('refuse' | 'hang' | number)[];
  /** What every socket meets meanwhile: a network that lets none through. */
  blocked: 'refuse' | 'hang' | 'mute' | undefined;
}

export interface EnvOptions {
  profile?: FakeProfile;
  seed?: number;
  storage?: () => Promise<OutboxStorage>;
  blocked?: FakeEnv['blocked'];
  /** What this tab remembers of its earlier pages. */
  memory?: string;
}

/** One tab of this member. */
export function fakeEnv(server: FakeServer, member: FakeMember, options: EnvOptions = {}): FakeEnv {
  const { profile } = options;
  const random = seeded(options.seed ?? 1);
  const { clock } = server;
  const watchers = new Set<(what: Life) => void>();
  let socket: FakeSocket | undefined;
  let memory = options.memory ?? null;
  server.loggedIn.add(member.id);
  const own = memoryStorage();
  const env: FakeEnv = {
    clock,
    random,
    uuid: createUuid(clock.now, (bytes) => bytes.forEach((_, i) => (bytes[i] = random() * 256))),
    socketUrl: (path) => `wss://mall.test${path}`,
    dials: 0,
    fate: [],
    blocked: options.blocked,
    dial(_url, events): Transport {
      env.dials++;
      const fate = env.blocked ?? env.fate.shift();
      let mine: FakeSocket | undefined;
      let closed = false;
      // A link takes a moment, as it does in life.
      clock.after(5, () => {
        if (closed || fate === 'hang') return;
        if (fate === 'refuse' || !server.loggedIn.has(member.id)) return events.close(1006, '');
        events.open();
        if (fate === 'mute') return;
        if (fate !== undefined) return events.close(fate, '');
        socket = mine = new FakeSocket(server, member, events);
        mine.start();
      });
      return {
        send: (text) => mine?.receive(JSON.parse(text) as ClientFrame),
        close() {
          closed = true;
          mine?.freeze();
        },
      };
    },
    fetch: (url, init) =>
      answer(server, member, url, init, (signal) => {
        const [end, response] = eventStream(signal);
        socket = new FakeSocket(server, member, end);
        socket.start();
        signal.addEventListener('abort', socket.freeze.bind(socket));
        return response;
      }),
    watch(fn) {
      watchers.add(fn);
      return () => void watchers.delete(fn);
    },
    online: () => true,
    openStorage: options.storage ?? (async () => profile?.storage ?? own),
    recall: () => memory,
    remember: (word) => void (memory = word),
    lock: profile?.lock,
    channel: profile?.channel,
    live: (what) => [...watchers].forEach((fn) => fn(what)),
    socket: () => socket!,
  };
  return env;
}

function answer(
  server: FakeServer,
  member: FakeMember,
  url: string,
  init: RequestInit,
  listen: (signal: AbortSignal) => Response,
) {
  const method = init.method ?? 'GET';
  return new Promise<Response>((resolve, reject) => {
    init.signal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')));
    const path = url.replace('/api/v1', '');
    const fault = server.sabotage(method, path);
    if (fault === 'silence') return;
    server.clock.after(3, () => {
      if (fault === 'network') return reject(new TypeError('fetch failed'));
      if (!fault && path === '/chat/events' && server.loggedIn.has(member.id)) {
        if (!init.signal!.aborted) resolve(listen(init.signal!));
        return;
      }
      const body: unknown = init.body ? JSON.parse(init.body as string) : undefined;
      const said = fault ?? respond(server, member, method, url, body);
      if (said !== 'silence')
        server.clock.after(server.slowness(), () => resolve(toResponse(said)));
    });
  });
}

/** Not a real Response: reading one takes turns of the event loop that no clock here knows of. */
function toResponse({ status, body, type }: FakeResponse): Response {
  const isOk = status < 400;
  return {
    ok: isOk,
    status,
    headers: new Headers({
      'Content-Type': type ?? (isOk ? 'application/json' : 'application/problem+json'),
    }),
    json: async () => structuredClone(body),
    text: async () => JSON.stringify(body),
  } as Response;
}

/** An event stream that is cut as networks cut it: anywhere, also within a letter. */
function eventStream(signal: AbortSignal): [ConstructorParameters<typeof FakeSocket>[2], Response] {
  const encoder = new TextEncoder();
  let cut = 1;
  let controller: ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({ start: (c) => void (controller = c) });
  signal.addEventListener('abort', () => controller.error(signal.reason));
  const say = (text: string) => {
    let bytes = encoder.encode(text);
    while (bytes.length) {
      cut = (cut * 7) % 211;
      controller.enqueue(bytes.slice(0, cut));
      bytes = bytes.slice(cut);
    }
  };
  const end = {
    frame: (text: string) => say(`: alive\n\ndata: ${text}\n\n`),
    close(code: number, reason: string) {
      // What the network does comes without a word.
      if (code === 1006) return controller.error(new TypeError('network error'));
      say(`event: close\ndata: ${JSON.stringify({ code, reason })}\n\n`);
      controller.close();
    },
  };
  const headers = new Headers({ 'Content-Type': 'text/event-stream' });
  return [end, { ok: true, status: 200, headers, body } as Response];
}
