// The chat client: rooms, messages and the link to the mall, without a framework and without a DOM. It is what the two
// apps use and what other pages may embed; nothing else of this folder is meant to be imported (`npm run lint` sees to
// it), and types.ts says of each type what holds.
//
//   const chat = createChat({ member: { id, name } });      // as a buyer; with shopId as a shop's staff
//   chat.connect();
//   const room = await chat.open({ shopId, productId });    // or chat.room(id)
//   const stop = room.subscribe(({ messages }) => draw(messages));
//   room.send('안녕하세요');                                  // queued at once, survives a reload, stored once
//   room.read();                                            // everything loaded was seen
//   stop(), room.close(), chat.destroy();
//
// A store (`get`, `subscribe`) fits Svelte's `$store` and React's `useSyncExternalStore` as it is.

/** Makes a client for one member: as a buyer, or with `shopId` for that shop. It starts nothing before `connect`. */
export { createChat } from './chat';

/** A text's length as the server counts it, for a counter beside the field: compare with `chat.limits`. */
export { codePoints } from './body';

/** What refusals and failures are: `code` to act on, `retryable`, and where the server said so `retryAfterMs`. */
export { ChatError } from './types';

// The client and how it is made.
export type { Chat, Events, Limits, Options, Store } from './types';

// The link: whether it lives, since when it does not, why it was closed.
export type { Phase, Status, Way } from './types';

// Rooms as a list shows them, and the lists.
export type {
  Cursors,
  Inbox,
  InboxFilter,
  InboxState,
  Inquiry,
  InquiryChange,
  InquiryState,
  Named,
  Room,
  Summary,
  Typist,
} from './types';

// One room as a pane shows it: its messages, and what can be done in it.
export type {
  Card,
  Draft,
  Message,
  OpenAbout,
  OpenRoom,
  OpenRoomState,
  Party,
  Report,
  ReportReason,
  Sender,
  SendOptions,
  SendState,
  Side,
} from './types';
