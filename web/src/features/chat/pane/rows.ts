import type { Message } from '../../../sdk';
import { kstDay, minute } from '../../../ui/time';

/** A message as the list draws it. */
export interface MessageRow {
  readonly kind: 'message';
  readonly key: string;
  readonly message: Message;
  /** First or last of a group: the same sender within the same minute with nothing between. */
  readonly first: boolean;
  readonly last: boolean;
  /** Our side's newest stored message: where English spells out sent, delivered, read. */
  readonly newestOwn: boolean;
}

export type Row =
  | MessageRow
  | { readonly kind: 'notice'; readonly key: string; readonly message: Message }
  | { readonly kind: 'date'; readonly key: string; readonly at: number }
  | { readonly kind: 'divider'; readonly key: string };

/** 64 seqs that are laid out together, or skipped together while out of sight. */
export interface Chunk {
  readonly key: number;
  readonly rows: readonly Row[];
}

export interface Unread {
  /** The divider stands before the first message with at least this seq. */
  readonly firstUnreadSeq?: number | undefined;
  /** While older messages exist, the divider may still be above the loaded ones. */
  readonly hasOlder?: boolean;
}

const chunkBits = 6;

/**
 * Turns messages into chunks of rows. Rows and chunks that did not change keep their identity from call to call, so
 * that an appended message costs one row whatever the number of messages. Keep one builder for each open list.
 */
export function rowBuilder(): (messages: readonly Message[], unread?: Unread) => readonly Chunk[] {
  let rowsBefore = new Map<string, Row>();
  let chunksBefore = new Map<number, Chunk>();

  return (messages, unread = {}) => {
    const rows = new Map<string, Row>();
    const chunks: { key: number; rows: Row[] }[] = [];
    for (const { chunk, row } of layOut(messages, unread)) {
      const kept = keep(rowsBefore.get(row.key), row);
      rows.set(kept.key, kept);
      const open = chunks.at(-1);
      if (open?.key === chunk) open.rows.push(kept);
      else chunks.push({ key: chunk, rows: [kept] });
    }
    const result = chunks.map((c) => keepChunk(chunksBefore.get(c.key), c));
    rowsBefore = rows;
    chunksBefore = new Map(result.map((c) => [c.key, c]));
    return result;
  };
}

function* layOut(
  messages: readonly Message[],
  unread: Unread,
): Generator<{ chunk: number; row: Row }> {
  const divider = dividerIndex(messages, unread);
  const newestOwn = messages.findLastIndex((m) => m.mine && m.seq !== undefined);
  let seq = 0;
  for (const [i, message] of messages.entries()) {
    // What is not stored yet stands in the chunk of the seq it will most likely get, and so stays put once it has it.
    seq = message.seq ?? seq + 1;
    const chunk = seq >> chunkBits;
    const before = messages[i - 1];
    if (!before || kstDay(before.at) !== kstDay(message.at)) {
      const at = message.at;
      yield { chunk, row: { kind: 'date', key: `date-${kstDay(at)}`, at } };
    }
    if (i === divider) yield { chunk, row: { kind: 'divider', key: 'divider' } };
    if (message.kind === 'notice') {
      yield { chunk, row: { kind: 'notice', key: message.key, message } };
      continue;
    }
    const first = i === divider || !together(before, message);
    const last = i + 1 === divider || !together(message, messages[i + 1]);
    const row: Row = {
      kind: 'message',
      key: message.key,
      message,
      first,
      last,
      newestOwn: i === newestOwn,
    };
    yield { chunk, row };
  }
}

function dividerIndex(messages: readonly Message[], { firstUnreadSeq, hasOlder }: Unread): number {
  if (firstUnreadSeq === undefined) return -1;
  const index = messages.findIndex((m) => m.seq !== undefined && m.seq >= firstUnreadSeq);
  const aboveLoaded = hasOlder && index === 0 && (messages[0]?.seq ?? 0) > firstUnreadSeq;
  return aboveLoaded ? -1 : index;
}

function together(a: Message | undefined, b: Message | undefined): boolean {
  if (!a || !b || a.kind === 'notice' || b.kind === 'notice') return false;
  return (
    a.sender.party === b.sender.party &&
    a.sender.memberId === b.sender.memberId &&
    minute(a.at) === minute(b.at)
  );
}

function keep(before: Row | undefined, row: Row): Row {
  if (!before || before.kind !== row.kind) return row;
  if (row.kind === 'divider') return before;
  if (row.kind === 'date') return before;
  if (row.kind === 'notice')
    return before.kind === 'notice' && before.message === row.message ? before : row;
  const same =
    before.kind === 'message' &&
    before.message === row.message &&
    before.first === row.first &&
    before.last === row.last &&
    before.newestOwn === row.newestOwn;
  return same ? before : row;
}

function keepChunk(before: Chunk | undefined, chunk: Chunk): Chunk {
  const same =
    before?.rows.length === chunk.rows.length && before.rows.every((r, i) => r === chunk.rows[i]);
  return same ? before : chunk;
}
