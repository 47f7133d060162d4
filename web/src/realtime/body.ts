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

// C0 and C1 controls other than tab and newline, and surrogates without their partner.
const refused = /[\p{Cc}\p{Cs}]/u;

/** Throws ChatError when the server would refuse it. */
export function checkDraft({ text = '', card }: Draft, limits: Limits): void {
  if (!card && text.trim() === '') throw new ChatError('empty_body', 'nothing to send');
  if (codePoints(text) > limits.bodyCodePoints || text.split('\n').length > limits.bodyLines) {
    throw new ChatError('too_long', 'too long to send');
  }
  if (refused.test(text.replace(/[\t\n]/g, ''))) {
    throw new ChatError('invalid_body', 'holds characters that cannot be sent');
  }
}
