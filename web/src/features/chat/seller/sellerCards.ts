import { call, type Api } from '../../../api/client';
import type { Card } from '../../../sdk';
import { to } from '../../../kit/seller/routes';
import type { Cards, LiveCard } from '../pane/cards';

/** Cards in the console lead to the seller's own pages of the product or order. */
export function sellerCards(api: Api): Cards {
  return {
    href: (card) => (card.kind === 'product' ? to.product(card.id) : to.order(card.id)),
    now: (card) => current(api, card).catch(() => undefined),
  };
}

async function current(api: Api, card: Card): Promise<LiveCard> {
  if (card.kind === 'product') {
    const params = { path: { product_id: card.id } };
    const product = await call(api.GET('/products/{product_id}', { params }));
    return {
      title: product.name,
      priceWon: product.price_won,
      imageUrl: product.image_url,
      soldOut: product.sold_out,
    };
  }
  const params = { path: { order_id: card.id } };
  const order = await call(api.GET('/orders/{order_id}', { params }));
  return { title: order.number, priceWon: order.total_won, status: order.status };
}
