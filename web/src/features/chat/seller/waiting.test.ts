import { describe, expect, it } from 'vitest';
import { waitLevel } from './waiting';

const minutes = (n: number) => n * 60_000;

describe('waitLevel', () => {
  it.each([
    [-5000, 'fresh'],
    [minutes(30) - 1, 'fresh'],
    [minutes(30), 'late'],
    [minutes(120) - 1, 'late'],
    [minutes(120), 'overdue'],
  ])('%i ms is %s', (ms, level) => {
    expect(waitLevel(ms)).toBe(level);
  });
});
