import { render, screen } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { expect, test } from 'vitest';
import { me, problem, server } from '../../../kit/buyer/testing';
import { Session } from '../../../kit/buyer/session.svelte';
import SignInSheet from './SignInSheet.svelte';

test('says what is wrong, keeps what was typed, and signs in', async () => {
  const user = userEvent.setup();
  let tries = 0;
  const { api, asked } = server({
    'POST /session': () => (tries++ === 0 ? problem(401, 'invalid_credentials') : me),
  });
  render(SignInSheet, { session: new Session(api), api });
  await user.click(screen.getByRole('button', { name: '로그인' }));
  expect(screen.getAllByText('입력해 주세요.')).toHaveLength(2);
  expect(asked).toEqual([]);

  await user.type(screen.getByLabelText('이메일'), 'jimin@test');
  await user.type(screen.getByLabelText('비밀번호'), 'wrong{Enter}');
  expect((await screen.findByRole('alert')).textContent).toContain('맞지 않습니다');
  expect(screen.getByLabelText<HTMLInputElement>('이메일').value).toBe('jimin@test');

  await user.type(screen.getByLabelText('비밀번호'), '!{Enter}');
  await expect.poll(() => asked.at(-1)?.body).toEqual({ email: 'jimin@test', password: 'wrong!' });
});

test('turns into a sign-up with one more field', async () => {
  const user = userEvent.setup();
  const { api, asked } = server({ 'POST /members': () => problem(409, 'email_taken') });
  render(SignInSheet, { session: new Session(api), api });
  await user.click(screen.getByRole('button', { name: /회원가입/ }));
  await user.type(screen.getByLabelText('이름'), '지민');
  await user.type(screen.getByLabelText('이메일'), 'jimin@test');
  await user.type(screen.getByLabelText('비밀번호'), 'long-enough{Enter}');
  expect(await screen.findByText('이미 가입된 이메일입니다.')).toBeTruthy();
  expect(asked.at(-1)?.body).toEqual({
    email: 'jimin@test',
    password: 'long-enough',
    name: '지민',
  });
});

test('asks for the second factor where there is one', async () => {
  const user = userEvent.setup();
  const { api, asked } = server({
    'POST /session': () =>
      Response.json(
        { challenge: 'c'.repeat(20), methods: ['totp', 'recovery_code'], expires_at: '' },
        { status: 202 },
      ),
    'POST /session/second-factor': () => me,
  });
  const session = new Session(api);
  render(SignInSheet, { session, api });
  await user.type(screen.getByLabelText('이메일'), 'jimin@test');
  await user.type(screen.getByLabelText('비밀번호'), 'right{Enter}');
  const code = await screen.findByLabelText(/6자리 코드/);
  expect(session.state).not.toBe('in');
  await user.type(code, '12345{Enter}');
  expect(screen.getByText('숫자 6자리를 입력해 주세요.')).toBeTruthy();
  await user.clear(code);
  await user.type(code, '123 456{Enter}');
  await expect.poll(() => session.state).toBe('in');
  expect(asked.at(-1)?.body).toEqual({ challenge: 'c'.repeat(20), code: '123456' });
});
