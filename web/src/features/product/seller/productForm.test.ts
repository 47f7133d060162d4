import { describe, expect, it } from 'vitest';
import type { Schemas } from '../../../api/client';
import { draftOf, editOf, emptyFields, fieldsOf, problemsOf, readNumber } from './productForm';

const product: Schemas['Product'] = {
  id: 'p1',
  shop_id: 's1',
  shop_name: '달빛상점',
  name: '머그컵',
  description: '따뜻해요',
  category: 'home',
  price_won: 12_000,
  list_price_won: 15_000,
  stock: 3,
  sold_out: false,
  hidden: false,
  image_url: '/api/v1/products/p1/image.svg',
  created_at: '2026-11-01T00:00:00Z',
  updated_at: '2026-11-01T00:00:00Z',
};

describe('readNumber', () => {
  it.each([
    ['39,000', 39_000],
    [' 39000원 ', 39_000],
    ['-5', -5],
    ['−5', -5],
    ['0', 0],
    ['', undefined],
    ['3.5', undefined],
    ['열 개', undefined],
  ])('%j is %j', (text, number) => {
    expect(readNumber(text)).toBe(number);
  });
});

describe('problemsOf', () => {
  it('asks for what a new product needs', () => {
    expect(problemsOf(emptyFields(), true)).toEqual({
      name: 'required',
      price_won: 'required',
      stock: 'required',
    });
  });

  it('leaves the stock alone when editing', () => {
    expect(problemsOf({ ...fieldsOf(product), stock: 'x' }, false)).toEqual({});
  });

  it('names each kind of trouble', () => {
    const fields = fieldsOf(product);
    expect(problemsOf({ ...fields, name: '가'.repeat(121) }, false)).toEqual({ name: 'tooLong' });
    expect(problemsOf({ ...fields, price_won: '많이' }, false)).toEqual({ price_won: 'number' });
    expect(problemsOf({ ...fields, price_won: '-1' }, false)).toEqual({ price_won: 'number' });
    expect(problemsOf({ ...fields, price_won: '2000000000', list_price_won: '' }, false)).toEqual({
      price_won: 'tooHigh',
    });
    expect(problemsOf({ ...fields, list_price_won: '12,000' }, false)).toEqual({
      list_price_won: 'listPrice',
    });
  });

  it('counts code points, as the server does', () => {
    expect(problemsOf({ ...fieldsOf(product), name: '🌙'.repeat(120) }, false)).toEqual({});
  });
});

describe('draftOf', () => {
  it('turns what was typed into a request', () => {
    const fields = { ...emptyFields(), name: ' 컵 ', price_won: '1,000원', stock: '7' };
    expect(draftOf(fields)).toEqual({
      name: '컵',
      description: '',
      category: 'fashion',
      price_won: 1000,
      stock: 7,
      hidden: false,
    });
  });
});

describe('editOf', () => {
  it('sends changed fields only', () => {
    expect(editOf({ ...fieldsOf(product), price_won: '11,000', hidden: true }, product)).toEqual({
      price_won: 11_000,
      hidden: true,
    });
  });

  it('is nothing when nothing changed', () => {
    expect(editOf(fieldsOf(product), product)).toBeUndefined();
  });

  it('ends a sale with a list price of 0', () => {
    expect(editOf({ ...fieldsOf(product), list_price_won: '' }, product)).toEqual({
      list_price_won: 0,
    });
  });
});
