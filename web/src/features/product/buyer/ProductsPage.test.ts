import { render, screen } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { beforeEach, expect, test } from 'vitest';
import Around from '../../../kit/buyer/testing/Around.svelte';
import { buyer, product } from '../../../kit/buyer/testing';
import ProductsPage from './ProductsPage.svelte';

beforeEach(() => history.replaceState(null, '', '/'));

test('shows products with their prices and loads more on request', async () => {
  const around = buyer({
    'GET /products': ({ query }) =>
      query.get('cursor')
        ? { items: [product({ id: 'p2', name: '양초', sold_out: true, stock: 0 })] }
        : {
            items: [product({ price_won: 27300, list_price_won: 39000 })],
            next_cursor: 'next',
          },
  });
  render(Around, { buyer: around, part: ProductsPage });
  const tile = await screen.findByRole('link', { name: /달빛 머그컵/ });
  expect(tile.getAttribute('href')).toBe('/p/p1');
  expect(tile.textContent).toMatch(/30%\s*27,300원\s*정가 39,000원/);
  await userEvent.click(screen.getByRole('button', { name: '더 보기' }));
  expect((await screen.findByRole('link', { name: /양초/ })).textContent).toContain('품절');
  expect(screen.getByRole('status').textContent).toBe('상품 1개를 더 불러왔습니다.');
});

test('a search that finds nothing says so and offers everything', async () => {
  history.replaceState(null, '', '/?q=zzz');
  render(Around, { buyer: buyer({ 'GET /products': () => ({ items: [] }) }), part: ProductsPage });
  expect(await screen.findByText('‘zzz’에 맞는 상품이 없습니다.')).toBeTruthy();
  expect(screen.getByRole('link', { name: '전체 상품 보기' })).toBeTruthy();
});

test('what could not be loaded can be tried again', async () => {
  let up = false;
  const around = buyer({ 'GET /products': () => (up ? { items: [product()] } : new TypeError()) });
  render(Around, { buyer: around, part: ProductsPage });
  expect((await screen.findByRole('alert')).textContent).toContain(
    '네트워크에 연결할 수 없습니다. 인터넷 연결을 확인해 주세요.',
  );
  up = true;
  await userEvent.click(screen.getByRole('button', { name: '다시 시도' }));
  expect(await screen.findByRole('link', { name: /달빛 머그컵/ })).toBeTruthy();
});
