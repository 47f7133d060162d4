import { describe, expect, it } from 'vitest';
import ko from '../../../kit/seller/i18n/ko';
import shared from '../../../ui/i18n/ko';
import { message } from '../../../sdk/testing/fakes';
import { preview } from './preview';

const line = (last: Parameters<typeof preview>[0]) => preview(last, shared, ko);

describe('preview', () => {
  it('is the text in one line', () => {
    expect(line(message(1, { party: 'buyer', body: '재고\n있나요?' }))).toBe('재고 있나요?');
  });

  it('says who of the shop answered', () => {
    expect(line(message(1, { mine: true, body: '네' }))).toBe('나: 네');
    const colleague = { ...message(1, { mine: true, name: '지민', body: '네' }), byMe: false };
    expect(line(colleague)).toBe('지민: 네');
  });

  it('names a card, and puts notices into words', () => {
    const card = { kind: 'product', id: 'p1', title: '머그컵' } as const;
    expect(line(message(1, { party: 'buyer', kind: 'card', body: '', card }))).toBe('머그컵');
    expect(line(message(1, { party: 'system', kind: 'notice', body: 'order_shipped' }))).toBe(
      '배송이 시작되었습니다',
    );
    expect(line(message(1, { party: 'system', kind: 'notice', body: 'unheard_of' }))).toBe('알림');
  });

  it('says when there is nothing yet', () => {
    expect(line(undefined)).toBe('아직 메시지가 없습니다');
  });
});
