import { screen, waitFor, within } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { describe, expect, it } from 'vitest';
import { consoleOf, order, problem, renderIn } from '../../../kit/seller/testing/fixture';
import OrdersPage from './OrdersPage.svelte';

const list = 'GET /shops/s1/orders';

function open(address: string, answers: Parameters<typeof consoleOf>[0]) {
  const { console, asked } = consoleOf(answers, address);
  renderIn(console, OrdersPage, {});
  return { user: userEvent.setup(), asked, console };
}

const askedFor = <T extends { what: string }>(asked: T[], what: string): T[] =>
  asked.filter((one) => one.what === what);

describe('orders', () => {
  it('asks once for the status in the address', async () => {
    const { asked } = open('/seller/orders?status=paid', {
      [list]: () => ({ items: [order('1')], next_cursor: 'more' }),
    });
    const row = await screen.findByRole('link', { name: /머플러/ });
    expect(row.getAttribute('href')).toBe('/seller/orders/1?status=paid');
    expect(askedFor(asked, list).map(({ query }) => query.get('status'))).toEqual(['paid']);
  });

  it('follows the filter', async () => {
    const { asked, console } = open('/seller/orders', { [list]: () => ({ items: [] }) });
    await screen.findByText('해당하는 주문이 없습니다');
    console.router.go('/seller/orders?status=shipped');
    await waitFor(() =>
      expect(askedFor(asked, list).map(({ query }) => query.get('status'))).toEqual([
        null,
        'shipped',
      ]),
    );
  });

  it('takes the steps that the API allows, and shows them in the list', async () => {
    const { user, asked } = open('/seller/orders/1', {
      [list]: () => ({ items: [order('1')] }),
      'GET /orders/1': () => order('1'),
      'POST /orders/1/steps': () =>
        order('1', { status: 'preparing', allowed_steps: ['shipped', 'refunded'] }),
    });
    await user.click(await screen.findByRole('button', { name: '상품 준비 시작' }));
    await screen.findByRole('button', { name: '배송 시작' });
    expect(asked.at(-1)?.body).toEqual({ to: 'preparing' });
    expect(screen.getByRole('link', { name: /머플러.*상품 준비 중/ })).toBeTruthy();
  });

  it('asks before a refund', async () => {
    const { user, asked } = open('/seller/orders/1', {
      [list]: () => ({ items: [] }),
      'GET /orders/1': () => order('1'),
      'POST /orders/1/steps': () => order('1', { status: 'refunded', allowed_steps: [] }),
    });
    await user.click(await screen.findByRole('button', { name: '환불' }));
    const dialog = within(screen.getByRole('dialog'));
    expect(askedFor(asked, 'POST /orders/1/steps')).toEqual([]);
    await user.click(dialog.getByRole('button', { name: '환불' }));
    await screen.findByText('더 진행할 단계가 없습니다');
    expect(screen.queryByRole('dialog')).toBeNull();
  });

  it('reads an order again that has moved on meanwhile', async () => {
    let status: 'paid' | 'cancelled' = 'paid';
    const { user } = open('/seller/orders/1', {
      [list]: () => ({ items: [] }),
      'GET /orders/1': () =>
        order('1', { status, allowed_steps: status === 'paid' ? ['preparing'] : [] }),
      'POST /orders/1/steps': () => {
        status = 'cancelled';
        return problem(409, 'illegal_step', 'to');
      },
    });
    await user.click(await screen.findByRole('button', { name: '상품 준비 시작' }));
    await screen.findByText(/그 사이 주문 상태가 바뀌었습니다/);
    await screen.findByText('더 진행할 단계가 없습니다');
  });

  it('waits for the buyer to pay', async () => {
    open('/seller/orders/1', {
      [list]: () => ({ items: [] }),
      'GET /orders/1': () => order('1', { status: 'placed', allowed_steps: ['cancelled'] }),
    });
    await screen.findByText('구매자의 결제를 기다리고 있습니다');
    expect(screen.getByRole('button', { name: '주문 취소' })).toBeTruthy();
  });

  it('does not show an order of another shop', async () => {
    open('/seller/orders/1', {
      [list]: () => ({ items: [] }),
      'GET /orders/1': () => order('1', { shop_id: 'other' }),
    });
    await screen.findByText(/주문을 불러오지 못했습니다/);
    expect(screen.queryByRole('button', { name: '다시 시도' })).toBeNull();
  });
});
