import { createSubscriber } from 'svelte/reactivity';

interface Watchable<T> {
  get(): T;
  subscribe(fn: (value: T) => void): () => void;
}

/** A store as something reactive: reading `current` in a component or effect keeps it current. */
export function live<T>(store: Watchable<T>): { readonly current: T } {
  const subscribe = createSubscriber((update) => {
    let started = false;
    const stop = store.subscribe(() => started && update());
    started = true;
    return stop;
  });
  return {
    get current() {
      subscribe();
      return store.get();
    },
  };
}
