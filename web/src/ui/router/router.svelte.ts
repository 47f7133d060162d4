import { tick } from 'svelte';
import { match, type Match, type Patterns } from './match';

export interface Place<Name extends string> extends Partial<Match<Name>> {
  readonly path: string;
  readonly query: URLSearchParams;
}

export interface RouterOptions {
  /** Sees where a followed link leads before it is gone to, and may change the query. */
  onLink?: (to: URL) => void;
}

export interface GoOptions {
  /** Takes the place of the current entry, so that Back does not return here. */
  replace?: boolean;
}

/**
 * History routing for one app. Plain links work: clicks on links to paths the app owns are taken over, everything
 * else (other apps, new tabs, downloads) is left to the browser. `here` is reactive.
 */
export class Router<P extends Patterns> {
  here: Place<Extract<keyof P, string>> = $state.raw({ path: '', query: new URLSearchParams() });
  /** How many steps inside the app lie behind this entry: with 0, Back would leave the app. */
  depth = $state(0);

  readonly #patterns: P;
  readonly #options: RouterOptions;
  readonly #scrolls = new Map<number, number>();

  constructor(patterns: P, options: RouterOptions = {}) {
    this.#patterns = patterns;
    this.#options = options;
    this.#read();
  }

  /** Listens to the browser; returns what ends it. */
  start(): () => void {
    history.scrollRestoration = 'manual';
    this.depth = (history.state as { depth?: number } | null)?.depth ?? 0;
    const ends = new AbortController();
    const { signal } = ends;
    addEventListener('popstate', () => this.#pop(), { signal });
    document.addEventListener('click', (event) => this.#click(event), { signal });
    return () => ends.abort();
  }

  /** Whether a path is one of this app's pages. */
  owns(pathname: string): boolean {
    return match(this.#patterns, pathname) !== undefined;
  }

  /** Goes to a path of this app, e.g. "/p/1?chat=2". A new page starts at its top with the focus on its heading. */
  go(to: string, options: GoOptions = {}): void {
    const url = new URL(to, location.href);
    const samePage = url.pathname === location.pathname;
    this.#scrolls.set(this.depth, scrollY);
    if (!options.replace) this.depth++;
    history[options.replace ? 'replaceState' : 'pushState']({ depth: this.depth }, '', url);
    this.#read();
    if (!samePage) void arrive(0);
  }

  /** Changes parameters of the query and keeps the page; null removes one. */
  query(changes: Record<string, string | null>, options: GoOptions = {}): void {
    const url = new URL(location.href);
    for (const [name, value] of Object.entries(changes)) {
      if (value === null) url.searchParams.delete(name);
      else url.searchParams.set(name, value);
    }
    this.go(url.pathname + url.search, options);
  }

  /** One step back inside the app, or to the given path where there is none. */
  back(otherwise: string): void {
    if (this.depth > 0) history.back();
    else this.go(otherwise, { replace: true });
  }

  #read(): void {
    const query = new URLSearchParams(location.search);
    this.here = { path: location.pathname, query, ...match(this.#patterns, location.pathname) };
  }

  #pop(): void {
    const before = this.here.path;
    this.#scrolls.set(this.depth, scrollY);
    this.depth = (history.state as { depth?: number } | null)?.depth ?? 0;
    this.#read();
    if (this.here.path !== before) void arrive(this.#scrolls.get(this.depth) ?? 0);
  }

  #click(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (!link?.href || link.target || link.hasAttribute('download')) return;
    const url = new URL(link.href);
    if (url.origin !== location.origin || !this.owns(url.pathname)) return;
    if (url.hash && url.pathname === location.pathname) return;
    event.preventDefault();
    this.#options.onLink?.(url);
    this.go(url.pathname + url.search);
  }
}

/** Puts the reader at the top (or where they were) and tells assistive tech about the new page by its heading. */
async function arrive(top: number): Promise<void> {
  await tick();
  scrollTo({ top, behavior: 'instant' });
  document.querySelector<HTMLElement>('main h1')?.focus({ preventScroll: true });
}
