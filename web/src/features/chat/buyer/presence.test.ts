import { expect, test } from 'vitest';
import ko from './i18n/ko';
import { presence } from './presence';

const now = Date.parse('2026-11-22T18:00:00+09:00');
const ago = (minutes: number) =>
  presence({ online: false, seenAt: now - minutes * 60_000 }, now, ko);

test('coarse steps', () => {
  expect(presence({ online: true }, now, ko)).toBe('지금 접속 중');
  expect(ago(0)).toBe('1분 전 접속');
  expect(ago(59)).toBe('59분 전 접속');
  expect(ago(61)).toBe('오늘 접속');
  expect(ago(60 * 20)).toBe('');
  expect(presence({}, now, ko)).toBe('');
});
