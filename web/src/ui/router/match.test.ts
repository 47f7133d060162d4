import { expect, test } from 'vitest';
import { match } from './match';

const patterns = {
  home: '/',
  product: '/p/:id',
  inquiries: '/inquiries',
  inquiry: '/inquiries/:id',
};

test.each([
  ['/', 'home', {}],
  ['/p/17', 'product', { id: '17' }],
  ['/p/a%20b', 'product', { id: 'a b' }],
  ['/inquiries/', 'inquiries', {}],
  ['/inquiries/9', 'inquiry', { id: '9' }],
])('%s', (path, name, params) => {
  expect(match(patterns, path)).toEqual({ name, params });
});

test.each(['/p', '/p/1/2', '/seller', '/inquiriesx'])('%s belongs to nobody', (path) => {
  expect(match(patterns, path)).toBeUndefined();
});

test('a broken escape is no reason to fail', () => {
  expect(match(patterns, '/p/%E0%A4')).toEqual({ name: 'product', params: { id: '%E0%A4' } });
});
