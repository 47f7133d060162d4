import type { OrderWords } from './ko';

const en: OrderWords = {
  title: 'My orders',
  failed: 'The orders could not be loaded.',
  none: 'You have no orders yet.',
  shop: 'Browse products',
  notFound: 'There is no such order.',
  items: 'Items',
  total: 'Total',
  orderedAt: 'Ordered',
  seller: 'Seller',
  progress: 'Progress',
  each: (price, n) => `${price} × ${n}`,
  ask: 'Ask the seller',
  steps: {
    placed: 'Order again',
    paid: 'Pay',
    preparing: 'Start preparing',
    shipped: 'Ship',
    delivered: 'Mark as delivered',
    completed: 'Confirm purchase',
    cancelled: 'Cancel order',
    refunded: 'Get a refund',
  },
  demoPayment: 'This is a demo payment. Nothing is charged.',
  stepFailed: 'That could not be done.',
  sure: {
    cancelled: 'Cancel this order?',
    completed: 'Did everything arrive well? Confirming cannot be undone.',
    refunded: 'Get a refund for this order?',
  },
  keep: 'No',
};

export default en;
