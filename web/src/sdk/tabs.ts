// One socket for all of a member's tabs: the tab that holds the lock has it, the others hear and speak through a
// channel. When that tab ends, the browser hands the lock on, and the next one connects.
import type { Channel, Env } from './env';
import { idleStatus, type Link, type LinkEvents } from './connection';
import { storedMessage } from './mapping';
import type { AckFrame, ClientFrame, SendFrame, ServerFrame, WelcomeFrame } from './protocol';
import { writable } from './store';
import type { Named, Side, Status } from './types';

export interface SharedLinkOptions {
  env: Env & { [K in 'lock' | 'channel']: NonNullable<Env[K]> };
  member: Named;
  side: Side;
  events: LinkEvents;
  /** Makes the link that the leading tab uses. */
  connect(events: LinkEvents): Link;
}

/** What the tabs tell each other. `to` and `from` are tab ids; without `to` it is for all. */
type News =
  | { hello: true; from: string }
  | { status: Status; welcome?: WelcomeFrame | undefined; to?: string }
  | { frame: ServerFrame; to?: string; except?: string | undefined }
  | { send: ClientFrame; from: string; side: Side }
  | { nudge: 'start' | 'wake' };

/** Changed whenever News does: tabs of two versions of the app do not share. */
const version = 1;
/** How long after its time a leader's retry counts as overdue: a hidden tab's timers are throttled. */
const overdueMs = 500;

export function createSharedLink(options: SharedLinkOptions): Link {
  const { env, member, side, events } = options;
  const name = `mall-rt:${version}:${member.id}`;
  const tab = env.uuid();
  const status = writable<Status>({ ...idleStatus(env), leader: false });
  let channel: Channel | undefined;
  let life: AbortController | undefined;
  let leading: Leader | undefined;
  let isNew = false;
  let unwatch = () => {};
  let cancelOverdue = () => {};

  const show = (change: Partial<Status>) => {
    const wasLive = status.get().phase === 'live';
    status.set({ ...status.get(), ...change });
    if (wasLive && status.get().phase !== 'live') events.down();
    watchRetry();
  };

  /** A follower reminds a hidden leader of a retry whose time has come. */
  function watchRetry() {
    cancelOverdue();
    const { phase, retryAt } = status.get();
    if (leading || phase !== 'waiting' || retryAt === undefined) return;
    const ms = Math.max(0, retryAt - env.clock.now()) + overdueMs;
    cancelOverdue = env.clock.after(ms, () => post({ nudge: 'wake' }));
  }

  const post = (news: News) => channel?.post(news);

  function hear(news: News) {
    if ('hello' in news) leading?.greet(news.from);
    else if ('send' in news) leading?.relay(news.send, news.from, news.side);
    else if ('nudge' in news) leading?.nudge(news.nudge);
    else if (leading || (news.to !== undefined && news.to !== tab)) return;
    else if ('status' in news) follow(news.status, news.welcome);
    else if (news.except !== tab) followFrame(news.frame);
  }

  function follow(leader: Status, welcome: WelcomeFrame | undefined) {
    // Live begins with a welcome; a follower that joins late gets the one the leader had.
    if (leader.phase === 'live' && status.get().phase !== 'live' && !welcome) return;
    // Whoever opens a tab now has a session: the one that ended is no reason to stay away.
    if (isNew && leader.phase === 'closed') post({ nudge: 'start' });
    isNew = false;
    // Whoever leads next begins where this leader got through.
    if (leader.transport) env.remember(leader.transport);
    const joins = leader.phase === 'live' && status.get().phase !== 'live';
    show({ ...leader, leader: false });
    if (joins) events.frame(welcome!);
  }

  function followFrame(frame: ServerFrame) {
    if (status.get().phase === 'live') events.frame(frame);
  }

  function join() {
    if (life) return;
    const { signal } = (life = new AbortController());
    channel = env.channel(name);
    isNew = true;
    channel.listen((data) => hear(data as News));
    show({ phase: 'connecting', downSince: status.get().downSince ?? env.clock.now() });
    post({ hello: true, from: tab });
    // Refused, not because we left before our turn: then this tab has a socket of its own.
    void env.lock(name, signal, () => lead(signal)).catch(() => lead(signal));
  }

  function leave() {
    life?.abort();
    life = undefined;
    leading?.end();
    leading = undefined;
    channel?.close();
    channel = undefined;
  }

  /** Leads until signal ends it: the lock is held as long as the promise is open. */
  function lead(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    cancelOverdue();
    leading = createLeader(options, tab, post, show);
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
  }

  return {
    status,
    start() {
      if (life) {
        if (leading) leading.nudge('start');
        else post({ nudge: 'start' });
        return;
      }
      unwatch = env.watch((what) => {
        if (what === 'sleep') {
          leave();
          show({ phase: 'connecting', leader: false });
        } else if (what === 'wake') {
          join();
        }
        if (what === 'online' || what === 'wake') post({ nudge: 'wake' });
      });
      join();
    },
    stop() {
      unwatch();
      leave();
      cancelOverdue();
      show({ phase: 'idle', downSince: undefined, retryAt: undefined, resumed: false });
    },
    wake: () => (leading ? leading.nudge('wake') : post({ nudge: 'wake' })),
    send(frame) {
      if (leading) return leading.send(frame);
      if (status.get().phase !== 'live') return false;
      post({ send: frame, from: tab, side });
      return true;
    },
  };
}

interface Leader {
  greet(tab: string): void;
  relay(frame: ClientFrame, from: string, side: Side): void;
  nudge(what: 'start' | 'wake'): void;
  send(frame: ClientFrame): boolean;
  end(): void;
}

/** The tab with the socket: shares what it hears, and speaks for the others. */
function createLeader(
  { env, connect, events, member, side }: SharedLinkOptions,
  tab: string,
  post: (news: News) => void,
  show: (status: Status) => void,
): Leader {
  let welcome: WelcomeFrame | undefined;
  /** By our clock, for the welcome's time to be right for whoever hears it later. */
  let welcomedAt = 0;
  /** Sends whose ack is to come, by the id they have on the wire: the other tabs get the message from here. */
  const sends = new Map<string, { frame: SendFrame; side: Side }>();

  const link = connect({
    ...events,
    frame(frame) {
      if (frame.type === 'welcome') {
        welcome = frame;
        welcomedAt = env.clock.now();
        sends.clear();
        post({ status: link.status.get(), welcome });
        events.frame(frame);
      } else {
        share(frame);
      }
    },
    // The status tells.
    down: () => {},
  });

  function share(frame: ServerFrame) {
    const [origin, answer] = addressed(frame);
    if (frame.type === 'ack') {
      const others = messageOf(frame);
      if (others) deliver(others, undefined, origin);
    }
    // A reset concerns every tab, whoever's question brought it about.
    if (frame.type !== 'reset') return deliver(answer, origin);
    if (welcome) welcome = { ...welcome, epoch: frame.epoch };
    deliver(answer);
  }

  /** Whose question this answers, and the answer under the id that tab gave it. */
  function addressed(frame: ServerFrame): [string | undefined, ServerFrame] {
    if (!('id' in frame) || frame.id === undefined) return [undefined, frame];
    const at = frame.id.indexOf('.');
    if (at < 0) return [tab, frame];
    return [frame.id.slice(0, at), { ...frame, id: frame.id.slice(at + 1) }];
  }

  function deliver(frame: ServerFrame, to?: string, except?: string) {
    if ((to === undefined || to === tab) && except !== tab) events.frame(frame);
    if (to === undefined) post({ frame, except });
    else if (to !== tab) post({ frame, to });
  }

  /** The server sends no message to the socket that sent it: made from the send, for the other tabs. */
  function messageOf(ack: AckFrame): ServerFrame | undefined {
    const sent = sends.get(ack.id);
    sends.delete(ack.id);
    if (!sent) return undefined;
    const { frame } = sent;
    // A card's words are the server's: the tabs learn that there is a message, and ask for it.
    if (frame.card) return { type: 'hb', time: ack.created_at, heads: { [ack.room_id]: ack.seq } };
    return { type: 'message', ...storedMessage(frame, ack, sent.side, member) };
  }

  function late(): WelcomeFrame | undefined {
    if (!welcome) return undefined;
    const now = Date.parse(welcome.time) + env.clock.now() - welcomedAt;
    return { ...welcome, time: new Date(now).toISOString() };
  }

  function send(frame: ClientFrame, from: Side): boolean {
    if (frame.type === 'send') sends.set(frame.id, { frame, side: from });
    return link.send(frame);
  }

  const unsubscribe = link.status.subscribe((s) => {
    show({ ...s, leader: true });
    post({ status: s });
  });
  link.start();

  return {
    greet: (to) => post({ status: link.status.get(), welcome: late(), to }),
    relay(frame, from, fromSide) {
      send('id' in frame ? { ...frame, id: `${from}.${frame.id}` } : frame, fromSide);
    },
    nudge: (what) => (what === 'start' ? link.start() : link.wake()),
    send: (frame) => send(frame, side),
    end() {
      unsubscribe();
      link.stop();
    },
  };
}
