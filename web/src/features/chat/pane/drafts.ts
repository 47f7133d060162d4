import { openDB, type IDBPDatabase } from 'idb';

/** Where a half-written message waits for its writer. */
export interface Drafts {
  load(conversation: string): Promise<string>;
  save(conversation: string, text: string): Promise<void>;
}

const store = 'drafts';

/**
 * Drafts in the browser's database: they survive a reload, one per member and conversation. Where the browser
 * refuses storage, drafts last as long as the page.
 */
export function storedDrafts(member: string): Drafts {
  const memory = new Map<string, string>();
  let database: Promise<IDBPDatabase> | undefined;
  const open = () =>
    (database ??= openDB('mall-drafts', 1, { upgrade: (db) => void db.createObjectStore(store) }));
  const key = (conversation: string) => `${member}/${conversation}`;

  return {
    async load(conversation) {
      const fast = memory.get(conversation);
      if (fast !== undefined) return fast;
      try {
        return ((await (await open()).get(store, key(conversation))) as string | undefined) ?? '';
      } catch {
        return '';
      }
    },
    async save(conversation, text) {
      memory.set(conversation, text);
      try {
        const db = await open();
        if (text) await db.put(store, text, key(conversation));
        else await db.delete(store, key(conversation));
      } catch {
        // Kept in memory above.
      }
    },
  };
}
