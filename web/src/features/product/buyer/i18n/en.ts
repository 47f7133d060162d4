import type { ProductWords } from './ko';

const en: ProductWords = {
  failed: 'The product could not be loaded.',
  gone: 'This product is not for sale.',
  ask: 'Ask the seller',
  buy: 'Buy',
  buyFailed: 'The order could not be placed.',
  quantity: 'Quantity',
  more: 'One more',
  less: 'One less',
  total: 'Total',
  stock: (n) => `${n} in stock`,
  about: 'About this product',
  noDescription: 'There is no description. Ask the seller what you would like to know.',
  soldBy: 'Sold by',
  tooMany: (left) => (left > 0 ? `Only ${left} can be bought right now.` : 'It has just sold out.'),
};

export default en;
