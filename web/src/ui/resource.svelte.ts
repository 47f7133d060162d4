/** Something fetched for a component: what is there, whether more is coming, what went wrong. */
export interface Resource<T> {
  readonly value: T | undefined;
  readonly loading: boolean;
  readonly error: unknown;
  /** Fetches again; what is shown stays until the answer is there. */
  reload(): void;
  /** Puts a newer version in place, such as the answer to a change. */
  set(value: T): void;
}

/**
 * Fetches what `key` names, again whenever it changes; undefined fetches nothing. An answer for an earlier key
 * is dropped. Call it while a component is being set up.
 */
export function resource<K, T>(
  key: () => K | undefined,
  fetch: (key: K, signal: AbortSignal) => Promise<T>,
): Resource<T> {
  let value = $state.raw<T>();
  let error = $state.raw<unknown>();
  let loading = $state(false);
  let round = $state(0);
  let shownKey: K | undefined;
  /** What the key is read from may change more often than the key. */
  const current = $derived(key());

  $effect(() => {
    const wanted = current;
    void round;
    const abort = new AbortController();
    if (wanted !== shownKey) value = undefined;
    shownKey = wanted;
    error = undefined;
    loading = wanted !== undefined;
    if (wanted !== undefined) {
      fetch(wanted, abort.signal).then(
        (answer) => {
          if (abort.signal.aborted) return;
          value = answer;
          loading = false;
        },
        (reason: unknown) => {
          if (abort.signal.aborted) return;
          error = reason;
          loading = false;
        },
      );
    }
    return () => abort.abort();
  });

  return {
    get value() {
      return value;
    },
    get loading() {
      return loading;
    },
    get error() {
      return error;
    },
    reload: () => (round += 1),
    set: (next) => (value = next),
  };
}
