const minMs = 500;
const maxMs = 30_000;

/**
 * Full jitter: uniform in [0, min(30 s, 0.5 s * 2^n)) milliseconds, n counting from 0. Clients that lost the same
 * server at the same moment spread over the whole range instead of returning in waves.
 */
export function fullJitter(n: number, random: () => number): number {
  return random() * Math.min(maxMs, minMs * 2 ** n);
}
