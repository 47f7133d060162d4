import { render, screen } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { beforeEach, expect, test, vi } from 'vitest';
import Around from '../../../kit/buyer/testing/Around.svelte';
import { buyer, me, order, problem, product, type Answers } from '../../../kit/buyer/testing';
import type { Chat } from '../../../sdk';
import BuyBox from './BuyBox.svelte';

beforeEach(() => {
  history.replaceState(null, '', '/p/p1');
  vi.stubGlobal('scrollTo', vi.fn());
});

function show(answers: Answers, chat?: Partial<Chat>, change = {}) {
  const around = buyer({ 'GET /me': () => me, ...answers }, chat);
  const onstale = vi.fn();
  const given = { product: product(change), onstale };
  render(Around, { buyer: around, part: BuyBox, given });
  return { around, onstale, asked: around.asked };
}

const buy = () => userEvent.click(screen.getByRole('button', { name: '구매하기' }));
const posts = (asked: { what: string; body: unknown }[]) =>
  asked.filter((a) => a.what === 'POST /orders').map((a) => a.body as Record<string, unknown>);

test('orders the chosen number and goes to the order', async () => {
  const { around, asked } = show({ 'POST /orders': () => order() });
  await userEvent.click(screen.getByRole('button', { name: '수량 늘리기' }));
  expect(screen.getByText('29,800원')).toBeTruthy();
  await buy();
  await expect.poll(() => around.router.here.path).toBe('/orders/o1');
  expect(posts(asked)[0]).toMatchObject({
    shop_id: 's1',
    lines: [{ product_id: 'p1', quantity: 2 }],
  });
});

test('pressing again after a lost answer is the same order', async () => {
  let tries = 0;
  const { asked } = show({ 'POST /orders': () => (tries++ === 0 ? new TypeError() : order()) });
  await buy();
  expect((await screen.findByRole('alert')).textContent).toContain('주문하지 못했습니다.');
  await buy();
  await expect.poll(() => posts(asked).length).toBe(2);
  const [first, second] = posts(asked);
  expect(second!['client_order_id']).toBe(first!['client_order_id']);
});

test('a stock that ran out is looked up again', async () => {
  const { onstale } = show({ 'POST /orders': () => problem(409, 'out_of_stock') });
  await buy();
  expect((await screen.findByRole('alert')).textContent).toContain('방금 품절되었습니다.');
  expect(onstale).toHaveBeenCalledOnce();
});

test('nothing sold out can be bought, but asked about', () => {
  show({}, {}, { sold_out: true, stock: 0 });
  expect(screen.getByRole<HTMLButtonElement>('button', { name: '품절' }).disabled).toBe(true);
  expect(screen.getByRole<HTMLButtonElement>('button', { name: '판매자에게 문의' }).disabled).toBe(
    false,
  );
});

test('asking opens the room beside the page', async () => {
  const open = vi.fn(async () => ({ id: 'room1', close: vi.fn() }));
  const { around } = show({}, { open } as unknown as Partial<Chat>);
  await userEvent.click(screen.getByRole('button', { name: '판매자에게 문의' }));
  await expect.poll(() => around.router.here.query.get('chat')).toBe('room1');
  expect(open).toHaveBeenCalledWith({ shopId: 's1', productId: 'p1' });
  expect(around.router.here.name).toBe('product');
});

test('the number stays within the stock', async () => {
  show({});
  const field = screen.getByRole<HTMLInputElement>('textbox', { name: '수량' });
  await userEvent.clear(field);
  await userEvent.type(field, '50');
  await userEvent.tab();
  expect(field.value).toBe('8');
  expect(screen.getByRole<HTMLButtonElement>('button', { name: '수량 늘리기' }).disabled).toBe(
    true,
  );
});
