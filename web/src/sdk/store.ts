import type { Store } from './types';

export interface Writable<T> extends Store<T> {
  /** Tells subscribers only when the value is another one. */
  set(value: T): void;
}

export function writable<T>(value: T): Writable<T> {
  const subscribers = new Set<{ fn: (value: T) => void }>();
  return {
    get: () => value,
    set(next) {
      if (Object.is(next, value)) return;
      value = next;
      // A subscriber may set again: whoever comes later in the list then sees the newest value only.
      for (const s of [...subscribers]) if (subscribers.has(s)) s.fn(value);
    },
    subscribe(fn) {
      const entry = { fn };
      subscribers.add(entry);
      fn(value);
      return () => void subscribers.delete(entry);
    },
  };
}

export interface Emitter<E> {
  on<K extends keyof E>(
    type: K,
    fn: (event: E[K]) => void,
    options?: { signal?: AbortSignal },
  ): () => void;
  emit<K extends keyof E>(type: K, event: E[K]): void;
}

export function emitter<E>(): Emitter<E> {
  const listeners = new Map<keyof E, Set<(event: never) => void>>();
  return {
    on(type, fn, options) {
      const set = listeners.get(type) ?? new Set();
      listeners.set(type, set.add(fn));
      const off = () => void set.delete(fn);
      options?.signal?.addEventListener('abort', off, { once: true });
      return off;
    },
    emit(type, event) {
      for (const fn of [...(listeners.get(type) ?? [])]) (fn as (e: typeof event) => void)(event);
    },
  };
}
