import { describe, expect, test } from 'vitest';
import { ApiError } from '../../../api/client';
import t from './i18n/ko';
import { signInErrors } from './signInErrors';

const fields = { email: 'jimin@test.kr', password: 'long-enough', name: '지민' };
const refused = (code: string, field?: string) =>
  new ApiError({ status: 400, code, message: '', retryable: false, field });

test('nothing is wrong with a form that was not sent', () => {
  expect(
    signInErrors({ email: '', password: '', name: '' }, { up: true, tried: false }, t),
  ).toEqual({});
});

test('signing in only wants both fields', () => {
  const attempt = { up: false, tried: true };
  expect(signInErrors({ ...fields, name: '', password: 'x' }, attempt, t)).toEqual({});
  expect(signInErrors({ email: ' ', password: '', name: '' }, attempt, t)).toEqual({
    email: t.missing,
    password: t.missing,
  });
});

test('a new account wants good ones', () => {
  expect(
    signInErrors(
      { email: 'jimin', password: '일곱글자입니다', name: ' ' },
      { up: true, tried: true },
      t,
    ),
  ).toEqual({ email: t.badEmail, password: t.short, name: t.missing });
});

describe('what the server refused stands at its field', () => {
  test.each([
    [refused('invalid_credentials'), { form: t.wrong }],
    [refused('email_taken'), { email: t.taken }],
    [refused('weak_password'), { password: t.weak }],
    [refused('bad_request', 'email'), { email: t.badEmail }],
    [refused('bad_request', 'name'), { name: t.badName }],
    [refused('busy'), {}],
  ])('%s', (error, expected) => {
    expect(signInErrors(fields, { up: true, tried: true, refused: error }, t)).toEqual(expected);
  });
});
