import { call, type Api, type Schemas } from '../../../api/client';

export type Order = Schemas['Order'];
export type OrderStatus = Schemas['OrderStatus'];

/** The way of an order that goes well, in its order. */
export const road: readonly OrderStatus[] = [
  'placed',
  'paid',
  'preparing',
  'shipped',
  'delivered',
  'completed',
];

/** Orders one product. The same clientOrderId places the same order once. Rejects with ApiError. */
export function placeOrder(
  api: Api,
  order: { shopId: string; productId: string; quantity: number; clientOrderId: string },
): Promise<Order> {
  const body = {
    shop_id: order.shopId,
    client_order_id: order.clientOrderId,
    lines: [{ product_id: order.productId, quantity: order.quantity }],
  };
  return call(api.POST('/orders', { body }));
}

/** Rejects with ApiError. */
export function getOrder(api: Api, id: string, signal?: AbortSignal): Promise<Order> {
  const params = { path: { order_id: id } };
  return call(api.GET('/orders/{order_id}', { params, ...(signal ? { signal } : {}) }));
}

/** One page of the member's own orders. Rejects with ApiError. */
export function myOrders(api: Api, pageToken: string | undefined): Promise<Schemas['OrderPage']> {
  return call(api.GET('/orders', { params: { query: { cursor: pageToken, limit: 20 } } }));
}

/** Takes an order one step further. Rejects with ApiError. */
export function stepOrder(api: Api, id: string, to: OrderStatus): Promise<Order> {
  const params = { path: { order_id: id } };
  return call(api.POST('/orders/{order_id}/steps', { params, body: { to } }));
}
