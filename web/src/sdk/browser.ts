// The browser as the client sees it. The only file here that touches window, document or navigator.
import type { Env } from './env';
import { memoryStorage, type OutboxStorage } from './outbox-storage';
import { subprotocol } from './protocol';
import { createUuid } from './uuid';

/** A browser that neither opens nor refuses its database by then gets memory. */
const storageMs = 3_000;
const memory = 'mall-rt';

export function browserEnv(): Env {
  const clock: Env['clock'] = {
    now: Date.now,
    after(ms, fn) {
      const id = setTimeout(fn, ms);
      return () => clearTimeout(id);
    },
  };
  return {
    clock,
    random: Math.random,
    uuid: createUuid(Date.now, (bytes) => crypto.getRandomValues(bytes)),
    socketUrl: (path) => new URL(path, location.href).href.replace(/^http/, 'ws'),
    dial(url, events) {
      const socket = new WebSocket(url, subprotocol);
      socket.onopen = () => events.open();
      socket.onmessage = ({ data }) => typeof data === 'string' && events.frame(data);
      socket.onclose = ({ code, reason }) => events.close(code, reason);
      return {
        send: (text) => socket.send(text),
        close() {
          socket.onopen = socket.onmessage = socket.onclose = null;
          socket.close();
        },
      };
    },
    fetch: (url, init) => fetch(url, init),
    watch: watchPage,
    online: () => navigator.onLine,
    openStorage,
    recall: () => {
      try {
        return sessionStorage.getItem(memory);
      } catch {
        return null; // refused, by a setting against cookies
      }
    },
    remember: (word) => {
      try {
        sessionStorage.setItem(memory, word);
      } catch {
        // Refused: known until the page ends.
      }
    },
    // Absent on pages that are not secure, and in old browsers.
    lock: navigator.locks
      ? async (name, signal, fn) => void (await navigator.locks.request(name, { signal }, fn))
      : undefined,
    channel: typeof BroadcastChannel === 'undefined' ? undefined : openChannel,
  };
}

function watchPage(fn: Parameters<Env['watch']>[0]): () => void {
  const life = new AbortController();
  const { signal } = life;
  const on = (target: EventTarget, type: string, act: () => void) =>
    target.addEventListener(type, act, { signal });
  on(window, 'online', () => fn('online'));
  on(window, 'offline', () => fn('offline'));
  on(window, 'pageshow', () => fn('wake'));
  on(window, 'pagehide', () => fn('sleep'));
  on(document, 'freeze', () => fn('sleep'));
  on(document, 'resume', () => fn('wake'));
  on(document, 'visibilitychange', () => {
    if (document.visibilityState === 'visible') fn('wake');
  });
  return () => life.abort();
}

async function openStorage(): Promise<OutboxStorage> {
  const late = new Promise<OutboxStorage>((resolve) =>
    setTimeout(() => resolve(memoryStorage()), storageMs),
  );
  const kept = import('./indexeddb').then((m) => m.openIndexedDb()).catch(memoryStorage);
  return Promise.race([kept, late]);
}

function openChannel(name: string) {
  const channel = new BroadcastChannel(name);
  return {
    post: (data: unknown) => channel.postMessage(data),
    listen(fn: (data: unknown) => void) {
      channel.onmessage = ({ data }) => fn(data);
    },
    close: () => channel.close(),
  };
}
