// What the client needs of the world around it. The browser's is in browser.ts; tests bring a clock they move by hand
// and a socket they hold both ends of.
import type { OutboxStorage } from './outbox-storage';
import type { ServerFrame } from './protocol';

export interface Env {
  clock: Clock;
  /** Uniform in [0, 1). */
  random(): number;
  /** A fresh UUIDv7. */
  uuid(): string;
  /** The address of the socket at this path or http(s) address. */
  socketUrl(path: string): string;
  /** Starts a socket; whatever happens to it comes through events, never from here. */
  dial(url: string, events: TransportEvents): Transport;
  fetch(url: string, init: RequestInit): Promise<Response>;
  /** Tells of this page's and this device's life. Returns what ends it. */
  watch(fn: (what: Life) => void): () => void;
  /** What the device says about its network right now. */
  online(): boolean;
  openStorage(): Promise<OutboxStorage>;
  /** What remember was last given in this tab, reloads included; null where there is none, or the browser refuses. */
  recall(): string | null;
  remember(word: string): void;
  /** Exclusive among all tabs of the profile; undefined where the browser has none. */
  lock: Lock | undefined;
  /** A channel among all tabs of the profile; undefined where the browser has none. */
  channel: ((name: string) => Channel) | undefined;
}

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Runs fn once after at least ms milliseconds (a hidden tab's timers come late). Returns what cancels it. */
  after(ms: number, fn: () => void): () => void;
}

/** offline and online: the network. wake: visible again, or back from the page cache. sleep: about to be frozen. */
export type Life = 'online' | 'offline' | 'wake' | 'sleep';

/** One link to the server. */
export interface Transport {
  send(text: string): void;
  /** Ends the link. No event follows. */
  close(): void;
}

export interface TransportEvents {
  open(): void;
  frame(text: string): void;
  /** A frame that came another way than by the link: it says nothing about whether the link lives. */
  answer(frame: ServerFrame): void;
  /**
   * The link ended, or never came about (then without open before), and is not wanted back within atLeastMs. Last
   * event, exactly once.
   */
  close(code: number, reason: string, atLeastMs?: number): void;
}

/** Holds name while the promise of fn is pending; waits its turn until signal aborts, which rejects. */
export type Lock = (name: string, signal: AbortSignal, fn: () => Promise<void>) => Promise<void>;

export interface Channel {
  post(data: unknown): void;
  listen(fn: (data: unknown) => void): void;
  close(): void;
}
