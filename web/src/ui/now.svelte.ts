import { createSubscriber } from 'svelte/reactivity';

const tick = 30_000;

const subscribe = createSubscriber((update) => {
  const timer = setInterval(update, tick);
  return () => clearInterval(timer);
});

/** This device's time; what reads it inside a component or effect is refreshed by one shared tick every 30 s. */
export function now(): number {
  subscribe();
  return Date.now();
}
