import type { Clock } from '../env';

/** A clock that moves only when told to. */
export class FakeClock implements Clock {
  private time: number;
  private count = 0;
  private readonly timers = new Map<number, { at: number; fn: () => void }>();

  constructor(start = Date.UTC(2026, 10, 22, 3)) {
    this.time = start;
  }

  now = () => this.time;

  after = (ms: number, fn: () => void) => {
    const id = ++this.count;
    this.timers.set(id, { at: this.time + Math.max(0, ms), fn });
    return () => void this.timers.delete(id);
  };

  /** Milliseconds until each timer that is set. */
  pending = () => [...this.timers.values()].map((t) => t.at - this.time).sort((a, b) => a - b);

  /** Moves on, running what falls due in its order, and lets everything it starts come to rest. */
  async advance(ms: number) {
    const end = this.time + ms;
    await rest();
    for (let due = this.next(end); due; due = this.next(end)) {
      const [id, timer] = due;
      this.timers.delete(id);
      this.time = Math.max(this.time, timer.at);
      timer.fn();
      await rest();
    }
    this.time = end;
  }

  /** Time passes in which nothing here runs: the device slept. What fell due meanwhile runs with the next advance. */
  skip(ms: number) {
    this.time += ms;
  }

  private next(end: number) {
    let first: [number, { at: number; fn: () => void }] | undefined;
    for (const entry of this.timers) {
      if (entry[1].at <= end && (!first || entry[1].at < first[1].at)) first = entry;
    }
    return first;
  }
}

// Node's own; the project's types are the browser's.
const { setImmediate } = globalThis as unknown as {
  setImmediate(fn: (value: unknown) => void): void;
};

/** Lets promises, and what they start, run until nothing is left to run but timers. */
export async function rest() {
  // The in-memory IndexedDB takes several turns of the event loop for one request.
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Uniform in [0, 1), the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
