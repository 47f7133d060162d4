import { expect, test, vi } from 'vitest';
import { product, server } from './testing';
import { Catalogue, toCategory } from './catalogue.svelte';

test('one list for each search, there again on the way back', async () => {
  const { api, asked } = server({
    'GET /products': ({ query }) =>
      query.get('cursor')
        ? { items: [product({ id: 'p2' })] }
        : { items: [product()], next_cursor: 'next' },
  });
  const catalogue = new Catalogue(api);
  const list = catalogue.list({ q: '머그', category: 'home' });
  await list.next();
  await list.next();
  expect(list.items.map((p) => p.id)).toEqual(['p1', 'p2']);
  expect(list.more).toBe(false);
  expect(asked.map((a) => Object.fromEntries(a.query))).toEqual([
    { q: '머그', category: 'home', limit: '24' },
    { q: '머그', category: 'home', limit: '24', cursor: 'next' },
  ]);
  expect(catalogue.list({ q: '머그', category: 'home' })).toBe(list);
  expect(catalogue.list({})).not.toBe(list);
  expect(catalogue.known('p2')?.id).toBe('p2');
});

test('an old list is asked for anew', () => {
  vi.useFakeTimers();
  const catalogue = new Catalogue(server({}).api);
  const list = catalogue.list({});
  vi.advanceTimersByTime(60_000);
  expect(catalogue.list({})).not.toBe(list);
  vi.useRealTimers();
});

test('only real categories', () => {
  expect(toCategory('food')).toBe('food');
  expect(toCategory('constructor')).toBeUndefined();
  expect(toCategory(null)).toBeUndefined();
});
