import { screen } from '@testing-library/svelte';
import { describe, expect, it } from 'vitest';
import type { Inquiry } from '../../../sdk';
import { room } from '../../../kit/seller/testing/fakeChat';
import { consoleOf, order, problem, product, renderIn } from '../../../kit/seller/testing/fixture';
import Context from './Context.svelte';

const inquiry = (card?: Inquiry['card']): Inquiry => ({ ...room('a').inquiry, card });
const mug = { kind: 'product', id: 'p1', title: '머그컵' } as const;

function open(card: Inquiry['card'], answers: Parameters<typeof consoleOf>[0]) {
  const { console, asked } = consoleOf({
    'GET /shops/s1/orders': () => ({ items: [] }),
    'GET /chat/rooms/a/inquiries': () => ({ items: [] }),
    ...answers,
  });
  renderIn(console, Context, { room: room('a', { inquiry: inquiry(card) }) });
  return { asked };
}

describe('the context of a room', () => {
  it('shows the product with its stock', async () => {
    open(mug, { 'GET /products/p1': () => product('p1', { stock: 7 }) });
    await screen.findByText('재고 7개');
    expect(screen.getByRole('link', { name: '상품 수정' }).getAttribute('href')).toBe(
      '/seller/products/p1',
    );
  });

  it('says that a product was deleted', async () => {
    open(mug, { 'GET /products/p1': () => problem(404, 'not_found') });
    await screen.findByText('삭제된 상품입니다.');
  });

  it('lists what the buyer ordered in this shop, and marks the order asked about', async () => {
    const card = { kind: 'order', id: 'o2', title: '20261122-o2' } as const;
    const { asked } = open(card, {
      'GET /shops/s1/orders': () => ({ items: [order('o1', { status: 'shipped' }), order('o2')] }),
    });
    await screen.findByText('배송 중');
    expect(screen.getByText('문의 주문').closest('a')?.getAttribute('href')).toBe(
      '/seller/orders/o2',
    );
    const orders = asked.filter(({ what }) => what === 'GET /shops/s1/orders');
    expect(orders.map(({ query }) => query.get('buyer_id'))).toEqual(['buyer-a']);
  });

  it('lists past inquiries, without the current one', async () => {
    const wire = (id: string, title: string) => ({
      id,
      number: 1,
      subject: 'product',
      card: { kind: 'product', id: 'p', title },
      state: 'done',
      created_at: '2026-11-01T00:00:00Z',
    });
    open(undefined, {
      'GET /chat/rooms/a/inquiries': () => ({
        items: [wire('inquiry-a', '지금 것'), wire('old', '지난 것')],
      }),
    });
    await screen.findByText('지난 것');
    expect(screen.queryByText('지금 것')).toBeNull();
    expect(screen.getByText('이 상점에서 주문한 적이 없습니다')).toBeTruthy();
  });

  it('says what could not be loaded, beside what could', async () => {
    open(undefined, { 'GET /shops/s1/orders': () => problem(503, 'unavailable') });
    await screen.findByText(/주문을 불러오지 못했습니다/);
    await screen.findByText('이번이 첫 문의입니다');
  });
});
