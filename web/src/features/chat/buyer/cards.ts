import { paths } from '../../../kit/buyer/routes';
import type { Card } from '../../../sdk';
import { call, type Api } from '../../../api/client';
import type { Cards, LiveCard } from '../pane/cards';

/** How long an answer about a card stands before it is asked again. */
const freshFor = 60_000;

/** Cards as a buyer sees them: they lead to the product or the order, and know what those are now. */
export function buyerCards(api: Api): Cards {
  const known = new Map<string, { at: number; answer: Promise<LiveCard | undefined> }>();
  return {
    href: (card) => (card.kind === 'product' ? paths.product(card.id) : paths.order(card.id)),
    now(card) {
      const key = `${card.kind}/${card.id}`;
      const found = known.get(key);
      if (found && Date.now() - found.at < freshFor) return found.answer;
      const answer = ask(api, card).catch(() => undefined);
      known.set(key, { at: Date.now(), answer });
      return answer;
    },
  };
}

async function ask(api: Api, card: Card): Promise<LiveCard> {
  if (card.kind === 'order') {
    const params = { path: { order_id: card.id } };
    const order = await call(api.GET('/orders/{order_id}', { params }));
    return { title: order.number, priceWon: order.total_won, status: order.status };
  }
  const params = { path: { product_id: card.id } };
  const product = await call(api.GET('/products/{product_id}', { params }));
  return {
    title: product.name,
    priceWon: product.price_won,
    imageUrl: product.image_url,
    soldOut: product.sold_out,
  };
}
