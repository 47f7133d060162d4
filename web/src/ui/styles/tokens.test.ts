import { describe, expect, test } from 'vitest';
import css from './tokens.css?raw';

/** Pairs that carry text (4.5:1), and those that only draw a control's edge or a focus ring (3:1). */
const text = [
  ['--text', '--bg'],
  ['--text', '--surface'],
  ['--text', '--raised'],
  ['--text', '--sunken'],
  ['--text', '--bubble'],
  ['--muted', '--bg'],
  ['--muted', '--surface'],
  ['--muted', '--raised'],
  ['--muted', '--sunken'],
  ['--accent', '--bg'],
  ['--accent', '--surface'],
  ['--accent', '--accent-soft'],
  ['--accent', '--bubble'],
  ['--on-accent', '--accent-fill'],
  ['--on-accent', '--accent-fill-hover'],
  ['--on-accent', '--error-fill'],
  ['--unread', '--bg'],
  ['--error', '--bg'],
  ['--error', '--surface'],
  ['--error', '--raised'],
  ['--error', '--error-soft'],
  ['--sale', '--bg'],
  ['--sale', '--surface'],
  ['--ok', '--ok-soft'],
  ['--warn', '--warn-soft'],
] as const;
const edges = [
  ['--line-strong', '--surface'],
  ['--line-strong', '--bg'],
  ['--focus', '--bg'],
  ['--focus', '--surface'],
] as const;

function value(name: string, look: 'light' | 'dark'): string {
  const found = new RegExp(`${name}:\\s*([^;]+);`).exec(css)?.[1]?.trim() ?? '';
  const alias = /^var\((--[\w-]+)\)$/.exec(found)?.[1];
  if (alias) return value(alias, look);
  const pair = /light-dark\((#\w{6}),\s*(#\w{6})\)/.exec(found);
  return pair ? pair[look === 'light' ? 1 : 2]! : found;
}

function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((i) => {
    const c = parseInt(hex.slice(i, i + 2), 16) / 255;
    return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

function contrast(a: string, b: string): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high! + 0.05) / (low! + 0.05);
}

describe.each(['light', 'dark'] as const)('%s', (look) => {
  test.each(text)('%s reads on %s', (front, back) => {
    expect(contrast(value(front, look), value(back, look))).toBeGreaterThanOrEqual(4.5);
  });

  test.each(edges)('%s stands out on %s', (front, back) => {
    expect(contrast(value(front, look), value(back, look))).toBeGreaterThanOrEqual(3);
  });
});
