// Puts what arrives into the order of seq: each number once, none left out. Pub/Sub may lose, double and reorder.
import type { Clock } from './env';

/** A frame that is merely late gets this long before anybody asks for it. */
const graceMs = 200;
/** More than this held back: asking again is cheaper than waiting. */
const maxHeld = 300;

export interface SequencerOptions<T> {
  clock: Clock;
  seqOf(item: T): number;
  /** The next item, exactly position + 1. */
  apply(item: T): void;
  /** Something after position is missing. Called again only after `filled` or `stalled`. */
  fill(position: number): void;
}

export interface Sequencer<T> {
  /** Everything up to here was applied; undefined before the start. */
  position(): number | undefined;
  /** Whatever came is held until then. Starting anew drops what is held up to seq. */
  start(seq: number): void;
  /** Forgets position and all that is held. */
  stop(): void;
  offer(item: T): void;
  /** The room is known to have messages up to seq. */
  expect(seq: number): void;
  /** Takes on the filling from outside; false while one is under way. */
  begin(): boolean;
  /** The fill is over, and the room's head was as given: whatever is still missing is asked for anew. */
  filled(head: number): void;
  /** The fill failed: asks again when expect or offer says so. */
  stalled(): void;
  missing(): boolean;
}

export function createSequencer<T>(options: SequencerOptions<T>): Sequencer<T> {
  const { clock, seqOf, apply, fill } = options;
  let position: number | undefined;
  let target = 0;
  /** The highest that came: what is claimed beyond it may not exist. */
  let proven = 0;
  let held = new Map<number, T>();
  let filling = false;
  let cancelGrace: (() => void) | undefined;

  const missing = () => position !== undefined && position < target;

  function drain() {
    while (position !== undefined) {
      const next = held.get(position + 1);
      if (next === undefined) break;
      held.delete(++position);
      apply(next);
    }
  }

  function look() {
    if (!missing()) {
      cancelGrace?.();
      cancelGrace = undefined;
    } else if (!filling && !cancelGrace) {
      cancelGrace = clock.after(graceMs, ask);
    }
  }

  function ask() {
    cancelGrace?.();
    cancelGrace = undefined;
    if (filling || !missing()) return;
    filling = true;
    fill(position!);
  }

  return {
    position: () => position,
    missing,
    start(seq) {
      position = seq;
      for (const s of held.keys()) if (s <= seq) held.delete(s);
      drain();
      look();
    },
    stop() {
      position = undefined;
      target = proven = 0;
      held = new Map();
      filling = false;
      cancelGrace?.();
      cancelGrace = undefined;
    },
    offer(item) {
      const seq = seqOf(item);
      if (position !== undefined && seq <= position) return;
      if (held.size >= maxHeld && !held.has(seq)) held.delete(Math.max(...held.keys()));
      held.set(seq, item);
      proven = Math.max(proven, seq);
      target = Math.max(target, seq);
      drain();
      look();
    },
    expect(seq) {
      target = Math.max(target, seq);
      look();
    },
    begin() {
      if (filling) return false;
      return (filling = true);
    },
    filled(head) {
      filling = false;
      // The head just read is the truth: a claim beyond it with nothing to show for would be asked for for ever.
      target = Math.max(head, proven);
      look();
    },
    stalled() {
      filling = false;
    },
  };
}
