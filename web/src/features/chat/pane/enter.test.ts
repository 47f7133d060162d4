import { describe, expect, test } from 'vitest';
import { enter, noEnter, type EnterEvent } from './enter';

type Init = Partial<Extract<EnterEvent, { type: 'keydown' }>>;

const key = (init: Init = {}): EnterEvent => ({
  type: 'keydown',
  enter: true,
  shift: false,
  ctrl: false,
  composing: false,
  held: false,
  repeat: false,
  at: 0,
  ...init,
});
const letter = (init: Init = {}) => key({ enter: false, composing: true, held: true, ...init });
const start: EnterEvent = { type: 'compositionstart' };
const update = (data: string): EnterEvent => ({ type: 'compositionupdate', data });
const end = (data: string, at = 0): EnterEvent => ({ type: 'compositionend', data, at });
const up: EnterEvent = { type: 'keyup', enter: true };
const linebreak = (at = 0): EnterEvent => ({ type: 'linebreak', at });

/** What the field does, event by event. */
function acts(events: EnterEvent[]): string[] {
  let state = noEnter;
  return events.map((event) => {
    const next = enter(state, event);
    state = next.state;
    return next.act;
  });
}

const sends = (events: EnterEvent[]) => acts(events).filter((act) => act === 'send').length;

const typing = [letter(), start, update('ㅇ'), update('요')];

describe('one Enter in the middle of a Hangul syllable sends once', () => {
  const orders: Record<string, EnterEvent[]> = {
    'Windows, Chrome and Edge: held key, end, no second key': [
      key({ composing: true, held: true }),
      end('요', 1),
      up,
    ],
    'Windows, a line break instead of a second key': [
      key({ composing: true, held: true }),
      end('요', 1),
      linebreak(2),
      up,
    ],
    'macOS, Chrome: held key, end, the key again': [
      key({ composing: true, held: true }),
      end('요', 2),
      key({ at: 3 }),
      up,
    ],
    'macOS, Firefox: end comes between two reports': [
      key({ composing: true, held: true }),
      end('요', 1),
      key({ at: 1 }),
      linebreak(2),
      up,
    ],
    'macOS and iOS, Safari: end first, then a held key outside of the composition': [
      end('요', 0),
      key({ held: true, at: 1 }),
      up,
    ],
    'iOS, hardware keyboard: end first, then the plain key': [end('요', 0), key({ at: 4 }), up],
    'Android, hardware keyboard: held key, end, the key again later': [
      key({ composing: true, held: true }),
      end('요', 20),
      key({ at: 140 }),
      up,
    ],
    'a browser that does not say isComposing on the key': [key({ held: true }), end('요', 1), up],
    'the key is up before the composition ends': [
      key({ composing: true, held: true }),
      up,
      end('요', 5),
    ],
  };

  test.each(Object.entries(orders))('%s', (_, events) => {
    expect(sends([...typing, ...events])).toBe(1);
  });

  test('the second report and the line break are swallowed, so no empty line stays', () => {
    const seen = acts([
      ...typing,
      key({ composing: true, held: true }),
      end('요', 1),
      key({ at: 2 }),
      linebreak(3),
    ]);
    expect(seen.slice(4)).toEqual(['pass', 'send', 'swallow', 'swallow']);
  });
});

describe('without a composition', () => {
  test('Enter sends', () => expect(acts([key(), up])).toEqual(['send', 'pass']));
  test('two presses send twice', () => {
    expect(sends([key(), up, key({ at: 90 }), up])).toBe(2);
  });
  test('a second press sends although the first key-up went to another window', () => {
    expect(sends([key(), key({ at: 900 })])).toBe(2);
    expect(sends([key(), { type: 'blur' }, key({ at: 90 })])).toBe(2);
  });
  test('a held key sends once', () => {
    expect(sends([key(), key({ repeat: true, at: 600 }), key({ repeat: true, at: 640 })])).toBe(1);
  });
  test('Shift+Enter breaks the line', () => {
    expect(acts([key({ shift: true }), linebreak()])).toEqual(['pass', 'pass']);
  });
  test('Shift+Enter inside a syllable breaks the line', () => {
    expect(
      sends([
        ...typing,
        key({ shift: true, composing: true, held: true }),
        end('요', 1),
        linebreak(2),
      ]),
    ).toBe(0);
  });
  test('a finished syllable does not hold the next Enter back', () => {
    expect(sends([...typing, end('요'), key({ at: 3000 }), up])).toBe(1);
  });
});

describe('compositions that are not Hangul', () => {
  test('Enter takes the candidate and sends nothing', () => {
    expect(
      sends([start, update('かな'), key({ composing: true, held: true }), end('仮名', 1), up]),
    ).toBe(0);
  });
  test('the same in the order of Safari', () => {
    expect(sends([start, update('かな'), end('仮名'), key({ held: true, at: 1 }), up])).toBe(0);
  });
  test('the next Enter sends', () => {
    expect(
      sends([
        start,
        update('かな'),
        end('仮名'),
        key({ held: true, at: 1 }),
        up,
        key({ at: 700 }),
        up,
      ]),
    ).toBe(1);
  });
  test('hanja chosen from the list is not sent by the choosing', () => {
    expect(sends([...typing, key({ composing: true, held: true }), end('要', 1), up])).toBe(0);
  });
});

test('an Enter that waited is forgotten when another key follows', () => {
  expect(
    sends([...typing, key({ composing: true, held: true }), up, letter(), end('요', 50)]),
  ).toBe(0);
});

test('the composition ends by a click elsewhere: nothing is sent', () => {
  expect(sends([...typing, end('요'), { type: 'blur' }])).toBe(0);
});
