import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { announcer } from './announcements';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function listen() {
  const said: string[] = [];
  const announce = announcer(
    (words) => said.push(words),
    (n) => `새 메시지 ${n}개`,
  );
  return { said, announce };
}

test('one message is said at once', () => {
  const { said, announce } = listen();
  announce('달빛상점: 네');
  expect(said).toEqual(['달빛상점: 네']);
});

test('several within 2 s become a number', () => {
  const { said, announce } = listen();
  announce('a');
  for (const words of ['b', 'c', 'd']) announce(words);
  vi.advanceTimersByTime(2_000);
  expect(said).toEqual(['a', '새 메시지 3개']);
});

test('a single late one keeps its words', () => {
  const { said, announce } = listen();
  announce('a');
  announce('b');
  vi.advanceTimersByTime(2_000);
  expect(said).toEqual(['a', 'b']);
  vi.advanceTimersByTime(2_000);
  announce('c');
  expect(said).toEqual(['a', 'b', 'c']);
});
