import { expect, test } from 'vitest';
import { percentOff, won } from './money';

test('won', () => {
  expect(won(39000, 'ko')).toBe('39,000원');
  expect(won(1234567, 'en')).toBe('₩1,234,567');
});

test('a sale is never promised higher than it is', () => {
  expect(percentOff(27300, 39000)).toBe(30);
  expect(percentOff(9999, 10000)).toBe(0);
  expect(percentOff(10000, undefined)).toBe(0);
  expect(percentOff(10000, 9000)).toBe(0);
});
