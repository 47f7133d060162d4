// The checks a message can fail before it ever leaves: the server's own (contract, limits), made where the text still
// stands in the field.
import { ChatError, type Draft, type Limits } from './types';

/** What the contract promises until the welcome says otherwise. */
export const defaultLimits: Limits = { bodyCodePoints: 2000, bodyLines: 100 };

/** Length as the server counts it. */
export function codePoints(text: string): number {
  // A surrogate pair is one code point; a lone half counts as one, too.
  return text.length - (text.match(/[\uD800-\uDBFF][\uDC00-\uDFFF]/g)?.length ?? 0);
}

// C0 and C1 controls other than tab and newline, surrogates without their partner, noncharacters, and towers of marks:
// what cannot be seen between two marks does not end one.
const refused =
  /(?![\t\n])[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]|(?:\p{M}(?:(?!\p{M})\p{DI})*){33}/u;

// What leaves no trace: spaces, zero widths, selectors, fillers, tags, the empty Braille cell and its like.
const invisible = /^[\p{White_Space}\p{Cc}\p{DI}\u2800\uFFF9-\uFFFB\u{1D159}\u{13441}\u{13442}]*$/u;

/** Whether anything of a text can be seen. */
export function visible(text: string): boolean {
  return !invisible.test(text);
}

/** Throws ChatError when the server would refuse it. */
export function checkDraft({ text = '', card }: Draft, limits: Limits): void {
  if (!visible(text) && !(card && text === ''))
    throw new ChatError('empty_body', 'nothing to send');
  if (
    codePoints(text) > limits.bodyCodePoints ||
    text.split(/[\n\u2028\u2029]/).length > limits.bodyLines
  ) {
    throw new ChatError('too_long', 'too long to send');
  }
  if (refused.test(text)) {
    throw new ChatError('invalid_body', 'holds characters that cannot be sent');
  }
}
