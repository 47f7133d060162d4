import type { Texts } from './i18n';

/** What every refused call carries, whichever library it came through. */
export interface Failure {
  readonly code: string;
  readonly message?: string;
  readonly requestId?: string | undefined;
  readonly retryAfterMs?: number | undefined;
}

/** Why something failed, in words. Codes without words of their own get the general ones. */
export function why(error: unknown, t: Texts): string {
  const { code = '', retryAfterMs } = failure(error) ?? {};
  if (code === 'rate_limited' && retryAfterMs) return t.errors.wait(Math.ceil(retryAfterMs / 1000));
  return (t.errors.byCode as Record<string, string | undefined>)[code] ?? t.errors.unknown;
}

/** The failure inside anything thrown, where it has the shape of one. */
export function failure(error: unknown): Failure | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  return 'code' in error && typeof error.code === 'string' ? (error as Failure) : undefined;
}
