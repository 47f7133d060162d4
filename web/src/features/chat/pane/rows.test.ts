import { describe, expect, test } from 'vitest';
import type { Message } from '../../../sdk';
import { rowBuilder, type Row } from './rows';
import { message } from '../../../sdk/testing/fakes';

const noon = Date.parse('2026-11-22T12:00:00+09:00');

const shape = (row: Row) =>
  row.kind === 'message'
    ? `${row.first ? '[' : ''}${row.message.body}${row.last ? ']' : ''}`
    : row.kind;

const draw = (messages: Message[], unread = {}) =>
  rowBuilder()(messages, unread).flatMap((c) => c.rows.map(shape));

describe('groups', () => {
  test('same sender, same minute', () => {
    expect(
      draw([
        message(1, { body: 'a', at: noon }),
        message(2, { body: 'b', at: noon + 59_000 }),
        message(3, { body: 'c', at: noon + 60_000 }),
        message(4, { body: 'd', at: noon + 60_000, party: 'buyer' }),
      ]),
    ).toEqual(['date', '[a', 'b]', '[c]', '[d]']);
  });

  test('two of the staff are two senders', () => {
    expect(
      draw([
        message(1, { body: 'a', memberId: 'x', at: noon }),
        message(2, { body: 'b', memberId: 'y', at: noon }),
      ]),
    ).toEqual(['date', '[a]', '[b]']);
  });

  test('a notice stands between', () => {
    expect(
      draw([
        message(1, { body: 'a', at: noon }),
        message(2, { kind: 'notice', body: 'order_paid', party: 'system', at: noon }),
        message(3, { body: 'b', at: noon }),
      ]),
    ).toEqual(['date', '[a]', 'notice', '[b]']);
  });
});

test('days turn at midnight in Korea', () => {
  const at = (kst: string) => Date.parse(`${kst}+09:00`);
  expect(
    draw([
      message(1, { body: 'a', at: at('2026-11-22T23:59:59') }),
      message(2, { body: 'b', at: at('2026-11-23T00:00:00') }),
    ]),
  ).toEqual(['date', '[a]', 'date', '[b]']);
});

describe('the unread divider', () => {
  const three = [1, 2, 3].map((n) => message(n, { body: `${n}`, at: noon }));

  test('splits a group', () => {
    expect(draw(three, { firstUnreadSeq: 2 })).toEqual(['date', '[1]', 'divider', '[2', '3]']);
  });
  test('waits above while its place is not loaded', () => {
    const late = three.map((m, i) => message(50 + i, { body: m.body, at: noon }));
    expect(draw(late, { firstUnreadSeq: 20, hasOlder: true })).toEqual(['date', '[1', '2', '3]']);
    expect(draw(late, { firstUnreadSeq: 20, hasOlder: false })[1]).toBe('divider');
    expect(draw(late, { firstUnreadSeq: 50, hasOlder: true })[1]).toBe('divider');
  });
  test('is not there when everything is read', () => {
    expect(draw(three, { firstUnreadSeq: 4 })).not.toContain('divider');
    expect(draw(three)).not.toContain('divider');
  });
});

describe('identity', () => {
  const many = Array.from({ length: 200 }, (_, i) =>
    message(i + 1, { body: 'x', at: noon + i * 60_000 }),
  );

  test('an appended message changes the last chunk only', () => {
    const build = rowBuilder();
    const before = build(many);
    const after = build([...many, message(201, { body: 'new', at: noon + 201 * 60_000 })]);
    expect(before.map((c) => c.key)).toEqual([0, 1, 2, 3]);
    expect(after.slice(0, 3).every((c, i) => c === before[i])).toBe(true);
    expect(after[3]).not.toBe(before[3]);
    expect(after[3]!.rows[0]).toBe(before[3]!.rows[0]);
  });

  test('history that is prepended leaves what is read alone', () => {
    const build = rowBuilder();
    const before = build(many.slice(100));
    const after = build(many.slice(50));
    expect(after.at(-1)).toBe(before.at(-1));
    expect(after.at(-2)).toBe(before.at(-2));
  });

  test('a message that gets its seq stays in its chunk under its key', () => {
    const build = rowBuilder();
    const sending = message(undefined, {
      key: 'k',
      body: 'new',
      mine: true,
      state: 'sending',
      at: noon,
    });
    const before = build([...many, sending]);
    const after = build([...many, { ...sending, seq: 201, state: 'sent' }]);
    expect(before.at(-1)!.key).toBe(after.at(-1)!.key);
    expect(before.at(-1)!.rows.at(-1)!.key).toBe(after.at(-1)!.rows.at(-1)!.key);
  });

  test('our newest stored message moves on', () => {
    const own = (n: number) => message(n, { mine: true, party: 'buyer', at: noon + n * 60_000 });
    const rows = rowBuilder()([own(1), own(2), { ...own(3), seq: undefined, state: 'queued' }]);
    const newest = rows.flatMap((c) => c.rows).filter((r) => r.kind === 'message' && r.newestOwn);
    expect(newest.map((r) => r.key)).toEqual([own(2).key]);
  });
});
