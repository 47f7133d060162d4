/** One answer of a list that pages by page token. */
export interface Page<T> {
  items: readonly T[];
  next_cursor?: string | undefined;
}

/**
 * A list that grows page by page. `load` gets the page token of the page wanted (undefined for the first) and
 * may reject: the error is kept in `error` and the next call tries again. An answer that comes after a
 * reload began is dropped.
 */
export class Pager<T extends { id: string }> {
  items = $state.raw<readonly T[]>([]);
  loading = $state(false);
  /** True once the first page was there. */
  loaded = $state(false);
  error = $state.raw<unknown>();
  #pageToken = $state.raw<string | undefined>();
  #round = 0;
  readonly #load: (pageToken: string | undefined) => Promise<Page<T>>;

  constructor(load: (pageToken: string | undefined) => Promise<Page<T>>) {
    this.#load = load;
  }

  /** Whether there are further pages. */
  get more(): boolean {
    return !this.loaded || this.#pageToken !== undefined;
  }

  /** Loads the next page; at most one at a time. */
  async next(): Promise<void> {
    if (this.loading || !this.more) return;
    await this.#page(this.#round);
  }

  /** Starts again from the first page; what is shown stays until it is there. */
  async reload(): Promise<void> {
    this.#round += 1;
    this.#pageToken = undefined;
    this.loaded = false;
    await this.#page(this.#round);
  }

  /** Puts a changed item in the place of the one with its id. */
  replace(item: T): void {
    this.items = this.items.map((old) => (old.id === item.id ? item : old));
  }

  /** Takes an item out. */
  remove(id: string): void {
    this.items = this.items.filter((item) => item.id !== id);
  }

  async #page(round: number): Promise<void> {
    this.loading = true;
    this.error = undefined;
    try {
      const page = await this.#load(this.#pageToken);
      if (round !== this.#round) return;
      this.items = this.loaded ? [...this.items, ...this.#unseen(page.items)] : page.items;
      this.#pageToken = page.next_cursor;
      this.loaded = true;
    } catch (error) {
      if (round === this.#round) this.error = error;
    } finally {
      if (round === this.#round) this.loading = false;
    }
  }

  #unseen(items: readonly T[]): readonly T[] {
    const seen = new Set(this.items.map((item) => item.id));
    return items.filter((item) => !seen.has(item.id));
  }
}
