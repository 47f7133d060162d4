// The two ways to the server: the socket, and for networks that let none through the event stream.
import { readProblem } from '../api/problem';
import type { Env, Transport, TransportEvents } from './env';
import { parseFrame } from './protocol';
import { createRest } from './rest';
import type { Way } from './types';

export interface Dialer {
  /** How the next dial goes. */
  readonly way: Way;
  dial(events: TransportEvents): Transport;
  /** The other way from the next dial on, and in this tab's later pages. */
  turn(): void;
}

export function createDialer(env: Env, api: string, memberId: string): Dialer {
  const socketUrl = env.socketUrl(`${api}/chat/ws`);
  let way: Way = env.recall() === 'events' ? 'events' : 'socket';
  let stream: Promise<Dialer['dial']> | undefined;

  function turn() {
    way = way === 'events' ? 'socket' : 'events';
    env.remember(way);
  }

  /** In a chunk of its own: nearly nobody needs it. */
  function dialStream(events: TransportEvents): Transport {
    let transport: Transport | undefined;
    let closed = false;
    stream ??= import('./event-link').then((m) =>
      m.createEventLinks({
        env,
        api,
        memberId,
        socketUrl,
        turn,
        parseFrame,
        readProblem,
        createRest,
      }),
    );
    stream.then(
      (dial) => {
        if (!closed) transport = dial(events);
      },
      () => {
        stream = undefined;
        if (!closed) events.close(1006, 'not loaded');
      },
    );
    return {
      send: (text) => transport?.send(text),
      close() {
        closed = true;
        transport?.close();
      },
    };
  }

  return {
    get way() {
      return way;
    },
    dial: (events) => (way === 'events' ? dialStream(events) : env.dial(socketUrl, events)),
    turn,
  };
}
