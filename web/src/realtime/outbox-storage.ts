// Where unsent messages wait. IndexedDB outlives the tab; memory stands in where a browser refuses it.
import { openDB, type DBSchema } from 'idb';
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

interface Schema extends DBSchema {
  outbox: { key: string; value: OutboxEntry; indexes: { owner: string } };
}

export async function openIndexedDb(name = 'mall-chat'): Promise<OutboxStorage> {
  const db = await openDB<Schema>(name, 1, {
    upgrade(fresh) {
      fresh.createObjectStore('outbox', { keyPath: 'clientMsgId' }).createIndex('owner', 'owner');
    },
    // A later version of the app wants to change the database: do not stand in its way.
    blocking: (_current, _wanted, event) => (event.target as IDBDatabase).close(),
  });
  return {
    all: (owner) => db.getAllFromIndex('outbox', 'owner', owner),
    has: async (id) => (await db.count('outbox', id)) > 0,
    put: async (entry) => void (await db.put('outbox', entry)),
    delete: (id) => db.delete('outbox', id),
  };
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
