// The unread total and the counts by state: the server's numbers, moved along by what is seen to change.
import { lazy, type Lazy } from './lazy';
import type { Clock } from './env';
import type { Rest } from './rest';
import type { Conversation, InquiryState, Summary } from './types';

const soonMs = 300;
const maxMs = 30_000;

export interface SummaryCounts {
  readonly store: Lazy<Summary>;
  /** A conversation changed; before is undefined when it only became known, which leaves the totals open. */
  changed(before: Conversation | undefined, after: Conversation): void;
  /** Reads the server's numbers soon. */
  refresh(): void;
}

export function createSummary(clock: Clock, rest: Rest, shopId: string | undefined): SummaryCounts {
  let counts: Summary = {
    unread: 0,
    unreadConversations: 0,
    states: { waiting: 0, open: 0, held: 0, done: 0 },
    loaded: false,
  };
  const store = lazy(() => counts);
  let asking = false;
  /** Something changed while the server was counting: its answer may or may not have it. */
  let moved = false;
  let waitMs = soonMs;
  let cancel: (() => void) | undefined;

  function refreshIn(ms: number) {
    cancel ??= clock.after(ms, () => {
      cancel = undefined;
      void ask();
    });
  }

  async function ask() {
    if (asking) return void (moved = true);
    asking = true;
    moved = false;
    const got = await rest.insist(() => rest.summary({ shop_id: shopId })).catch(() => undefined);
    asking = false;
    if (!got) return;
    counts = {
      unread: got.unread,
      unreadConversations: got.unread_rooms,
      states: got.states,
      loaded: true,
    };
    store.touch();
    // While it never stands still, ask less and less often.
    waitMs = moved ? Math.min(waitMs * 2, maxMs) : soonMs;
    if (moved) refreshIn(waitMs);
  }

  function move(state: InquiryState, by: number) {
    const n = Math.max(0, counts.states[state] + by);
    counts = { ...counts, states: { ...counts.states, [state]: n } };
  }

  return {
    store,
    changed(before, after) {
      // The server counts a shop's conversations from their first message on.
      if (shopId !== undefined && after.head === 0) return;
      if (!before || (shopId !== undefined && before.head === 0)) {
        if (counts.loaded) refreshIn(soonMs);
        return;
      }
      const from = before.inquiry.state;
      const to = after.inquiry.state;
      if (before.unread === after.unread && from === to) return;
      moved = true;
      counts = {
        ...counts,
        unread: Math.max(0, counts.unread + after.unread - before.unread),
        unreadConversations: Math.max(
          0,
          counts.unreadConversations + Number(after.unread > 0) - Number(before.unread > 0),
        ),
      };
      if (from !== to) {
        move(from, -1);
        move(to, 1);
      }
      store.touch();
    },
    refresh: () => refreshIn(0),
  };
}
