import { flushSync, tick } from 'svelte';
import { expect, test } from 'vitest';
import { live } from './live';

function counter() {
  let value = 0;
  const listeners = new Set<(n: number) => void>();
  return {
    listeners,
    get: () => value,
    subscribe(fn: (n: number) => void) {
      listeners.add(fn);
      fn(value);
      return () => void listeners.delete(fn);
    },
    set(n: number) {
      value = n;
      for (const fn of [...listeners]) fn(n);
    },
  };
}

test('follows the store while somebody looks, and lets go after', async () => {
  const store = counter();
  const view = live(store);
  const seen: number[] = [];
  const end = $effect.root(() => {
    $effect(() => {
      seen.push(view.current);
    });
  });
  flushSync();
  store.set(1);
  store.set(2);
  await tick();
  end();
  await tick();
  expect(seen).toEqual([0, 2]);
  expect(store.listeners.size).toBe(0);
  store.set(3);
  expect(view.current).toBe(3);
});

test('a store that changes while it is read breaks nothing', async () => {
  const store = counter();
  const first = live(store);
  // Reading this one makes the store tell everybody else, in the middle of a derived value.
  const second = live({
    get: store.get,
    subscribe(fn: (n: number) => void) {
      store.set(store.get() + 1);
      return store.subscribe(fn);
    },
  });
  let both = '';
  const end = $effect.root(() => {
    const sum = $derived(`${first.current} ${second.current}`);
    $effect(() => {
      both = sum;
    });
  });
  flushSync();
  await tick();
  expect(both).toBe('1 1');
  end();
});
