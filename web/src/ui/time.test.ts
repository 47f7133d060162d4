import { describe, expect, test } from 'vitest';
import { brief, clock, duration, fullDate, fullMoment, kstDay } from './time';

const at = (kst: string) => Date.parse(`${kst}+09:00`);

describe('times in Korea', () => {
  test('clock', () => {
    expect(clock(at('2026-11-22T15:20:00'), 'ko')).toBe('오후 3:20');
    expect(clock(at('2026-11-22T00:05:00'), 'en')).toBe('12:05 AM');
  });

  test('full date', () => {
    expect(fullDate(at('2026-11-22T15:20:00'), 'ko')).toBe('2026년 11월 22일 일요일');
    expect(fullDate(at('2026-11-22T15:20:00'), 'en')).toBe('Sunday, November 22, 2026');
    expect(fullMoment(at('2026-11-22T15:20:00'), 'ko')).toContain('오후 3:20');
  });

  test('the day turns at midnight in Korea, not in UTC', () => {
    expect(kstDay(at('2026-11-22T23:59:59'))).toBe(kstDay(at('2026-11-22T00:00:00')));
    expect(kstDay(at('2026-11-23T00:00:00'))).toBe(kstDay(at('2026-11-22T23:59:59')) + 1);
  });

  test.each([
    ['2026-11-22T09:03:00', '오전 9:03', '9:03 AM'],
    ['2026-11-21T23:59:00', '어제', 'Yesterday'],
    ['2026-11-20T10:00:00', '11월 20일', 'Nov 20'],
    ['2025-11-20T10:00:00', '2025. 11. 20.', 'Nov 20, 2025'],
  ])('brief %s', (when, ko, en) => {
    const now = at('2026-11-22T18:00:00');
    expect(brief(at(when), now, 'ko')).toBe(ko);
    expect(brief(at(when), now, 'en')).toBe(en);
  });

  test('a clock that runs ahead still shows a time', () => {
    expect(brief(at('2026-11-23T00:01:00'), at('2026-11-22T23:59:00'), 'ko')).toBe('오전 12:01');
  });

  test.each([
    [30_000, '1분 미만', 'under a minute'],
    [65 * 60_000, '1시간 5분', '1 h 5 min'],
    [26 * 3_600_000, '1일 2시간', '1 d 2 h'],
    [3 * 60_000, '3분', '3 min'],
  ])('duration %d', (ms, ko, en) => {
    expect(duration(ms, 'ko')).toBe(ko);
    expect(duration(ms, 'en')).toBe(en);
  });
});
