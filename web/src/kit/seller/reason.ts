import { failure, why } from '../../ui/errors';
import { texts } from '../../ui/i18n';
import { words } from './i18n';

/** Why something failed, in the language on screen: the console's own words for a code, else the shared ones. */
export function reason(error: unknown): string {
  const own: Record<string, string | undefined> = words.t.reasons;
  return own[failure(error)?.code ?? ''] ?? why(error, texts.t);
}

/** What failed, then why. */
export function because(what: string, error: unknown): string {
  return texts.t.errors.because(what, reason(error));
}
