import { render, screen, waitFor } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { expect, test } from 'vitest';
import { call, stepUpWith } from '../../api/client';
import { problem, server } from '../../kit/buyer/testing';
import { StepUp } from './stepUp.svelte';
import StepUpSheet from './StepUpSheet.svelte';

test('a refused call waits for the dialog and is repeated once', async () => {
  let proved = false;
  const { api, asked } = server({
    'POST /me/factors/recovery-codes': () =>
      proved ? { codes: ['a-b'] } : problem(403, 'step_up_required'),
    'POST /me/step-up': () => ({
      challenge: 'c'.repeat(20),
      methods: ['password'],
      expires_at: '2026-11-22T00:05:00Z',
    }),
    'POST /me/step-up/answer': ({ body }) => {
      proved = (body as { password: string }).password === 'right';
      return proved ? new Response(null, { status: 204 }) : problem(403, 'wrong_answer');
    },
  });
  const stepUp = new StepUp();
  stepUpWith(api, stepUp.ask);
  const renewed = call(api.POST('/me/factors/recovery-codes'));
  await waitFor(() => expect(stepUp.wanted).toBe(true));

  const user = userEvent.setup();
  render(StepUpSheet, { api, stepUp });
  await user.type(await screen.findByLabelText('비밀번호'), 'wrong{Enter}');
  await screen.findByText(/맞지 않습니다/);
  await user.clear(screen.getByLabelText('비밀번호'));
  await user.type(screen.getByLabelText('비밀번호'), 'right{Enter}');
  expect(await renewed).toEqual({ codes: ['a-b'] });
  expect(asked.filter(({ what }) => what.endsWith('recovery-codes'))).toHaveLength(2);
  expect(stepUp.wanted).toBe(false);
});
