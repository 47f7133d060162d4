import { screen, waitFor } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { describe, expect, it } from 'vitest';
import { consoleOf, json, problem, product, renderIn } from '../../../kit/seller/testing/fixture';
import ProductPage from './ProductPage.svelte';

function open(address: string, answers: Parameters<typeof consoleOf>[0]) {
  const { console, asked } = consoleOf(answers, address);
  renderIn(console, ProductPage, {});
  return { user: userEvent.setup(), asked, console };
}

const field = (name: RegExp) => screen.getByLabelText<HTMLInputElement>(name);

describe('a new product', () => {
  it('shows what is missing at each field and puts the focus on the first', async () => {
    const { user, asked } = open('/seller/products/new', {});
    await user.click(screen.getByRole('button', { name: '등록' }));
    expect(screen.getAllByText('필수 항목입니다.')).toHaveLength(3);
    expect(document.activeElement).toBe(field(/상품 이름/));
    expect(asked).toEqual([]);
  });

  it('is created from what was typed', async () => {
    const { user, asked, console } = open('/seller/products/new', {
      'POST /shops/s1/products': () => json(product('new'), 201),
    });
    await user.type(field(/상품 이름/), '머그컵');
    await user.selectOptions(screen.getByLabelText('분류'), '홈리빙');
    await user.type(field(/판매가/), '14,900');
    await user.type(field(/재고/), '10');
    await user.click(screen.getByRole('button', { name: '등록' }));
    await waitFor(() => expect(console.router.go).toHaveBeenCalledWith('/seller/products'));
    expect(asked[0]?.body).toMatchObject({ name: '머그컵', category: 'home', price_won: 14_900 });
  });

  it('shows a refusal at the field it names, until that changes', async () => {
    const { user } = open('/seller/products/new', {
      'POST /shops/s1/products': () => problem(400, 'invalid_text', 'name'),
    });
    await user.type(field(/상품 이름/), '컵');
    await user.type(field(/판매가/), '1');
    await user.type(field(/재고/), '1');
    await user.click(screen.getByRole('button', { name: '등록' }));
    await screen.findByText('이 값은 쓸 수 없습니다.');
    expect(field(/상품 이름/).getAttribute('aria-invalid')).toBe('true');
    expect(field(/상품 이름/).value).toBe('컵');
    await user.type(field(/상품 이름/), '2');
    expect(field(/상품 이름/).getAttribute('aria-invalid')).toBeNull();
  });
});

describe('a product that exists', () => {
  it('sends changed fields only', async () => {
    const { user, asked } = open('/seller/products/a', {
      'GET /products/a': () => product('a'),
      'PATCH /products/a': () => product('a', { name: '새 이름' }),
    });
    await waitFor(() => expect(field(/상품 이름/).value).toBe('상품 a'));
    await user.clear(field(/상품 이름/));
    await user.type(field(/상품 이름/), '새 이름');
    await user.click(screen.getByRole('button', { name: '저장' }));
    await waitFor(() => expect(asked.at(-1)?.body).toEqual({ name: '새 이름' }));
  });

  it('asks nothing of the server when nothing changed', async () => {
    const { user, asked } = open('/seller/products/a', { 'GET /products/a': () => product('a') });
    await user.click(await screen.findByRole('button', { name: '저장' }));
    expect(asked).toHaveLength(1);
  });

  it('of another shop is none of this console', async () => {
    open('/seller/products/a', { 'GET /products/a': () => product('a', { shop_id: 'other' }) });
    await screen.findByText(/상품을 불러오지 못했습니다/);
    expect(screen.queryByLabelText(/상품 이름/)).toBeNull();
  });
});
