import { ApiError } from '../../../api/client';

/**
 * The form field that a refusal is about, or undefined. The server names it the way the request does
 * (`price_won`, or with a path before it such as `/price_won`); only the fields of the form at hand count.
 */
export function fieldAtFault<F extends string>(
  error: unknown,
  fields: readonly F[],
): F | undefined {
  if (!(error instanceof ApiError) || error.field === undefined) return undefined;
  const name = error.field.split(/[./]/).pop();
  return fields.find((field) => field === name);
}
