import type { Chat, InquiryState, Room } from '../../../sdk';
import { InboxList } from './inboxList.svelte';

/** What changing a state has to say, each with the way back or the way on. */
export interface StateNews {
  changed(to: InquiryState, undo: () => void): void;
  undone(): void;
  failed(error: unknown, retry: () => void): void;
}

/** One person's place at the inbox: the tabs opened so far, the one on screen, and what is done to rooms. */
export class Desk {
  list: InboxList = $state.raw() as InboxList;
  readonly #chat: Chat;
  readonly #lists = new Map<InquiryState, InboxList>();

  constructor(chat: Chat, tab: InquiryState) {
    this.#chat = chat;
    this.show(tab);
  }

  /** Puts a tab on screen. Tabs stay open behind it, so that going back shows them at once. */
  show(tab: InquiryState): void {
    this.list = this.#open(tab);
  }

  close(): void {
    for (const list of this.#lists.values()) list.close();
  }

  /** The room that waits longest for an answer, other than the given one. */
  longestWaiting(except: string): Room | undefined {
    const { rows } = this.#open('waiting');
    return rows.find((row) => !row.left && row.room.id !== except)?.room;
  }

  /** Changes the state at once and tells the server; `news` hears what to show. Never rejects. */
  async setState(of: Room, to: InquiryState, news: StateNews): Promise<void> {
    const from = of.inquiry.state;
    if (from === to) return;
    const change = this.#change(of, to);
    const undo = async () => {
      // A change that failed has been taken back already.
      if (
        await change.then(
          () => true,
          () => false,
        )
      )
        await this.#undo(of, from, news);
    };
    news.changed(to, () => void undo());
    try {
      await change;
    } catch (error) {
      news.failed(error, () => void this.setState(of, to, news));
    }
  }

  async #undo(of: Room, to: InquiryState, news: StateNews): Promise<void> {
    try {
      await this.#change(of, to);
      news.undone();
    } catch (error) {
      news.failed(error, () => void this.#undo(of, to, news));
    }
  }

  #change(of: Room, to: InquiryState): Promise<Room> {
    return this.#chat.setInquiry(of.id, of.inquiry.id, { state: to });
  }

  #open(tab: InquiryState): InboxList {
    let list = this.#lists.get(tab);
    if (!list) {
      list = new InboxList(this.#chat, tab);
      this.#lists.set(tab, list);
    }
    return list;
  }
}
