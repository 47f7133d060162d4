import type { InquiryState } from '../../sdk';
import type { Schemas } from '../../api/client';

export type OrderStatus = Schemas['OrderStatus'];

/** The inbox's tabs, in the order they stand. */
export const inquiryStates: readonly InquiryState[] = ['waiting', 'open', 'held', 'done'];
/** The life of an order, in the order it runs. */
export const orderStatuses: readonly OrderStatus[] = [
  'placed',
  'paid',
  'preparing',
  'shipped',
  'delivered',
  'completed',
  'cancelled',
  'refunded',
];

/** The console's pages; the first pattern that fits wins. */
export const patterns = {
  inbox: '/seller',
  room: '/seller/c/:id',
  products: '/seller/products',
  newProduct: '/seller/products/new',
  product: '/seller/products/:id',
  orders: '/seller/orders',
  order: '/seller/orders/:id',
  settings: '/seller/settings',
} as const;

export type PageName = keyof typeof patterns;

/** The tab that an address of the inbox asks for. */
export const tabOf = (query: URLSearchParams): InquiryState =>
  inquiryStates.find((state) => state === query.get('tab')) ?? 'waiting';

/** The status that an address of the orders asks for; undefined is all of them. */
export const statusOf = (query: URLSearchParams): OrderStatus | undefined =>
  orderStatuses.find((status) => status === query.get('status'));

/** The addresses of the console; the default tab and filter leave no trace in them. */
export const to = {
  inbox: (tab: InquiryState = 'waiting') => `/seller${tab === 'waiting' ? '' : `?tab=${tab}`}`,
  room: (id: string, tab: InquiryState = 'waiting') =>
    `/seller/c/${id}${tab === 'waiting' ? '' : `?tab=${tab}`}`,
  products: () => '/seller/products',
  newProduct: () => '/seller/products/new',
  product: (id: string) => `/seller/products/${id}`,
  orders: (status?: OrderStatus) => `/seller/orders${status ? `?status=${status}` : ''}`,
  order: (id: string, status?: OrderStatus) =>
    `/seller/orders/${id}${status ? `?status=${status}` : ''}`,
  settings: () => '/seller/settings',
};
