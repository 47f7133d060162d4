import type { ApiError } from '../../../api/client';
import type { SignInWords } from './i18n';

export interface Fields {
  email: string;
  password: string;
  name: string;
}

export interface Attempt {
  /** Making an account rather than using one. */
  readonly up: boolean;
  /** Nothing is wrong with a form that was not sent yet. */
  readonly tried: boolean;
  /** What the server said last. */
  readonly refused?: ApiError | undefined;
}

export interface FormErrors {
  email?: string;
  password?: string;
  name?: string;
  /** About the form as a whole. */
  form?: string;
}

const minPassword = 8;

/** What to say beside which field: first what the form itself can see, then what the server refused. */
export function signInErrors(fields: Fields, attempt: Attempt, t: SignInWords): FormErrors {
  if (!attempt.tried) return {};
  const errors: FormErrors = {};
  if (fields.email.trim() === '') errors.email = t.missing;
  else if (attempt.up && !/^[^@\s]+@[^@\s]+$/.test(fields.email.trim())) errors.email = t.badEmail;
  if (fields.password === '') errors.password = t.missing;
  else if (attempt.up && [...fields.password].length < minPassword) errors.password = t.short;
  if (attempt.up && fields.name.trim() === '') errors.name = t.missing;
  return attempt.refused ? { ...said(attempt.refused, t), ...errors } : errors;
}

function said(refused: ApiError, t: SignInWords): FormErrors {
  switch (refused.code) {
    case 'invalid_credentials':
      return { form: t.wrong };
    case 'email_taken':
      return { email: t.taken };
    case 'invalid_email':
      return { email: t.badEmail };
    case 'weak_password':
      return { password: t.weak };
    case 'invalid_name':
      return { name: t.badName };
  }
  if (refused.field === 'email') return { email: t.badEmail };
  if (refused.field === 'password') return { password: t.weak };
  if (refused.field === 'name') return { name: t.badName };
  return {};
}
