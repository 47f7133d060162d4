import { call, type Api, type Schemas } from '../../api/client';
import { Pager } from '../../ui/pager.svelte';

export type Product = Schemas['Product'];
export type Category = Schemas['Category'];

export const categories: readonly Category[] = [
  'fashion',
  'beauty',
  'food',
  'home',
  'digital',
  'hobby',
];

export interface Wanted {
  readonly q?: string | undefined;
  readonly category?: Category | undefined;
}

const pageSize = 24;
/** A list younger than this is shown as it was left, so that Back returns to the same place in it. */
const freshFor = 60_000;

/** What the mall sells, as it was last looked at: one list for each search and category. */
export class Catalogue {
  readonly #api: Api;
  readonly #lists = new Map<string, { pager: Pager<Product>; at: number }>();

  constructor(api: Api) {
    this.#api = api;
  }

  /** The list for a search; what was loaded before is there at once. */
  list(wanted: Wanted): Pager<Product> {
    const key = JSON.stringify([wanted.q ?? '', wanted.category ?? '']);
    const known = this.#lists.get(key);
    if (known && Date.now() - known.at < freshFor) return known.pager;
    const pager = new Pager<Product>((pageToken) => this.#page(wanted, pageToken));
    this.#lists.set(key, { pager, at: Date.now() });
    return pager;
  }

  /** A product as the lists have it, to draw something before its own page has loaded. */
  known(id: string): Product | undefined {
    for (const { pager } of this.#lists.values()) {
      const found = pager.items.find((p) => p.id === id);
      if (found) return found;
    }
    return undefined;
  }

  /** Rejects with ApiError. */
  get(id: string, signal?: AbortSignal): Promise<Product> {
    const params = { path: { product_id: id } };
    return call(this.#api.GET('/products/{product_id}', { params, ...(signal ? { signal } : {}) }));
  }

  #page(wanted: Wanted, pageToken: string | undefined) {
    const query = { ...wanted, cursor: pageToken, limit: pageSize };
    return call(this.#api.GET('/products', { params: { query } }));
  }
}

/** The category a query names, if it is one. */
export function toCategory(name: string | null): Category | undefined {
  return categories.find((c) => c === name);
}
