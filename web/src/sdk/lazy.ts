import { writable } from './store';
import type { Store } from './types';

export interface Lazy<T> extends Store<T> {
  /** The value is out of date: it is made anew when somebody reads it, and for subscribers once per turn. */
  touch(): void;
}

/** A store made from other state: many changes in one turn cost one new value. */
export function lazy<T>(make: () => T): Lazy<T> {
  const store = writable(make());
  let stale = false;
  const refresh = () => {
    if (!stale) return;
    stale = false;
    store.set(make());
  };
  return {
    touch() {
      if (stale) return;
      stale = true;
      queueMicrotask(refresh);
    },
    get() {
      refresh();
      return store.get();
    },
    subscribe(fn) {
      refresh();
      return store.subscribe(fn);
    },
  };
}
