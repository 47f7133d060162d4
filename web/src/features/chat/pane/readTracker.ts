/** How long a row must be in view before it counts as read. */
const dwell = 700;

/**
 * Decides what has been read: a row at least half in view for 700 ms while this document is visible and has the
 * focus. Calls read with growing seqs. Watch the other side's rows only.
 */
export class ReadTracker {
  readonly #read: (seq: number) => void;
  readonly #seqs = new Map<Element, number>();
  readonly #timers = new Map<Element, ReturnType<typeof setTimeout>>();
  readonly #inView = new Set<Element>();
  readonly #ends = new AbortController();
  #observer: IntersectionObserver | undefined;
  #done = 0;

  constructor(read: (seq: number) => void) {
    this.#read = read;
  }

  /** Begins: rows are in view inside this scroller; up to seq everything was read before. */
  start(scroller: Element, done: number): void {
    this.#done = done;
    this.#observer = new IntersectionObserver((entries) => this.#see(entries), {
      root: scroller,
      threshold: [0, 0.1, 0.2, 0.3, 0.4, 0.5],
    });
    for (const row of this.#seqs.keys()) this.#observer.observe(row);
    const { signal } = this.#ends;
    const recheck = () => this.#recheck();
    addEventListener('focus', recheck, { signal });
    addEventListener('blur', recheck, { signal });
    document.addEventListener('visibilitychange', recheck, { signal });
  }

  stop(): void {
    this.#observer?.disconnect();
    this.#ends.abort();
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  /** Watches one row while it is on the page; returns what ends it. */
  watch(row: Element, seq: number): (() => void) | undefined {
    if (seq <= this.#done) return undefined;
    this.#seqs.set(row, seq);
    this.#observer?.observe(row);
    return () => this.#forget(row);
  }

  #see(entries: readonly IntersectionObserverEntry[]): void {
    for (const entry of entries) {
      if (halfInView(entry)) this.#inView.add(entry.target);
      else this.#inView.delete(entry.target);
      this.#time(entry.target);
    }
  }

  #recheck(): void {
    for (const row of this.#inView) this.#time(row);
  }

  /** A row in view, before eyes that can see it, has its timer running; every other has none. */
  #time(row: Element): void {
    const runs = this.#timers.has(row);
    const counts = this.#inView.has(row) && !document.hidden && document.hasFocus();
    if (counts && !runs) {
      this.#timers.set(
        row,
        setTimeout(() => this.#finish(row), dwell),
      );
    } else if (!counts && runs) {
      clearTimeout(this.#timers.get(row));
      this.#timers.delete(row);
    }
  }

  #finish(row: Element): void {
    const seq = this.#seqs.get(row) ?? 0;
    if (seq > this.#done) {
      this.#done = seq;
      this.#read(seq);
    }
    for (const [other, n] of [...this.#seqs]) if (n <= this.#done) this.#forget(other);
  }

  #forget(row: Element): void {
    this.#observer?.unobserve(row);
    clearTimeout(this.#timers.get(row));
    this.#timers.delete(row);
    this.#inView.delete(row);
    this.#seqs.delete(row);
  }
}

/** Half of the row, or half of the pane filled by a row taller than the pane. */
function halfInView(entry: IntersectionObserverEntry): boolean {
  if (!entry.isIntersecting) return false;
  const pane = entry.rootBounds?.height ?? Infinity;
  return entry.intersectionRatio >= 0.5 || entry.intersectionRect.height >= pane / 2;
}
