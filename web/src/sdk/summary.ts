// The unread total and the counts by state: the server's numbers, moved along at once by what is seen to change, and
// read again soon after, since the server may have counted a message before we saw it.
import type { Clock } from './env';
import { lazy } from './lazy';
import type { Rest } from './rest';
import type { InquiryState, Room, Store, Summary } from './types';

const soonMs = 500;
/** Where something changes all the time, the numbers are read no more often than this. */
const busyMs = 10_000;

export interface SummaryCounts {
  readonly store: Store<Summary>;
  /** A room changed; before is undefined when it only became known. */
  changed(before: Room | undefined, after: Room): void;
  /** The server knows more than when it last counted: reads its numbers soon. */
  verify(): void;
  /** Reads the server's numbers now. */
  refresh(): void;
}

export function createSummary(clock: Clock, rest: Rest, shopId: string | undefined): SummaryCounts {
  let counts: Summary = {
    unread: 0,
    unreadRooms: 0,
    states: { waiting: 0, open: 0, held: 0, done: 0 },
    loaded: false,
  };
  const store = lazy(() => counts);
  let asking = false;
  /** Something changed while the server was counting. */
  let moved = false;
  let waitMs = soonMs;
  let askedAt = 0;
  let cancel: (() => void) | undefined;

  /** The next time soon; later and later while there is always something. */
  function verify() {
    moved = true;
    if (cancel || asking) return;
    const isBusy = clock.now() - askedAt < 2 * waitMs;
    waitMs = isBusy ? Math.min(waitMs * 2, busyMs) : soonMs;
    cancel = clock.after(waitMs, ask);
  }

  function ask() {
    cancel?.();
    cancel = undefined;
    moved = asking;
    if (asking) return;
    asking = true;
    askedAt = clock.now();
    rest
      .insist(() => rest.summary({ shop_id: shopId }))
      .then((got) => {
        const { unread, unread_rooms: unreadRooms, states } = got;
        counts = { unread, unreadRooms, states, loaded: true };
        store.touch();
      })
      // Only the end of this client, or of its rights, ends the asking.
      .catch(() => {})
      .finally(() => {
        asking = false;
        if (moved) verify();
      });
  }

  function move(state: InquiryState, by: number) {
    const n = Math.max(0, counts.states[state] + by);
    counts = { ...counts, states: { ...counts.states, [state]: n } };
  }

  return {
    store,
    changed(before, after) {
      // The server counts a shop's rooms from their first message on.
      if (shopId !== undefined && after.head === 0) return;
      const known = before && (shopId === undefined || before.head > 0) ? before : undefined;
      const from = known?.inquiry.state;
      const to = after.inquiry.state;
      if (known && known.unread === after.unread && from === to) return;
      verify();
      if (!known || !from) return;
      counts = {
        ...counts,
        unread: Math.max(0, counts.unread + after.unread - known.unread),
        unreadRooms: Math.max(
          0,
          counts.unreadRooms + Number(after.unread > 0) - Number(known.unread > 0),
        ),
      };
      if (from !== to) {
        move(from, -1);
        move(to, 1);
      }
      store.touch();
    },
    verify,
    refresh: ask,
  };
}
