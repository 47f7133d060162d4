// Where unsent messages wait: see indexeddb.ts, which outlives the tab. Memory stands in where a browser refuses it.
import type { Card } from './types';

/** One message on its way out. */
export interface OutboxEntry {
  /** UUIDv7, so that sorting by it gives the order of typing. */
  readonly clientMsgId: string;
  /** Whose it is and for which side: another login of the same browser must not send it. */
  readonly owner: string;
  readonly roomId: string;
  readonly text: string;
  readonly card?: Card | undefined;
  readonly inquiryId?: string | undefined;
  readonly expectSeq?: number | undefined;
  /** When it was put in, by the server's clock. */
  readonly at: number;
  /** Set when it was refused for good. */
  readonly failure?: OutboxFailure | undefined;
}

export interface OutboxFailure {
  readonly code: string;
  readonly message: string;
  readonly head?: number | undefined;
}

export interface OutboxStorage {
  all(owner: string): Promise<OutboxEntry[]>;
  has(clientMsgId: string): Promise<boolean>;
  put(entry: OutboxEntry): Promise<void>;
  delete(clientMsgId: string): Promise<void>;
}

export function memoryStorage(): OutboxStorage {
  const entries = new Map<string, OutboxEntry>();
  return {
    all: async (owner) => [...entries.values()].filter((e) => e.owner === owner),
    has: async (id) => entries.has(id),
    put: async (entry) => void entries.set(entry.clientMsgId, entry),
    delete: async (id) => void entries.delete(id),
  };
}
