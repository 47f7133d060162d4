import type { OrderStatus } from '../../../kit/seller/routes';

/** The colour a status is shown in. */
export type Tone = 'neutral' | 'accent' | 'ok' | 'warn' | 'error';

const tones: Record<OrderStatus, Tone> = {
  placed: 'neutral',
  paid: 'warn',
  preparing: 'accent',
  shipped: 'accent',
  delivered: 'ok',
  completed: 'ok',
  cancelled: 'error',
  refunded: 'error',
};

export const toneOf = (status: OrderStatus): Tone => tones[status];

/** Steps that end the order against someone's wish: asked about first. */
export type FinalStep = 'cancelled' | 'refunded';

export const isFinal = (status: OrderStatus): status is FinalStep =>
  status === 'cancelled' || status === 'refunded';
