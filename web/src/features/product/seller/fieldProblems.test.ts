import { describe, expect, it } from 'vitest';
import { ApiError } from '../../../api/client';
import { fieldAtFault } from './fieldProblems';

const refused = (field?: string) =>
  new ApiError({ status: 400, code: 'bad_request', message: 'no', retryable: false, field });

describe('fieldAtFault', () => {
  const fields = ['name', 'price_won'] as const;

  it.each([
    ['price_won', 'price_won'],
    ['/price_won', 'price_won'],
    ['body.name', 'name'],
    ['shop_id', undefined],
  ])('%s is the field %s', (field, found) => {
    expect(fieldAtFault(refused(field), fields)).toBe(found);
  });

  it('is nothing for refusals about no field and for foreign errors', () => {
    expect(fieldAtFault(refused(), fields)).toBeUndefined();
    expect(fieldAtFault(new TypeError('name'), fields)).toBeUndefined();
  });
});
