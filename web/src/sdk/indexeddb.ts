// Unsent messages in the profile's IndexedDB. A chunk of its own: nobody waits for it.
import { openDB, type DBSchema } from 'idb';
import type { OutboxEntry, OutboxStorage } from './outbox-storage';

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
