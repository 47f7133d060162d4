import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { keepPlace } from './keepPlace';

/** A list whose layout is arithmetic: rows of 100 px that hang from the end, scrollTop counts down from 0. */
let report: () => void;
let scroller: HTMLElement;
let log: HTMLElement;
let place: ReturnType<typeof keepPlace>;
const pane = 400;

beforeEach(() => {
  vi.stubGlobal(
    'ResizeObserver',
    class {
      constructor(callback: () => void) {
        report = callback;
      }
      observe() {}
      disconnect() {}
    },
  );
  scroller = document.createElement('div');
  log = document.createElement('div');
  const chunk = document.createElement('ol');
  log.append(chunk);
  scroller.append(log);
  document.body.append(scroller);
  let scrollTop = 0;
  Object.defineProperty(scroller, 'scrollTop', {
    get: () => scrollTop,
    set: (v: number) => (scrollTop = v),
  });
  box(scroller, () => [0, pane]);
  box(chunk, () => [
    pane - chunk.children.length * 100 - scroller.scrollTop,
    pane - scroller.scrollTop,
  ]);
  for (let i = 0; i < 20; i++) chunk.append(row());
  place = keepPlace(scroller, log);
});

afterEach(() => {
  place.stop();
  document.body.replaceChildren();
  vi.unstubAllGlobals();
});

function box(element: Element, edges: () => [number, number]): void {
  element.getBoundingClientRect = () => {
    const [top, bottom] = edges();
    return { top, bottom } as DOMRect;
  };
}

function row(): HTMLElement {
  const li = document.createElement('li');
  li.dataset['anchor'] = '';
  box(li, () => {
    const below = [...li.parentElement!.children].reverse().indexOf(li);
    const bottom = pane - below * 100 - scroller.scrollTop;
    return [bottom - 100, bottom];
  });
  return li;
}

const chunk = () => log.firstElementChild!;
const scrollTo = (top: number) => {
  scroller.scrollTop = top;
  scroller.dispatchEvent(new Event('scroll'));
};
const read = () => [...chunk().children].find((li) => li.getBoundingClientRect().bottom > 0)!;

test('a message that arrives below moves nothing above', () => {
  scrollTo(-600);
  const seen = read();
  const before = seen.getBoundingClientRect().top;
  chunk().append(row());
  report();
  expect(seen.getBoundingClientRect().top).toBe(before);
  expect(scroller.scrollTop).toBe(-700);
});

test('history above moves nothing', () => {
  scrollTo(-600);
  chunk().prepend(row(), row());
  report();
  expect(scroller.scrollTop).toBe(-600);
});

test('at the end the list follows the newest', () => {
  scrollTo(0);
  chunk().append(row());
  report();
  expect(scroller.scrollTop).toBe(0);
});

test('a report that comes after the next scroll event still counts once', () => {
  scrollTo(-600);
  const seen = read();
  const before = seen.getBoundingClientRect().top;
  chunk().append(row(), row());
  scroller.dispatchEvent(new Event('scroll'));
  report();
  report();
  expect(seen.getBoundingClientRect().top).toBe(before);
});

test('what the reader scrolls meanwhile is theirs', () => {
  scrollTo(-600);
  const seen = read();
  const before = seen.getBoundingClientRect().top;
  chunk().append(row());
  scrollTo(scroller.scrollTop - 50);
  report();
  expect(seen.getBoundingClientRect().top).toBe(before + 50);
});

test('a list cut short under the reader is not scrolled twice', () => {
  scrollTo(-1600);
  const first = chunk().firstElementChild!;
  const before = first.getBoundingClientRect().top;
  // The browser keeps scrollTop within the shorter list by itself.
  for (let i = 0; i < 3; i++) chunk().lastElementChild!.remove();
  scroller.scrollTop = -1300;
  report();
  expect(first.getBoundingClientRect().top).toBe(before);
});

test('a date that changes its place is not held on to', () => {
  const date = row();
  delete date.dataset['anchor'];
  chunk().prepend(date);
  scrollTo(-1700);
  const first = chunk().children[1]!;
  const before = first.getBoundingClientRect().top;
  chunk().prepend(row(), row(), row());
  chunk().prepend(date);
  report();
  expect(first.getBoundingClientRect().top).toBe(before);
});
