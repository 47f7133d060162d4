// How far our side is: said to the server at most every 500 ms, again after a lost link, and never backwards.
import type { Clock } from './env';
import type { ClientFrame } from './protocol';
import type { Cursors } from './types';

const intervalMs = 500;

export interface CursorReports {
  delivered(roomId: string, seq: number): void;
  read(roomId: string, seq: number): void;
  /** The server knows this much. */
  confirmed(roomId: string, known: Cursors): void;
  /** The link lives anew: whatever the server has not confirmed is said again. */
  live(): void;
  /** The numbering began anew: what was read in the old one says nothing about the new one. */
  reset(): void;
  destroy(): void;
}

interface Report extends Record<'delivered' | 'read', number> {
  sent: Record<'delivered' | 'read', number>;
}

export function createCursorReports(
  clock: Clock,
  send: (frame: ClientFrame) => boolean,
): CursorReports {
  const reports = new Map<string, Report>();
  let cancel: (() => void) | undefined;

  function note(kind: 'delivered' | 'read', roomId: string, seq: number) {
    let report = reports.get(roomId);
    if (!report) {
      reports.set(roomId, (report = { delivered: 0, read: 0, sent: { delivered: 0, read: 0 } }));
    }
    if (seq <= report[kind]) return;
    report[kind] = seq;
    flushSoon();
  }

  /** At once when the last flush is long enough ago, else when it is. */
  function flushSoon() {
    if (cancel) return;
    flush();
    cancel = clock.after(intervalMs, () => {
      cancel = undefined;
      if (flush()) flushSoon();
    });
  }

  /** Whether there was anything to say. */
  function flush(): boolean {
    let any = false;
    for (const [roomId, report] of reports) {
      // Read tells delivered as well.
      if (report.read > report.sent.read) any = say(roomId, report, 'read') || any;
      const told = Math.max(report.sent.delivered, report.sent.read);
      if (report.delivered > told) any = say(roomId, report, 'delivered') || any;
    }
    return any;
  }

  function say(roomId: string, report: Report, kind: 'delivered' | 'read'): boolean {
    const seq = report[kind];
    if (!send({ type: kind, room_id: roomId, seq })) return false;
    report.sent[kind] = seq;
    return true;
  }

  return {
    delivered: (roomId, seq) => note('delivered', roomId, seq),
    read: (roomId, seq) => note('read', roomId, seq),
    confirmed(roomId, known) {
      const report = reports.get(roomId);
      if (!report) return;
      if (known.readSeq >= report.read && known.deliveredSeq >= report.delivered) {
        reports.delete(roomId);
      }
    },
    live() {
      for (const report of reports.values()) report.sent = { delivered: 0, read: 0 };
      if (reports.size) flushSoon();
    },
    reset: () => reports.clear(),
    destroy: () => cancel?.(),
  };
}
