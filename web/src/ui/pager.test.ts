import { describe, expect, it, vi } from 'vitest';
import { Pager, type Page } from './pager.svelte';

interface Item {
  id: string;
  n?: number;
}

const page = (ids: string, next?: string): Page<Item> => ({
  items: [...ids].map((id) => ({ id })),
  next_cursor: next,
});
const ids = (pager: Pager<Item>) => pager.items.map((item) => item.id).join('');

describe('Pager', () => {
  it('follows the page token to the end and shows nothing twice', async () => {
    const load = vi.fn().mockResolvedValueOnce(page('ab', 'x')).mockResolvedValueOnce(page('bc'));
    const pager = new Pager<Item>(load);
    await pager.next();
    expect(pager.more).toBe(true);
    await pager.next();
    await pager.next();
    expect(ids(pager)).toBe('abc');
    expect(load.mock.calls).toEqual([[undefined], ['x']]);
    expect(pager.more).toBe(false);
  });

  it('keeps the error, and the next try goes on where it stood', async () => {
    const load = vi
      .fn()
      .mockResolvedValueOnce(page('a', 'x'))
      .mockRejectedValueOnce(new Error('away'))
      .mockResolvedValueOnce(page('b'));
    const pager = new Pager<Item>(load);
    await pager.next();
    await pager.next();
    expect(pager.error).toBeInstanceOf(Error);
    expect(ids(pager)).toBe('a');
    await pager.next();
    expect(pager.error).toBeUndefined();
    expect(ids(pager)).toBe('ab');
  });

  it('drops an answer that a reload has overtaken', async () => {
    let late: (page: Page<Item>) => void = () => undefined;
    const load = vi
      .fn()
      .mockReturnValueOnce(new Promise<Page<Item>>((resolve) => (late = resolve)))
      .mockResolvedValueOnce(page('z'));
    const pager = new Pager<Item>(load);
    const first = pager.next();
    await pager.reload();
    late(page('a'));
    await first;
    expect(ids(pager)).toBe('z');
    expect(pager.loading).toBe(false);
  });

  it('changes and removes single items in place', async () => {
    const pager = new Pager<Item>(() => Promise.resolve(page('abc')));
    await pager.next();
    pager.replace({ id: 'b', n: 1 });
    pager.remove('a');
    expect(pager.items).toEqual([{ id: 'b', n: 1 }, { id: 'c' }]);
  });
});
