// The life of the link to the server: when to try, when to wait, when to stop.
import { fullJitter } from './backoff';
import { createDialer } from './dialer';
import type { Env, Transport } from './env';
import { isFinal, parseFrame, spreadOf, type ClientFrame, type ServerFrame } from './protocol';
import { writable } from './store';
import type { Status, Store } from './types';

/** No welcome by then: the attempt has failed. */
const openMs = 10_000;
/** Before the welcome says how often the server's heartbeat comes. */
const usualHeartbeatMs = 20_000;
/** A heartbeat this late makes us ask. */
const graceMs = 1_000;
/** No sign of life so long after we sent something that must be answered makes us ask: the contract's 3 s, and the way. */
const answerMs = 4_000;
/** A link that answers not even the question whether it lives is dead. */
const askMs = 3_000;
/** Our own clock stood still: the answer may be here, unread. */
const lateMs = 1_000;
/** Only a link that lived this long proves the server well; before, failures go on counting. */
const provenMs = 10_000;
/** So many failures to open in a row, and REST answers: perhaps the network lets this way through never. */
const maxMisses = 3;
const wakeJitterMs = 500;
const unauthenticated = 4401;

export interface Link {
  readonly status: Store<Status>;
  start(): void;
  stop(): void;
  /** Something suggests that the network is back, or that the link died unnoticed. */
  wake(): void;
  /** False when there is no live link; the frame is then dropped. */
  send(frame: ClientFrame): boolean;
}

export interface LinkEvents {
  /** Every frame, the welcome first; it means live. */
  frame(frame: ServerFrame): void;
  /** A live link is gone. */
  down(): void;
  /** Whether the session still stands; 'unknown' when nobody answers. */
  session(): Promise<'valid' | 'lost' | 'unknown'>;
}

export const idleStatus = (env: Env): Status => ({
  phase: 'idle',
  attempt: 0,
  online: env.online(),
  resumed: false,
  leader: true,
});

/** A link of this tab's own, for the member with this id only. */
export function createConnection(
  env: Env,
  api: string,
  memberId: string,
  events: LinkEvents,
): Link {
  const status = writable(idleStatus(env));
  const dialer = createDialer(env, api, memberId);
  let transport: Transport | undefined;
  let attempt = 0;
  /** Failures to open since the server was last heard. A handshake that hangs says more than a refused one. */
  let misses = 0;
  let wasLive = false;
  let lastHeard = 0;
  let heartbeatMs = usualHeartbeatMs;
  /** When we asked whether the link lives; undefined while there is no doubt. */
  let askedAt: number | undefined;
  let questions = 0;
  /** When we first sent what must be answered, and have heard nothing at all since. */
  let owedSince: number | undefined;
  /** One return after 4401 per link that lived: the cookie may have been renewed meanwhile. */
  let triedSession = false;
  let cancelTimer = () => {};
  let cancelProof = () => {};
  let unwatch = () => {};

  const phase = () => status.get().phase;
  const show = (change: Partial<Status>) => status.set({ ...status.get(), attempt, ...change });

  /** The one timer of the current phase. */
  function timer(ms: number, fn: () => void) {
    cancelTimer();
    cancelTimer = env.clock.after(ms, fn);
  }

  function dial() {
    hangUp();
    show({
      phase: 'connecting',
      transport: dialer.way,
      retryAt: undefined,
      code: undefined,
      reason: undefined,
      downSince: status.get().downSince ?? env.clock.now(),
    });
    timer(openMs, () => lost(1006, 'no welcome'));
    let opened = false;
    const mine: Transport = dialer.dial({
      open: () => void (opened = true),
      frame: (text) => transport === mine && heard(text),
      answer: (frame) => transport === mine && phase() === 'live' && events.frame(frame),
      close: (code, reason, atLeastMs) =>
        transport === mine && lost(code, reason, !opened, atLeastMs),
    });
    transport = mine;
  }

  function hangUp() {
    cancelTimer();
    cancelProof();
    askedAt = owedSince = undefined;
    const old = transport;
    transport = undefined;
    old?.close();
  }

  function heard(text: string) {
    lastHeard = env.clock.now();
    askedAt = owedSince = undefined;
    const frame = parseFrame(text);
    if (!frame || frame.type === 'pong') return;
    if (frame.type === 'welcome') {
      // The cookie is another member's by now: their frames are not for this client.
      if (frame.member.id !== memberId) return lost(unauthenticated, 'other member');
      heartbeatMs = frame.heartbeat_ms;
      live();
    }
    if (phase() === 'live') events.frame(frame);
  }

  function live() {
    misses = 0;
    cancelProof = env.clock.after(provenMs, () => {
      attempt = 0;
      triedSession = false;
      show({});
    });
    watchSilence();
    show({ phase: 'live', downSince: undefined, resumed: wasLive });
    wasLive = true;
  }

  /** One timer that looks again when it is due, instead of one restarted by every frame. */
  function watchSilence() {
    const left = silenceEnds() - env.clock.now();
    if (left > 0) timer(left, watchSilence);
    else if (askedAt === undefined || left < -lateMs) ask();
    else lost(1006, 'silence');
  }

  function silenceEnds() {
    if (askedAt !== undefined) return askedAt + askMs;
    return Math.min(lastHeard + heartbeatMs + graceMs, (owedSince ?? Infinity) + answerMs);
  }

  /** Only a link that leaves this without an answer is given up. An event stream cannot be asked: its next beat is due. */
  function ask() {
    askedAt = env.clock.now();
    if (dialer.way === 'socket') say({ type: 'ping', id: `p${++questions}` });
    watchSilence();
  }

  const say = (frame: ClientFrame) => transport?.send(JSON.stringify(frame));

  function lost(code: number, reason: string, refused = false, atLeastMs = 0) {
    const wasUp = phase() === 'live';
    hangUp();
    // Any other code is the server's own word.
    if (code !== 1006) misses = 0;
    else if (!wasUp) misses += refused ? 1 : 2;
    show({ downSince: status.get().downSince ?? env.clock.now(), resumed: false, code, reason });
    if (code === unauthenticated && !triedSession) {
      triedSession = true;
      wait(fullJitter(attempt++, env.random));
      void checkSession();
    } else if (isFinal(code)) {
      show({ phase: 'closed', retryAt: undefined });
    } else {
      const spread = spreadOf(reason);
      // A server that drains says over how long its clients should spread; that is no failure.
      const ms = spread === undefined ? fullJitter(attempt++, env.random) : env.random() * spread;
      wait(Math.max(ms, atLeastMs));
      // A browser does not show why a handshake was refused; a lost session is one reason, so ask now and then.
      if (misses >= maxMisses || (refused && attempt % 4 === 1)) void checkSession();
    }
    if (wasUp) events.down();
  }

  function wait(ms: number) {
    show({ phase: 'waiting', retryAt: env.clock.now() + ms });
    timer(ms, dial);
  }

  async function checkSession() {
    const isStuck = misses >= maxMisses;
    if (isStuck) misses = 0;
    const session = await events.session();
    if (phase() !== 'waiting' && phase() !== 'connecting') return;
    if (session === 'lost') {
      hangUp();
      show({ phase: 'closed', code: unauthenticated, reason: 'session lost', retryAt: undefined });
    } else if (session === 'valid' && isStuck) {
      dialer.turn();
      if (phase() === 'connecting') dial();
    }
  }

  function wake() {
    if (phase() !== 'waiting') return suspect();
    const ms = env.random() * wakeJitterMs;
    if (env.clock.now() + ms < (status.get().retryAt ?? 0)) wait(ms);
  }

  /** The link may have died without a word, asleep or on another network: gives it a short time to answer. */
  function suspect() {
    if (phase() !== 'live' || askedAt !== undefined) return;
    if (dialer.way === 'socket') ask();
    else watchSilence();
  }

  return {
    status,
    start() {
      if (phase() === 'idle') {
        unwatch = env.watch((what) => {
          if (what === 'online' || what === 'offline') show({ online: what === 'online' });
          if (what === 'offline') suspect();
          if (what === 'online' || what === 'wake') wake();
        });
      }
      if (phase() === 'live' || phase() === 'connecting') return;
      triedSession = false;
      dial();
    },
    stop() {
      unwatch();
      unwatch = () => {};
      const wasUp = phase() === 'live';
      hangUp();
      attempt = misses = 0;
      wasLive = false;
      show({
        phase: 'idle',
        retryAt: undefined,
        downSince: undefined,
        code: undefined,
        reason: undefined,
        resumed: false,
      });
      if (wasUp) events.down();
    },
    wake,
    send(frame) {
      if (phase() !== 'live' || !transport) return false;
      say(frame);
      if ('id' in frame && dialer.way === 'socket' && owedSince === undefined) {
        owedSince = env.clock.now();
        watchSilence();
      }
      return true;
    },
  };
}
