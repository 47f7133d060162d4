/** What a key of the console does. */
export type KeyAction =
  'next' | 'previous' | 'compose' | 'leave' | 'done' | 'doneAndNext' | 'hold' | 'help';

/** The parts of a KeyboardEvent that decide. */
export interface KeyPress {
  code: string;
  shiftKey: boolean;
  altKey: boolean;
  ctrlKey: boolean;
  metaKey: boolean;
  isComposing: boolean;
  repeat: boolean;
}

/** Where the focus is: in a text field, on a button or link (which own Enter), or on the page. */
export type FocusPlace = 'field' | 'control' | 'page';

const plain: Record<string, KeyAction> = {
  KeyJ: 'next',
  KeyK: 'previous',
  KeyR: 'compose',
  KeyE: 'done',
  KeyS: 'hold',
};
const shifted: Record<string, KeyAction> = { KeyE: 'doneAndNext', Slash: 'help' };
const repeatable = new Set<KeyAction>(['next', 'previous']);

/**
 * The action a key press asks for, or undefined.
 *
 * Keys are matched by their place (`code`): with the Hangul input method on, J arrives as "ㅓ" or "Process".
 * Keys that write a character work only outside fields and only while `letters` is on (WCAG 2.1.4). Sending with
 * Ctrl or Command and Enter is the composer's own.
 */
export function keyAction(
  press: KeyPress,
  place: FocusPlace,
  letters: boolean,
): KeyAction | undefined {
  if (press.isComposing) return undefined;
  const action = withModifiers(press) ?? bare(press, place, letters);
  return press.repeat && action && !repeatable.has(action) ? undefined : action;
}

function withModifiers(press: KeyPress): KeyAction | undefined {
  const altOnly = press.altKey && !press.ctrlKey && !press.metaKey && !press.shiftKey;
  if (altOnly && (press.code === 'KeyJ' || press.code === 'KeyK')) return plain[press.code];
  return undefined;
}

function bare(press: KeyPress, place: FocusPlace, letters: boolean): KeyAction | undefined {
  if (press.ctrlKey || press.metaKey || press.altKey) return undefined;
  if (press.code === 'Escape') return 'leave';
  if (place === 'field') return undefined;
  if (isEnter(press.code)) return place === 'page' && !press.shiftKey ? 'compose' : undefined;
  if (!letters) return undefined;
  return press.shiftKey ? shifted[press.code] : plain[press.code];
}

const isEnter = (code: string) => code === 'Enter' || code === 'NumpadEnter';

/** Where the focus is, for keyAction. */
export function focusPlace(target: EventTarget | null): FocusPlace {
  if (!(target instanceof Element)) return 'page';
  if (target.closest('input, textarea, select, [contenteditable=""], [contenteditable="true"]')) {
    return 'field';
  }
  return target.closest('a[href], button, summary, [role="menuitem"]') ? 'control' : 'page';
}
