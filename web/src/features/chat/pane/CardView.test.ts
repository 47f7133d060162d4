import { render, screen } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import type { LiveCard } from './cards';
import CardView from './CardView.svelte';

const mug = { kind: 'product', id: 'p1', title: '달빛 머그컵', priceWon: 29000 } as const;
const cards = (now?: LiveCard) => ({
  href: () => '/p/p1',
  now: async () => now,
});

test('one link with the name and the price', () => {
  render(CardView, { card: mug, cards: cards() });
  const link = screen.getByRole('link', { name: /달빛 머그컵/ });
  expect(link.getAttribute('href')).toBe('/p/p1');
  expect(link.textContent).toContain('29,000원');
});

test('the price of today, and the one when it was asked', async () => {
  render(CardView, {
    card: mug,
    cards: cards({ title: '달빛 머그컵', priceWon: 25000, soldOut: true }),
  });
  expect(await screen.findByText('문의 당시 29,000원')).toBeTruthy();
  expect(screen.getByText('25,000원')).toBeTruthy();
  expect(screen.getByText('품절')).toBeTruthy();
});

test('an order with its number, first item and status', () => {
  const order = {
    kind: 'order',
    id: 'o1',
    title: '20261122-AAAAAA',
    status: 'shipped',
    summary: '달빛 머그컵',
    more: 2,
    priceWon: 29800,
  } as const;
  render(CardView, { card: order, cards: { href: () => undefined } });
  expect(screen.queryByRole('link')).toBeNull();
  expect(screen.getByText('주문 20261122-AAAAAA')).toBeTruthy();
  expect(screen.getByText('달빛 머그컵 외 2건')).toBeTruthy();
  expect(screen.getByText('배송 중')).toBeTruthy();
});
