import { createSubscriber } from 'svelte/reactivity';

interface Watchable<T> {
  get(): T;
  subscribe(fn: (value: T) => void): () => void;
}

/**
 * A store as something reactive: reading `current` in a component or effect keeps it current. Changes reach the
 * screen once a turn: a store may change in the middle of being read, where nothing may be redrawn.
 */
export function live<T>(store: Watchable<T>): { readonly current: T } {
  let watched: { value: T } | undefined;
  const subscribe = createSubscriber((update) => {
    let due = false;
    let ended = false;
    const stop = store.subscribe((value) => {
      const first = watched === undefined;
      watched = { value };
      if (first || due) return;
      due = true;
      queueMicrotask(() => {
        due = false;
        if (!ended) update();
      });
    });
    return () => {
      ended = true;
      watched = undefined;
      stop();
    };
  });
  return {
    get current() {
      subscribe();
      return watched ? watched.value : store.get();
    },
  };
}
