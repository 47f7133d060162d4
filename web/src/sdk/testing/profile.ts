import type { Lock } from '../env';
import { memoryStorage, type OutboxStorage } from '../outbox-storage';

/** Locks and channels of one browser profile. */
export class FakeProfile {
  private readonly held = new Map<string, Promise<void>>();
  private readonly listeners = new Map<string, Set<(data: unknown) => void>>();
  readonly storage: OutboxStorage = memoryStorage();

  lock: Lock = async (name, signal, fn) => {
    const before = this.held.get(name) ?? Promise.resolve();
    let release = () => {};
    const mine = before.then(() => new Promise<void>((resolve) => (release = resolve)));
    this.held.set(name, mine);
    const turn = new AbortController();
    await Promise.race([
      before,
      new Promise<void>((resolve) =>
        signal.addEventListener('abort', () => resolve(), { signal: turn.signal }),
      ),
    ]);
    turn.abort();
    if (signal.aborted) {
      void before.then(() => release());
      throw new DOMException('aborted', 'AbortError');
    }
    await Promise.resolve();
    try {
      await fn();
    } finally {
      release();
    }
  };

  channel = (name: string) => {
    const all = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, all);
    let mine: ((data: unknown) => void) | undefined;
    return {
      post(data: unknown) {
        const copy: unknown = structuredClone(data);
        for (const fn of [...all]) if (fn !== mine) queueMicrotask(() => all.has(fn) && fn(copy));
      },
      listen(fn: (data: unknown) => void) {
        mine = fn;
        all.add(fn);
      },
      close: () => void (mine && all.delete(mine)),
    };
  };
}
