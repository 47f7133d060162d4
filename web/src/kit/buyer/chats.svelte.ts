import type { Chat, Named, OpenAbout } from '../../sdk';

/** What starting a chat takes; the client library is fetched when the first member signs in. */
type Create = (member: Named) => Promise<Chat>;

const createLater: Create = async (member) => {
  const { createChat } = await import('../../sdk');
  return createChat({ member });
};

/** The chat of whoever is signed in. */
export class Chats {
  /** Undefined while nobody is signed in or the library is on its way. */
  chat = $state.raw<Chat>();
  readonly #create: Create;
  #member: string | undefined;
  #starting: Promise<Chat> | undefined;

  constructor(create: Create = createLater) {
    this.#create = create;
  }

  /** Chats as this member from now on, or as nobody. Rejects when the library cannot be fetched. */
  async use(member: Named | undefined): Promise<void> {
    if (member?.id === this.#member) {
      this.chat?.connect();
      return;
    }
    this.#member = member?.id;
    this.chat?.destroy();
    this.chat = undefined;
    this.#starting = member && this.#create(member);
    const chat = await this.#starting;
    if (!chat) return;
    if (member?.id !== this.#member) {
      chat.destroy();
      return;
    }
    this.chat = chat;
    chat.connect();
  }

  /** Opens or finds the room about something and resolves with its id. Rejects with ChatError. */
  async open(about: OpenAbout): Promise<string> {
    const chat = this.chat ?? (await this.#starting);
    if (!chat) throw new Error('nobody is signed in');
    const openRoom = await chat.open(about);
    openRoom.close();
    return openRoom.id;
  }
}
