import { failure } from '../../ui/errors';
import { ApiError } from '../../api/client';
import type { AccountWords } from './i18n';

/** In code points, as the API counts them. */
const shortest = 8;
const longest = 128;

/** What the form itself can see is wrong with a new password. */
export function newPasswordProblem(password: string, t: AccountWords): string | undefined {
  const length = [...password].length;
  if (length === 0) return t.password.missing;
  if (length < shortest) return t.password.short;
  return length > longest ? t.password.long : undefined;
}

/** What to say beside the field when the server refused the new password; undefined when it refused something else. */
export function refusedPassword(error: unknown, t: AccountWords): string | undefined {
  const field = error instanceof ApiError ? error.field?.split(/[./]/).pop() : undefined;
  return failure(error)?.code === 'weak_password' || field === 'password'
    ? t.password.weak
    : undefined;
}
