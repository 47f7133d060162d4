import type { Chat, Inbox, InboxState, InquiryState, Room } from '../../../sdk';
import { appended, steady } from './steady';

/** One row of the inbox. */
export interface InboxRow {
  readonly room: Room;
  /** It does not belong to the tab any more and stays only so that nothing jumps. */
  readonly left: boolean;
}

/** What holds the list still: a pointer over it, the keyboard focus in it. */
export type Holder = 'pointer' | 'focus';

/**
 * One tab of the inbox as it is shown. The chat client keeps the rooms and their wanted order; this
 * keeps rows in place while someone holds the list.
 */
export class InboxList {
  rows = $state.raw<readonly InboxRow[]>([]);
  /** How many rooms came that are not shown yet. */
  fresh = $state(0);
  /** Whether applying the order would move or remove a row. */
  moved = $state(false);
  loading = $state(true);
  loaded = $state(false);
  hasMore = $state(false);
  error = $state.raw<unknown>();

  readonly #inbox: Inbox;
  readonly #end: () => void;
  readonly #holders = new Set<Holder>();
  /** Also of rows that left the tab, as they were last. */
  #known = new Map<string, Room>();
  #shown: readonly string[] = [];
  #wanted: readonly string[] = [];
  #selected: string | undefined;
  /** Where the selected room stands, or stood before it left. */
  #place = 0;

  constructor(chat: Chat, tab: InquiryState) {
    this.#inbox = chat.inbox({ state: tab, order: tab === 'waiting' ? 'waiting' : 'recent' });
    this.#end = this.#inbox.subscribe((state) => this.#take(state));
  }

  close(): void {
    this.#end();
    this.#inbox.close();
  }

  /** Starts or ends one reason to keep the rows in place; with the last one the order applies. */
  hold(by: Holder, on: boolean): void {
    if (on) this.#holders.add(by);
    else this.#holders.delete(by);
    this.#arrange();
  }

  /** Applies the wanted order now, held or not. */
  apply(): void {
    this.#show(this.#wanted);
  }

  /** Loads the next page; its rows come below the last one, so they show even while held. */
  async more(): Promise<void> {
    await this.#inbox.more();
    const last = Math.max(...this.#shown.map((id) => this.#wanted.indexOf(id)), -1);
    this.#show(appended(this.#shown, this.#wanted.slice(last + 1)));
  }

  /** Says which room is open; `neighbour` counts from it. */
  select(id: string | undefined): void {
    this.#selected = id;
    this.#remember();
  }

  /**
   * The room below (+1) or above (-1) the selected one among those still in the tab; the first when none
   * is selected. Where the selected one has gone, its old place counts.
   */
  neighbour(step: 1 | -1): Room | undefined {
    const all = this.rows;
    if (this.#selected === undefined) return all.find((row) => !row.left)?.room;
    const gone = all.every((row) => row.room.id !== this.#selected);
    let next = gone && step > 0 ? this.#place : this.#place + step;
    while (all[next]?.left) next += step;
    return all[next]?.room;
  }

  #take(state: InboxState): void {
    this.loading = state.loading;
    this.loaded = state.loaded;
    this.hasMore = state.more;
    this.error = state.error;
    for (const room of state.items) this.#known.set(room.id, room);
    this.#wanted = state.items.map((room) => room.id);
    this.#arrange();
  }

  #arrange(): void {
    this.#show(steady(this.#shown, this.#wanted, this.#holders.size > 0).shown);
  }

  #show(shown: readonly string[]): void {
    const now = steady(shown, this.#wanted, true);
    const belongs = new Set(this.#wanted);
    this.#shown = now.shown;
    this.fresh = now.fresh;
    this.moved = now.moved;
    this.#known = new Map([...this.#known].filter(([id]) => belongs.has(id) || shown.includes(id)));
    this.rows = this.#shown.flatMap((id) => {
      const room = this.#known.get(id);
      return room ? [{ room, left: !belongs.has(id) }] : [];
    });
    this.#remember();
  }
  #remember(): void {
    const at = this.#shown.indexOf(this.#selected ?? '');
    if (at >= 0) this.#place = at;
  }
}
