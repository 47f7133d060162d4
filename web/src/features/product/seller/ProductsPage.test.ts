import { screen, waitFor, within } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { describe, expect, it } from 'vitest';
import { consoleOf, json, problem, product, renderIn } from '../../../kit/seller/testing/fixture';
import ProductsPage from './ProductsPage.svelte';

const list = 'GET /shops/s1/products';

function open(answers: Parameters<typeof consoleOf>[0]) {
  const { console, asked } = consoleOf(answers, '/seller/products');
  renderIn(console, ProductsPage, {});
  return { user: userEvent.setup(), asked };
}

describe('the list of products', () => {
  it('shows hidden and sold out ones too, and further pages on demand', async () => {
    const { user, asked } = open({
      [list]: (request) =>
        new URL(request.url).searchParams.get('cursor') === 'next'
          ? { items: [product('c', { sold_out: true, stock: 0 })] }
          : { items: [product('a'), product('b', { hidden: true })], next_cursor: 'next' },
    });
    await screen.findByText('상품 a');
    expect(screen.getByText('판매 중')).toBeTruthy();
    expect(screen.getByText('숨김')).toBeTruthy();
    await user.click(screen.getByRole('button', { name: '더 보기' }));
    await screen.findByText('품절');
    expect(asked.map(({ query }) => query.get('cursor'))).toEqual([null, 'next']);
    expect(screen.queryByRole('button', { name: '더 보기' })).toBeNull();
  });

  it('says what failed and tries again', async () => {
    let calls = 0;
    const { user } = open({
      [list]: () => (++calls === 1 ? problem(503, 'unavailable') : { items: [product('a')] }),
    });
    await user.click(await screen.findByRole('button', { name: '다시 시도' }));
    await screen.findByText('상품 a');
  });

  it('hides a product and shows it again', async () => {
    const { user, asked } = open({
      [list]: () => ({ items: [product('a')] }),
      'PATCH /products/a': (_, body) => product('a', body as { hidden: boolean }),
    });
    await user.click(await screen.findByRole('button', { name: '숨기기: 상품 a' }));
    await user.click(await screen.findByRole('button', { name: '다시 보이기: 상품 a' }));
    await screen.findByRole('button', { name: '숨기기: 상품 a' });
    expect(asked.slice(1).map(({ body }) => body)).toEqual([{ hidden: true }, { hidden: false }]);
  });

  it('asks before deleting, and keeps the product when the server refuses', async () => {
    let refuse = true;
    const { user } = open({
      [list]: () => ({ items: [product('a'), product('b')] }),
      'DELETE /products/a': () =>
        refuse ? problem(503, 'unavailable') : new Response(null, { status: 204 }),
    });
    await user.click(await screen.findByRole('button', { name: '삭제: 상품 a' }));
    const dialog = within(screen.getByRole('dialog'));
    await user.click(dialog.getByRole('button', { name: '삭제' }));
    await dialog.findByRole('alert');
    refuse = false;
    await user.click(dialog.getByRole('button', { name: '삭제' }));
    await waitFor(() => expect(screen.queryByText('상품 a')).toBeNull());
    expect(screen.getByText('상품 b')).toBeTruthy();
    expect(screen.queryByRole('dialog')).toBeNull();
  });

  it('adjusts the stock by what is typed, after saying what it will be', async () => {
    const { user, asked } = open({
      [list]: () => ({ items: [product('a', { stock: 5 })] }),
      'POST /products/a/stock': () => json(product('a', { stock: 2 })),
    });
    await user.click(await screen.findByRole('button', { name: /^재고 .+개 조정: 상품 a$/ }));
    const field = screen.getByLabelText('더하거나 뺄 수량');
    await user.type(field, '-9');
    expect(screen.getByText('재고보다 많이 뺄 수 없습니다.')).toBeTruthy();
    await user.clear(field);
    await user.type(field, '-3');
    expect(screen.getByText('반영 후 2개')).toBeTruthy();
    await user.click(screen.getByRole('button', { name: '반영' }));
    await screen.findByText('재고 2개');
    expect(asked.at(-1)?.body).toEqual({ delta: -3 });
  });

  it('says in the sheet why the stock could not be adjusted', async () => {
    const { user } = open({
      [list]: () => ({ items: [product('a', { stock: 5 })] }),
      'POST /products/a/stock': () => problem(409, 'stock_out_of_range', 'delta'),
    });
    await user.click(await screen.findByRole('button', { name: /^재고 .+개 조정: 상품 a$/ }));
    await user.type(screen.getByLabelText('더하거나 뺄 수량'), '-3{Enter}');
    await screen.findByText(/재고는 0개에서/);
  });
});
