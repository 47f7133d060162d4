import { vi } from 'vitest';
import { fakeOpenRoom, settable } from '../../../sdk/testing/fakes';
import type { Chat, InboxState, Room, Status, Summary } from '../../../sdk';

export const live: Status = {
  phase: 'live',
  attempt: 0,
  online: true,
  resumed: false,
  leader: true,
};

export const inboxOf = (...items: Room[]): InboxState => ({
  items,
  more: false,
  loading: false,
  loaded: true,
});

/** A room that waits since 14:00 in Seoul; pass what the test is about. */
export function room(id: string, more: Partial<Room> = {}): Room {
  const buyer = { id: `buyer-${id}`, name: `구매자 ${id}` };
  const none = { deliveredSeq: 0, readSeq: 0 };
  return {
    id,
    buyer,
    shop: { id: 's1', name: '달빛상점' },
    peer: buyer,
    inquiry: {
      id: `inquiry-${id}`,
      number: 1,
      subject: 'general',
      state: 'waiting',
      createdAt: Date.parse('2026-11-22T05:00:00Z'),
    },
    blocked: { byUs: false, byPeer: false },
    head: 1,
    unread: 0,
    cursors: { buyer: none, shop: none },
    waitingSince: Date.parse('2026-11-22T05:00:00Z'),
    createdAt: Date.parse('2026-11-22T05:00:00Z'),
    updatedAt: Date.parse('2026-11-22T05:00:00Z'),
    typing: [],
    ...more,
  };
}

/** A chat client that does nothing but hand out the stores a test holds in its hands. */
export function fakeChat(now = Date.parse('2026-11-22T05:03:30Z')) {
  const inbox = settable<InboxState>(inboxOf());
  const summary = settable<Summary>({
    unread: 0,
    unreadRooms: 0,
    states: { waiting: 0, open: 0, held: 0, done: 0 },
    loaded: true,
  });
  const more = vi.fn(() => Promise.resolve());
  const openRoom = fakeOpenRoom({ room: room('a') }, 'shop');
  const setInquiry = vi.fn<Chat['setInquiry']>();
  const chat = {
    member: { id: 'm1', name: '문대표' },
    side: 'shop',
    status: settable(live),
    summary,
    limits: settable({ bodyCodePoints: 2000, bodyLines: 100 }),
    now: () => now,
    connect: vi.fn(),
    disconnect: vi.fn(),
    destroy: vi.fn(),
    on: () => () => undefined,
    inbox: () => ({ ...inbox, more, close: vi.fn() }),
    room: () => openRoom,
    open: vi.fn(),
    setInquiry,
    block: vi.fn(),
    report: vi.fn(),
  } satisfies Chat;
  return { chat: chat as Chat, inbox, summary, openRoom, more, setInquiry };
}
