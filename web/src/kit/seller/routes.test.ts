import { describe, expect, it } from 'vitest';
import { match } from '../../ui/router/match';
import { patterns, statusOf, tabOf, to } from './routes';

const read = (address: string) => {
  const url = new URL(address, 'http://mall.test');
  return { ...match(patterns, url.pathname), query: url.searchParams };
};

describe('routes', () => {
  it.each([
    [to.inbox('held'), 'inbox', {}],
    [to.room('r1', 'done'), 'room', { id: 'r1' }],
    [to.products(), 'products', {}],
    [to.newProduct(), 'newProduct', {}],
    [to.product('p1'), 'product', { id: 'p1' }],
    [to.orders('paid'), 'orders', {}],
    [to.order('o1'), 'order', { id: 'o1' }],
    [to.settings(), 'settings', {}],
    ['/seller/nowhere', undefined, undefined],
  ])('%s', (address, name, params) => {
    expect(read(address).name).toBe(name);
    expect(read(address).params).toEqual(params);
  });

  it('keeps the tab and the filter in the address, except the default ones', () => {
    expect(tabOf(read(to.room('r1', 'done')).query)).toBe('done');
    expect(statusOf(read(to.order('o1', 'shipped')).query)).toBe('shipped');
    expect(to.inbox()).toBe('/seller');
    expect(to.orders()).toBe('/seller/orders');
    expect(tabOf(read('/seller?tab=other').query)).toBe('waiting');
    expect(statusOf(read('/seller/orders?status=other').query)).toBeUndefined();
  });
});
