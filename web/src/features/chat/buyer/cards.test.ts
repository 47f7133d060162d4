import { expect, test } from 'vitest';
import { order, product, server } from '../../../kit/buyer/testing';
import { buyerCards } from './cards';

const mug = { kind: 'product', id: 'p1', title: '머그컵', priceWon: 29000 } as const;

test('cards lead to their pages', () => {
  const cards = buyerCards(server({}).api);
  expect(cards.href(mug)).toBe('/p/p1');
  expect(cards.href({ kind: 'order', id: 'o1', title: '1' })).toBe('/orders/o1');
});

test('how things stand now, asked once', async () => {
  const { api, asked } = server({
    'GET /products/p1': () => product({ sold_out: true }),
    'GET /orders/o1': () => order({ status: 'shipped' }),
  });
  const cards = buyerCards(api);
  await cards.now!(mug);
  expect(await cards.now!(mug)).toMatchObject({
    title: '달빛 머그컵',
    priceWon: 14900,
    soldOut: true,
  });
  expect(await cards.now!({ kind: 'order', id: 'o1', title: '1' })).toMatchObject({
    status: 'shipped',
  });
  expect(asked).toHaveLength(2);
});

test('a product that is gone stays as the message tells it', async () => {
  expect(await buyerCards(server({}).api).now!(mug)).toBeUndefined();
});
