import type { Status } from '../../../sdk';

export type Bar =
  | {
      readonly kind:
        'reconnecting' | 'offline' | 'connected' | 'signIn' | 'refused' | 'tooMany' | 'closed';
    }
  | { readonly kind: 'retryIn'; readonly seconds: number };

/** Interruptions shorter than this are nobody's business. */
export const quietFor = 2_000;
/** How long the good news stays. */
export const connectedFor = 1_200;
/** Waits longer than this are counted down, with a way to cut them short. */
const longWait = 15_000;

const byCode: Record<number, 'signIn' | 'refused' | 'tooMany'> = {
  4401: 'signIn',
  4403: 'refused',
  4409: 'tooMany',
};

/**
 * What the bar says now. waitFrom is when this wait began, so that a countdown stays one to its end; connectedAt is
 * when the link came back after the bar had said that it was gone.
 */
export function connectionBar(
  status: Status,
  now: number,
  waitFrom?: number,
  connectedAt?: number,
): Bar | undefined {
  if (status.phase === 'closed') return { kind: byCode[status.code ?? 0] ?? 'closed' };
  if (status.phase !== 'idle' && !status.online) return { kind: 'offline' };
  if (status.phase === 'live') {
    const news = connectedAt !== undefined && now - connectedAt < connectedFor;
    return news ? { kind: 'connected' } : undefined;
  }
  if (status.phase === 'idle') return undefined;
  if (status.downSince === undefined || now - status.downSince < quietFor) return undefined;
  const { retryAt } = status;
  if (retryAt !== undefined && retryAt - (waitFrom ?? now) > longWait && retryAt > now) {
    return { kind: 'retryIn', seconds: Math.ceil((retryAt - now) / 1000) };
  }
  return { kind: 'reconnecting' };
}
