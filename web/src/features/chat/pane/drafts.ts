import { openDB, type IDBPDatabase } from 'idb';

/** Where a half-written message waits for its writer. */
export interface Drafts {
  load(room: string): Promise<string>;
  save(room: string, text: string): Promise<void>;
}

const store = 'drafts';

/**
 * Drafts in the browser's database: they survive a reload, one per member and room. Where the browser
 * refuses storage, drafts last as long as the page.
 */
export function storedDrafts(member: string): Drafts {
  const memory = new Map<string, string>();
  let database: Promise<IDBPDatabase> | undefined;
  const open = () =>
    (database ??= openDB('mall-drafts', 1, { upgrade: (db) => void db.createObjectStore(store) }));
  const key = (room: string) => `${member}/${room}`;

  return {
    async load(room) {
      const fast = memory.get(room);
      if (fast !== undefined) return fast;
      try {
        return ((await (await open()).get(store, key(room))) as string | undefined) ?? '';
      } catch {
        return '';
      }
    },
    async save(room, text) {
      memory.set(room, text);
      try {
        const db = await open();
        if (text) await db.put(store, text, key(room));
        else await db.delete(store, key(room));
      } catch {
        // Kept in memory above.
      }
    },
  };
}
