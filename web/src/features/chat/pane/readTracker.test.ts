import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ReadTracker } from './readTracker';

let see: (row: Element, ratio: number, change?: Partial<IntersectionObserverEntry>) => void;
let focused = true;
let tracker: ReadTracker;
let read: number[];

beforeEach(() => {
  vi.useFakeTimers();
  focused = true;
  vi.spyOn(document, 'hasFocus').mockImplementation(() => focused);
  vi.stubGlobal(
    'IntersectionObserver',
    class {
      constructor(callback: (entries: unknown[]) => void) {
        see = (target, ratio, change) =>
          callback([
            {
              target,
              intersectionRatio: ratio,
              isIntersecting: ratio > 0,
              intersectionRect: { height: ratio * 50 },
              rootBounds: { height: 400 },
              ...change,
            },
          ]);
      }
      observe() {}
      unobserve() {}
      disconnect() {}
    },
  );
  read = [];
  tracker = new ReadTracker((seq) => read.push(seq));
  tracker.start(document.createElement('div'), 3);
});

afterEach(() => {
  tracker.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

function row(seq: number): Element {
  const element = document.createElement('li');
  tracker.watch(element, seq);
  return element;
}

test('half in view for 700 ms is read', () => {
  const four = row(4);
  see(four, 0.5);
  vi.advanceTimersByTime(699);
  expect(read).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(read).toEqual([4]);
});

test('a glimpse is not', () => {
  const four = row(4);
  see(four, 1);
  vi.advanceTimersByTime(500);
  see(four, 0.2);
  vi.advanceTimersByTime(2_000);
  see(four, 0.4);
  vi.advanceTimersByTime(2_000);
  expect(read).toEqual([]);
});

test('nothing is read in a window without focus; the time starts with the focus', () => {
  focused = false;
  see(row(4), 1);
  vi.advanceTimersByTime(5_000);
  expect(read).toEqual([]);
  focused = true;
  window.dispatchEvent(new Event('focus'));
  vi.advanceTimersByTime(700);
  expect(read).toEqual([4]);
});

test('leaving the window stops the time', () => {
  see(row(4), 1);
  vi.advanceTimersByTime(600);
  focused = false;
  window.dispatchEvent(new Event('blur'));
  vi.advanceTimersByTime(5_000);
  expect(read).toEqual([]);
});

test('a row taller than the pane counts when it fills half of it', () => {
  see(row(4), 0.1, { intersectionRect: { height: 300 } as DOMRectReadOnly });
  vi.advanceTimersByTime(700);
  expect(read).toEqual([4]);
});

test('the mark only grows', () => {
  const [four, six] = [row(4), row(6)];
  see(six, 1);
  vi.advanceTimersByTime(700);
  see(four, 1);
  vi.advanceTimersByTime(700);
  expect(read).toEqual([6]);
});

test('what was read before is not watched', () => {
  expect(tracker.watch(document.createElement('li'), 3)).toBeUndefined();
});
