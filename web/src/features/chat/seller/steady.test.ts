import { describe, expect, it } from 'vitest';
import { appended, steady } from './steady';

describe('steady', () => {
  it('follows the wanted order while nobody holds the list', () => {
    expect(steady(['a', 'b'], ['b', 'c', 'a'], false)).toEqual({
      shown: ['b', 'c', 'a'],
      fresh: 0,
      moved: false,
    });
  });

  it('shows the first rows even when the pointer already waits there', () => {
    expect(steady([], ['a'], true).shown).toEqual(['a']);
  });

  it('keeps every row in place while held and counts what is new', () => {
    expect(steady(['a', 'b'], ['c', 'd', 'a', 'b'], true)).toEqual({
      shown: ['a', 'b'],
      fresh: 2,
      moved: false,
    });
  });

  it('says that rows would move when they changed places or left', () => {
    expect(steady(['a', 'b'], ['b', 'a'], true).moved).toBe(true);
    expect(steady(['a', 'b'], ['b'], true)).toEqual({ shown: ['a', 'b'], fresh: 0, moved: true });
  });
});

describe('appended', () => {
  it('adds only what is not there yet, at the end', () => {
    expect(appended(['a', 'b'], ['b', 'c'])).toEqual(['a', 'b', 'c']);
  });
});
