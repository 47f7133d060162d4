import { describe, expect, it } from 'vitest';
import { focusPlace, keyAction, type KeyPress } from './keys';

const press = (code: string, more: Partial<KeyPress> = {}): KeyPress => ({
  code,
  shiftKey: false,
  altKey: false,
  ctrlKey: false,
  metaKey: false,
  isComposing: false,
  repeat: false,
  ...more,
});

describe('keyAction', () => {
  it.each([
    ['KeyJ', {}, 'next'],
    ['KeyK', {}, 'previous'],
    ['KeyR', {}, 'compose'],
    ['Enter', {}, 'compose'],
    ['KeyE', {}, 'done'],
    ['KeyE', { shiftKey: true }, 'doneAndNext'],
    ['KeyS', {}, 'hold'],
    ['Slash', { shiftKey: true }, 'help'],
    ['Escape', {}, 'leave'],
  ])('%s on the page with %o is %s', (code, more, action) => {
    expect(keyAction(press(code, more), 'page', true)).toBe(action);
  });

  it('leaves letters to the field that has the focus', () => {
    for (const code of ['KeyJ', 'KeyE', 'KeyS', 'Enter']) {
      expect(keyAction(press(code), 'field', true)).toBeUndefined();
    }
    expect(keyAction(press('Slash', { shiftKey: true }), 'field', true)).toBeUndefined();
  });

  it('moves on from inside the composer with Alt, and leaves it with Escape', () => {
    expect(keyAction(press('KeyJ', { altKey: true }), 'field', false)).toBe('next');
    expect(keyAction(press('KeyK', { altKey: true }), 'field', false)).toBe('previous');
    expect(keyAction(press('Escape'), 'field', false)).toBe('leave');
  });

  it('gives the browser its own shortcuts', () => {
    expect(keyAction(press('KeyR', { ctrlKey: true }), 'page', true)).toBeUndefined();
    expect(keyAction(press('KeyS', { metaKey: true }), 'page', true)).toBeUndefined();
  });

  it('has no single letters when they are turned off', () => {
    expect(keyAction(press('KeyE'), 'page', false)).toBeUndefined();
    expect(keyAction(press('Slash', { shiftKey: true }), 'page', false)).toBeUndefined();
    expect(keyAction(press('Enter'), 'page', false)).toBe('compose');
  });

  it('keeps still while a syllable is being composed', () => {
    expect(keyAction(press('Escape', { isComposing: true }), 'field', true)).toBeUndefined();
  });

  it('leaves Enter to the button or link that has the focus', () => {
    expect(keyAction(press('Enter'), 'control', true)).toBeUndefined();
  });

  it('repeats only moving', () => {
    expect(keyAction(press('KeyJ', { repeat: true }), 'page', true)).toBe('next');
    expect(keyAction(press('KeyE', { repeat: true }), 'page', true)).toBeUndefined();
  });
});

describe('focusPlace', () => {
  it('tells fields, controls and the page apart', () => {
    const link = Object.assign(document.createElement('a'), { href: '/seller' });
    expect(focusPlace(document.createElement('textarea'))).toBe('field');
    expect(focusPlace(document.createElement('button'))).toBe('control');
    expect(focusPlace(link)).toBe('control');
    expect(focusPlace(document.body)).toBe('page');
    expect(focusPlace(null)).toBe('page');
  });
});
