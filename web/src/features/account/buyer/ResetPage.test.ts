import { render, screen } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { expect, test } from 'vitest';
import Around from '../../../kit/buyer/testing/Around.svelte';
import { buyer, problem } from '../../../kit/buyer/testing';
import ResetPage from './ResetPage.svelte';

function open(answer: () => Response) {
  const given = buyer({ 'POST /password-resets/redeem': answer, 'GET /me': () => 401 });
  render(Around, { buyer: given, part: ResetPage, given: { token: 't'.repeat(32) } });
  return { asked: given.asked, user: userEvent.setup() };
}

test('a new password is refused at the field, by the form and by the server', async () => {
  const { asked, user } = open(() => problem(400, 'weak_password', { field: 'password' }));
  const field = screen.getByLabelText<HTMLInputElement>('새 비밀번호');
  await user.type(field, 'short{Enter}');
  expect(screen.getByText('8자 이상이어야 합니다.')).toBeTruthy();
  expect(asked).toEqual([]);
  await user.type(field, 'password{Enter}');
  await screen.findByText(/너무 흔하거나/);
  expect(field.getAttribute('aria-invalid')).toBe('true');
  expect(asked[0]?.body).toEqual({ token: 't'.repeat(32), password: 'shortpassword' });
});

test('a used link offers another one', async () => {
  const { user } = open(() => problem(400, 'link_invalid', { field: 'token' }));
  await user.type(screen.getByLabelText('새 비밀번호'), 'slow-river-2031{Enter}');
  await user.click(await screen.findByRole('button', { name: '링크 다시 받기' }));
  expect(screen.getByLabelText('이메일')).toBeTruthy();
});
