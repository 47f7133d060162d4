// Messages on their way out: one in flight a room, the same key through every retry, never lost to a reload.
import { fullJitter } from './backoff';
import type { Env, Lock } from './env';
import type { OutboxEntry, OutboxFailure, OutboxStorage } from './outbox-storage';
import type { AckFrame, ErrorFrame, SendFrame } from './protocol';
import { ChatError, type SendState } from './types';

const ackMs = 10_000;
const keepMs = 24 * 3600 * 1000;
/** A retry waits at most 8 s by itself; the server may ask for more. */
const steepest = 4;

export interface OutboxItem {
  readonly entry: OutboxEntry;
  readonly state: Extract<SendState, 'queued' | 'sending' | 'sent' | 'failed'>;
  /** Stored already, but messages before it are still missing here. */
  readonly seq?: number | undefined;
}

export interface OutboxHost {
  readonly env: Env;
  readonly owner: string;
  /** The server's clock. */
  now(): number;
  /** False when there is no live link. */
  send(frame: SendFrame): boolean;
  /** What waits for this room is another list, or in another state. */
  changed(roomId: string): void;
  /** Stored, under this seq. False while it cannot take its place yet; settle follows when it can. */
  acked(entry: OutboxEntry, ack: AckFrame): boolean;
  failed(error: ChatError): void;
}

export interface Outbox {
  /** What is not in its place yet, in the order of typing. */
  items(roomId: string): readonly OutboxItem[];
  add(entry: Omit<OutboxEntry, 'owner' | 'at'>): OutboxItem;
  retry(clientMsgId: string): void;
  discard(clientMsgId: string): void;
  /** Its message is in its place, however it came. */
  settle(clientMsgId: string): void;
  ack(frame: AckFrame): void;
  /** False when the error answers none of our sends. */
  refused(frame: ErrorFrame): boolean;
  /** The link lives: sends what waits, also what other tabs or an earlier life of this one left behind. */
  live(): void;
  down(): void;
  destroy(): void;
}

/** Among the tabs: there is a new entry, or one is stored or discarded. */
type News = { put: string } | { gone: string };

type Outcome = 'stored' | 'unsent' | 'timeout' | ErrorFrame;

interface Flight {
  readonly frameId: string;
  land(outcome: Outcome): void;
}

interface Queue {
  entries: OutboxEntry[];
  /** Those of entries that are stored: their seq by clientMsgId. */
  stored: Map<string, number>;
  pumping: boolean;
  retries: number;
  cancelRetry: (() => void) | undefined;
}

export function createOutbox(host: OutboxHost): Outbox {
  const { env, owner } = host;
  const life = new AbortController();
  const queues = new Map<string, Queue>();
  const flights = new Map<string, Flight>();
  /** Found in the storage, put there by another tab or an earlier life: may be gone by the time it is sent. */
  const foreign = new Set<string>();
  const storage: Promise<OutboxStorage> = env.openStorage();
  const channel = env.channel?.(`mall-outbox:${owner}`);
  let isLive = false;
  let frames = 0;

  // Where the browser has no locks two tabs may send the same message; the server answers both with the same seq.
  const lock: Lock = env.lock ?? ((_name, _signal, fn) => fn());

  function queueOf(roomId: string): Queue {
    let queue = queues.get(roomId);
    if (!queue) queues.set(roomId, (queue = fresh()));
    return queue;
  }

  function find(clientMsgId: string): OutboxEntry | undefined {
    for (const queue of queues.values()) {
      const entry = queue.entries.find((e) => e.clientMsgId === clientMsgId);
      if (entry) return entry;
    }
    return undefined;
  }

  /** Puts an entry in its place, or in the place of its earlier version. */
  function place(entry: OutboxEntry) {
    const queue = queueOf(entry.roomId);
    queue.entries = [...queue.entries.filter((e) => e.clientMsgId !== entry.clientMsgId), entry];
    queue.entries.sort((a, b) => (a.clientMsgId < b.clientMsgId ? -1 : 1));
    host.changed(entry.roomId);
  }

  function remove({ clientMsgId, roomId }: OutboxEntry) {
    const queue = queueOf(roomId);
    queue.entries = queue.entries.filter((e) => e.clientMsgId !== clientMsgId);
    queue.stored.delete(clientMsgId);
    foreign.delete(clientMsgId);
    flights.get(clientMsgId)?.land('stored');
    host.changed(roomId);
  }

  /** The tab's memory goes on where storage fails: the message is then only as safe as the tab. */
  const keep = (news: News, act: (s: OutboxStorage) => Promise<void>) =>
    void storage.then(act).then(
      () => channel?.post(news),
      (e: unknown) => host.failed(new ChatError('storage', String(e))),
    );

  const save = (entry: OutboxEntry) => {
    place(entry);
    keep({ put: entry.clientMsgId }, (s) => s.put(entry));
  };

  const forget = ({ clientMsgId }: OutboxEntry) =>
    keep({ gone: clientMsgId }, (s) => s.delete(clientMsgId));

  async function scan() {
    const found = await storage.then((s) => s.all(owner)).catch(() => []);
    if (life.signal.aborted) return;
    for (const entry of found) {
      if (find(entry.clientMsgId)) continue;
      foreign.add(entry.clientMsgId);
      place(entry);
    }
    if (isLive) for (const roomId of queues.keys()) void pump(roomId);
  }

  function heard(news: News) {
    if ('put' in news) return void scan();
    const entry = find(news.gone);
    if (entry && !queueOf(entry.roomId).stored.has(news.gone)) remove(entry);
  }

  const nextOf = (queue: Queue) =>
    queue.entries.find((e) => !e.failure && !queue.stored.has(e.clientMsgId));

  async function pump(roomId: string) {
    const queue = queueOf(roomId);
    if (queue.pumping || queue.cancelRetry || !isLive || !nextOf(queue)) return;
    queue.pumping = true;
    try {
      await lock(`mall-send:${owner}:${roomId}`, life.signal, () => drain(queue));
    } catch {
      // Refused, not by the end of this client: two tabs may send the same then, which the server sorts out.
      if (!life.signal.aborted) await drain(queue);
    }
    queue.pumping = false;
    // Something may have come in just when the last one left.
    void pump(roomId);
  }

  /** Sends one after the other until nothing is left, the link is gone or the server wants a pause. */
  async function drain(queue: Queue) {
    while (isLive && !queue.cancelRetry) {
      const entry = nextOf(queue);
      if (!entry) return;
      if (host.now() - entry.at > keepMs) {
        fail(entry, { code: 'expired', message: 'could not be sent for 24 hours' });
      } else if (await elsewhere(entry)) {
        remove(entry);
      } else {
        land(queue, entry, await attempt(entry));
      }
    }
  }

  /**
   * Another tab has sent or discarded what it once put in. Our own are sent whatever the storage says: where it was
   * cleared, sending twice does no harm and not sending would lose the message.
   */
  async function elsewhere({ clientMsgId }: OutboxEntry): Promise<boolean> {
    if (!foreign.has(clientMsgId)) return false;
    return storage
      .then((s) => s.has(clientMsgId))
      .then(
        (has) => !has,
        () => false,
      );
  }

  function attempt(entry: OutboxEntry): Promise<Outcome> {
    return new Promise((resolve) => {
      const frameId = `s${++frames}`;
      const cancel = env.clock.after(ackMs, () => flight.land('timeout'));
      const flight: Flight = {
        frameId,
        land(outcome) {
          cancel();
          flights.delete(entry.clientMsgId);
          resolve(outcome);
        },
      };
      flights.set(entry.clientMsgId, flight);
      if (find(entry.clientMsgId) !== entry) flight.land('stored');
      else if (!host.send(frameOf(entry, frameId))) flight.land('unsent');
    });
  }

  function land(queue: Queue, entry: OutboxEntry, outcome: Outcome) {
    if (outcome === 'stored') queue.retries = 0;
    if (typeof outcome !== 'object') return;
    if (!outcome.retryable) {
      fail(entry, { code: outcome.code, message: outcome.message, head: outcome.head });
      return;
    }
    const jitter = fullJitter(Math.min(queue.retries++, steepest), env.random);
    queue.cancelRetry = env.clock.after(Math.max(outcome.retry_after_ms ?? 0, jitter), () => {
      queue.cancelRetry = undefined;
      host.changed(entry.roomId);
      void pump(entry.roomId);
    });
    host.changed(entry.roomId);
  }

  function fail(entry: OutboxEntry, failure: OutboxFailure) {
    if (find(entry.clientMsgId)) save({ ...entry, failure });
  }

  function itemOf(queue: Queue, entry: OutboxEntry): OutboxItem {
    const seq = queue.stored.get(entry.clientMsgId);
    if (seq !== undefined) return { entry, state: 'sent', seq };
    const underWay = isLive && !queue.cancelRetry;
    return { entry, state: entry.failure ? 'failed' : underWay ? 'sending' : 'queued' };
  }

  function gone(clientMsgId: string) {
    const entry = find(clientMsgId);
    if (!entry) return;
    remove(entry);
    forget(entry);
  }

  channel?.listen((news) => heard(news as News));
  void scan();

  return {
    items(roomId) {
      const queue = queues.get(roomId);
      return queue ? queue.entries.map((e) => itemOf(queue, e)) : [];
    },
    add(draft) {
      const entry: OutboxEntry = { ...draft, owner, at: host.now() };
      save(entry);
      void pump(entry.roomId);
      return itemOf(queueOf(entry.roomId), entry);
    },
    retry(clientMsgId) {
      const entry = find(clientMsgId);
      if (!entry?.failure) return;
      const stale = entry.failure.code === 'stale';
      const expectSeq = stale ? undefined : entry.expectSeq;
      save({ ...entry, failure: undefined, expectSeq, at: host.now() });
      void pump(entry.roomId);
    },
    discard: gone,
    settle: gone,
    ack(frame) {
      const { client_msg_id: clientMsgId } = frame;
      const entry = find(clientMsgId);
      const queue = entry && queueOf(entry.roomId);
      if (!queue || queue.stored.has(clientMsgId)) return;
      queue.stored.set(clientMsgId, frame.seq);
      flights.get(clientMsgId)?.land('stored');
      if (host.acked(entry, frame)) gone(clientMsgId);
      else {
        forget(entry);
        host.changed(entry.roomId);
      }
    },
    refused(frame) {
      for (const flight of flights.values()) {
        if (flight.frameId !== frame.id) continue;
        flight.land(frame);
        return true;
      }
      return false;
    },
    live() {
      isLive = true;
      for (const [roomId, queue] of queues) {
        queue.cancelRetry?.();
        queue.cancelRetry = undefined;
        queue.retries = 0;
        host.changed(roomId);
      }
      void scan();
    },
    down() {
      isLive = false;
      for (const flight of [...flights.values()]) flight.land('unsent');
      for (const roomId of queues.keys()) host.changed(roomId);
    },
    destroy() {
      isLive = false;
      for (const flight of [...flights.values()]) flight.land('unsent');
      for (const queue of queues.values()) queue.cancelRetry?.();
      channel?.close();
      life.abort();
    },
  };
}

const fresh = (): Queue => ({
  entries: [],
  stored: new Map(),
  pumping: false,
  retries: 0,
  cancelRetry: undefined,
});

function frameOf(entry: OutboxEntry, id: string): SendFrame {
  return {
    type: 'send',
    id,
    room_id: entry.roomId,
    client_msg_id: entry.clientMsgId,
    body: entry.text,
    ...(entry.inquiryId && { inquiry_id: entry.inquiryId }),
    ...(entry.card && { card: { kind: entry.card.kind, id: entry.card.id } }),
    ...(entry.expectSeq !== undefined && { expect_seq: entry.expectSeq }),
  };
}
