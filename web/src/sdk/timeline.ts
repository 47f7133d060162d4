// The messages of one room that are in memory: one unbroken run of seqs that ends at the newest.
import { other, storedState, toMessage, type Viewer } from './mapping';
import type { Clock } from './env';
import type { WireMessage } from './protocol';
import type { Rest } from './rest';
import { createSequencer } from './sequencer';
import { ChatError, type Cursors, type Message } from './types';

const pageSize = 50;
const maxPage = 100;
/** Behind by more than this, the newest page is read instead of everything in between. */
const maxCatchUp = 500;

export interface TimelineHost {
  readonly viewer: Viewer;
  readonly clock: Clock;
  readonly rest: Rest;
  /** Asks the socket for what comes after position; resolves when that is over, whatever came of it. */
  resume(position: number): Promise<void>;
  /** Every message found by asking goes this way, so that whoever else counts messages sees it too. */
  receive(message: WireMessage): void;
  /** The next message in order is part of the timeline now. */
  applied(message: Message): void;
  changed(): void;
  /** How far the other side is. */
  peer(): Cursors | undefined;
}

export interface Timeline {
  readonly messages: readonly Message[];
  readonly loaded: boolean;
  readonly loading: boolean;
  readonly loadingOlder: boolean;
  readonly hasOlder: boolean;
  readonly error: ChatError | undefined;
  /** Up to here the messages are complete; undefined until loaded. */
  position(): number | undefined;
  /** Reads the newest page unless that was done; size tells how many messages are wanted. */
  load(size?: number): Promise<void>;
  offer(message: WireMessage): void;
  expect(head: number): void;
  /** Asks REST for what may be missing, also when nothing points to it. */
  verify(): void;
  older(limit?: number): Promise<void>;
  trim(keep: number): void;
  /** The numbering began anew: reads the newest page again, showing the old one until then. */
  reset(): Promise<void>;
  /** Whatever is still under way no longer matters. */
  end(): void;
  peerMoved(peer: Cursors): void;
  /** The other side's messages past seq; undefined where they are not all loaded. */
  countAfter(seq: number): number | undefined;
}

export function createTimeline(roomId: string, host: TimelineHost): Timeline {
  const { viewer, rest } = host;
  const peerSide = other(viewer.side);
  let messages: readonly Message[] = [];
  let loaded = false;
  let loading: Promise<void> | undefined;
  let loadingOlder: Promise<void> | undefined;
  let error: ChatError | undefined;
  /** Answers of an earlier life are passed over. */
  let life = 0;

  const sequencer = createSequencer<WireMessage>({
    clock: host.clock,
    seqOf: (m) => m.seq,
    apply(wire) {
      const message = view(wire);
      messages = [...messages, message];
      host.applied(message);
      host.changed();
    },
    fill: (position) => void catchUp(position),
  });

  /** A page, however long it takes, unless nobody waits for it any more. */
  const page = (mine: number, query: Record<string, number>, failed?: (e: ChatError) => void) =>
    rest
      .insist(() => {
        if (mine !== life) throw new ChatError('destroyed', 'no longer wanted');
        return rest.messages(roomId, query);
      }, failed)
      .then((found) => (mine === life ? found : undefined))
      .catch(() => undefined);

  const view = (wire: WireMessage) => toMessage(wire, viewer, host.peer());

  async function loadNewest(size: number) {
    const mine = ++life;
    const failed = (e: ChatError) => {
      if (mine !== life) return;
      error = e;
      host.changed();
    };
    const limit = Math.min(Math.max(size, pageSize), maxPage);
    const newest = await page(mine, { limit }, failed);
    if (!newest) return;
    error = undefined;
    loaded = true;
    messages = newest.items.map(view);
    for (const m of messages) host.applied(m);
    sequencer.start(newest.items.at(-1)?.seq ?? newest.head);
    sequencer.expect(newest.head);
    for (const m of newest.items) host.receive(m);
  }

  function load(size = pageSize): Promise<void> {
    if (loaded) return Promise.resolve();
    if (!loading) {
      const mine = (loading = loadNewest(size).finally(() => {
        if (loading === mine) loading = undefined;
        host.changed();
      }));
      host.changed();
    }
    return loading;
  }

  async function catchUp(position: number) {
    const mine = life;
    await host.resume(position);
    if (mine !== life) return;
    if (sequencer.missing()) await pages(mine);
    else sequencer.filled(sequencer.position()!);
  }

  /** Pages through REST to the head. */
  async function pages(mine: number): Promise<void> {
    for (;;) {
      const after = sequencer.position()!;
      const next = await page(mine, { after_seq: after, limit: maxPage });
      if (mine !== life) return;
      if (!next) return sequencer.stalled();
      if (next.head - after > maxCatchUp) return void reset();
      for (const m of next.items) host.receive(m);
      if (sequencer.position()! >= next.head || next.items.length === 0) {
        return sequencer.filled(next.head);
      }
    }
  }

  function reset(): Promise<void> {
    if (!loaded) return load();
    sequencer.stop();
    loaded = false;
    loading = undefined;
    return load();
  }

  async function loadOlder(limit: number) {
    const mine = life;
    const first = messages[0]!.seq!;
    try {
      const before = await rest.messages(roomId, { before_seq: first, limit });
      // Trimmed or read anew meanwhile: the page no longer fits.
      if (mine !== life || messages[0]?.seq !== first) return;
      error = undefined;
      messages = [...before.items.map(view), ...messages];
    } catch (e) {
      error = e as ChatError;
    }
  }

  return {
    get messages() {
      return messages;
    },
    get loaded() {
      return loaded;
    },
    get loading() {
      return loading !== undefined;
    },
    get loadingOlder() {
      return loadingOlder !== undefined;
    },
    get hasOlder() {
      return (messages[0]?.seq ?? 1) > 1;
    },
    get error() {
      return error;
    },
    position: sequencer.position,
    load,
    reset,
    offer: sequencer.offer,
    expect: sequencer.expect,
    verify() {
      if (loaded && sequencer.begin()) void pages(life);
    },
    older(limit = pageSize) {
      if (!loaded || (messages[0]?.seq ?? 1) <= 1) return Promise.resolve();
      loadingOlder ??= loadOlder(Math.min(limit, maxPage)).finally(() => {
        loadingOlder = undefined;
        host.changed();
      });
      host.changed();
      return loadingOlder;
    },
    trim(keep) {
      if (messages.length <= keep) return;
      messages = messages.slice(-keep);
      host.changed();
    },
    end() {
      life++;
      sequencer.stop();
    },
    peerMoved(peer) {
      const next = withStates(messages, peer);
      if (next === messages) return;
      messages = next;
      host.changed();
    },
    countAfter(seq) {
      const position = sequencer.position();
      if (!loaded || position === undefined) return undefined;
      if (seq < position && seq + 1 < (messages[0]?.seq ?? 0)) return undefined;
      let n = 0;
      for (let i = messages.length - 1; i >= 0 && messages[i]!.seq! > seq; i--) {
        if (messages[i]!.sender.party === peerSide) n++;
      }
      return n;
    },
  };
}

/** Our side's messages as far as the other side is now; the same array when nothing changed. */
function withStates(messages: readonly Message[], peer: Cursors): readonly Message[] {
  let next: Message[] | undefined;
  for (let i = messages.length - 1; i >= 0; i--) {
    const m = messages[i]!;
    if (!m.mine) continue;
    // Whatever comes before a message that is read was read before it.
    if (m.state === 'read') break;
    const state = storedState(m.seq!, peer);
    if (state === m.state) continue;
    next ??= [...messages];
    next[i] = { ...m, state };
  }
  return next ?? messages;
}
