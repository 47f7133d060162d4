import { expect, test } from 'vitest';
import { takeToken } from './linkToken';

test('the secret of a mailed link leaves the address at once, and the entry before it stays', () => {
  const length = history.length;
  history.replaceState({ depth: 2 }, '', '/reset-password?a=1#token=s3cret_-x');
  expect(takeToken()).toBe('s3cret_-x');
  expect(location.href.endsWith('/reset-password?a=1')).toBe(true);
  expect(history.state).toEqual({ depth: 2 });
  expect(history.length).toBe(length);
  expect(takeToken()).toBeUndefined();
});

test('another fragment is left alone', () => {
  history.replaceState(null, '', '/#content');
  expect(takeToken()).toBeUndefined();
  expect(location.hash).toBe('#content');
});
