import type { Words } from './ko';

const en: Words = {
  orders: {
    heading: 'Orders',
    filter: 'Status of the order',
    all: 'All',
    list: 'List of orders',
    failed: 'The orders could not be loaded.',
    empty: 'No such orders',
    emptyHint: 'Orders appear here when they come in.',
    pick: 'Choose an order to see its details',
    refresh: 'Refresh',
    toList: 'Back to the orders',
    detailFailed: 'The order could not be loaded.',
    missing: 'This order does not exist or is not yours to see.',
    buyer: 'Buyer',
    placedAt: 'Ordered',
    changedAt: 'Last change',
    items: 'Items',
    quantity: (n) => `× ${n}`,
    total: 'Total',
    steps: 'Next step',
    noSteps: 'There is no further step',
    waitingForPayment: 'Waiting for the buyer to pay',
    waitingForBuyer: 'Waiting for the buyer to complete it',
    step: {
      placed: 'Accept',
      paid: 'Confirm payment',
      preparing: 'Start preparing',
      shipped: 'Mark as shipped',
      delivered: 'Mark as delivered',
      completed: 'Complete',
      cancelled: 'Cancel the order',
      refunded: 'Refund',
    },
    sureHeading: {
      cancelled: 'Cancel this order?',
      refunded: 'Refund this order?',
    },
    sureWhy: 'This cannot be taken back. The buyer is told.',
    keep: 'Leave it',
    stepped: (number, status) => `Order ${number}: ${status}`,
    stepFailed: 'The order could not be taken further.',
  },
};

export default en;
