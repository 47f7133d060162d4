import { flushSync } from 'svelte';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { resource, type Resource } from './resource.svelte';

let end = () => {};
afterEach(() => end());

/** A resource whose key the test sets. */
function open(
  first: string | undefined,
  fetch: (key: string, signal: AbortSignal) => Promise<string>,
) {
  let holder = $state({ key: first });
  let made!: Resource<string>;
  end = $effect.root(() => {
    made = resource(() => holder.key, fetch);
  });
  flushSync();
  const ask = (key: string | undefined) => {
    holder = { key };
    flushSync();
  };
  return { made, ask };
}

describe('resource', () => {
  it('fetches what the key names, once for each key', async () => {
    const fetch = vi.fn((key: string) => Promise.resolve(`value of ${key}`));
    const { made, ask } = open('a', fetch);
    expect(made.loading).toBe(true);
    await vi.waitFor(() => expect(made.value).toBe('value of a'));
    ask('a');
    expect(fetch).toHaveBeenCalledOnce();
    ask('b');
    expect(made.value).toBeUndefined();
    await vi.waitFor(() => expect(made.value).toBe('value of b'));
  });

  it('fetches nothing without a key', () => {
    const fetch = vi.fn(() => Promise.resolve(''));
    const { made } = open(undefined, fetch);
    expect(fetch).not.toHaveBeenCalled();
    expect(made.loading).toBe(false);
  });

  it('drops the answer for an earlier key and aborts its request', async () => {
    const signals: AbortSignal[] = [];
    let late: (value: string) => void = () => undefined;
    const { made, ask } = open('a', (key, signal) => {
      signals.push(signal);
      return key === 'a' ? new Promise((resolve) => (late = resolve)) : Promise.resolve('b');
    });
    ask('b');
    late('a');
    await vi.waitFor(() => expect(made.value).toBe('b'));
    expect(signals.map((signal) => signal.aborted)).toEqual([true, false]);
  });

  it('keeps the error until it is asked again, and the value while it is', async () => {
    let away = true;
    const { made } = open('a', () =>
      away ? Promise.reject(new Error('away')) : Promise.resolve('x'),
    );
    await vi.waitFor(() => expect(made.error).toBeInstanceOf(Error));
    away = false;
    made.reload();
    await vi.waitFor(() => expect(made.value).toBe('x'));
    expect(made.error).toBeUndefined();
    made.reload();
    flushSync();
    expect([made.value, made.loading]).toEqual(['x', true]);
  });
});
