import { expect, test } from 'vitest';
import { risky } from './risky';

test.each([
  '010-1234-5678로 연락 주세요',
  '01012345678',
  '국민 123456-01-123456',
  '110-234-567890 신한',
  '4111 1111 1111 1111',
])('%s', (text) => expect(risky(text)).toBe(true));

test.each([
  '내일 2026-11-22에 도착하나요?',
  '20261122-7F3K2Q 주문',
  '39,000원',
  '1234-5678',
  '사이즈 250-255',
])('%s is harmless', (text) => expect(risky(text)).toBe(false));
