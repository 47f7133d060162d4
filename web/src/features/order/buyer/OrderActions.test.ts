import { render, screen } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { expect, test, vi } from 'vitest';
import Around from '../../../kit/buyer/testing/Around.svelte';
import { buyer, order, problem, type Answers } from '../../../kit/buyer/testing';
import OrderActions from './OrderActions.svelte';
import type { Order } from './orders';

function show(answers: Answers, change: Partial<Order> = {}) {
  const around = buyer(answers);
  const handlers = { onchange: vi.fn(), onstale: vi.fn() };
  render(Around, {
    buyer: around,
    part: OrderActions,
    given: { order: order(change), ...handlers },
  });
  return { ...handlers, asked: around.asked };
}

const press = (name: string) => userEvent.click(screen.getByRole('button', { name }));

test('offers what the server allows and takes the step', async () => {
  const paid = order({ status: 'paid', allowed_steps: ['cancelled'] });
  const { asked, onchange } = show({ 'POST /orders/o1/steps': () => paid });
  expect(screen.getByText(/데모 결제/)).toBeTruthy();
  await press('결제하기');
  await expect.poll(() => onchange.mock.calls).toEqual([[paid]]);
  expect(asked[0]?.body).toEqual({ to: 'paid' });
});

test('what cannot be undone is asked about first', async () => {
  const { asked } = show({ 'POST /orders/o1/steps': () => order({ status: 'cancelled' }) });
  await press('주문 취소');
  expect(screen.getByText('이 주문을 취소할까요?')).toBeTruthy();
  await press('아니요');
  expect(asked).toEqual([]);
  await press('주문 취소');
  await userEvent.click(screen.getAllByRole('button', { name: '주문 취소' }).at(-1)!);
  await expect.poll(() => asked.map((a) => a.body)).toEqual([{ to: 'cancelled' }]);
});

test('a step somebody else took meanwhile shows the order as it is', async () => {
  const { onstale } = show({ 'POST /orders/o1/steps': () => problem(409, 'conflict') });
  await press('결제하기');
  expect((await screen.findByRole('alert')).textContent).toContain('처리하지 못했습니다.');
  expect(onstale).toHaveBeenCalledOnce();
});
