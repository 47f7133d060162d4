import { expect, test } from 'vitest';
import { linkify } from './linkify';

const origin = 'https://mall.test';
const links = (text: string) => linkify(text, origin).flatMap((s) => s.href ?? []);

test.each([
  ['https://a.kr/x', ['https://a.kr/x']],
  ['보세요 https://a.kr/x. 네', ['https://a.kr/x']],
  ['(https://a.kr/x)', ['https://a.kr/x']],
  ['https://a.kr/x_(y)', ['https://a.kr/x_(y)']],
  ['https://a.kr/x를 보세요', ['https://a.kr/x']],
  ['HTTP://A.kr', ['http://a.kr/']],
  ['https://a.kr https://b.kr', ['https://a.kr/', 'https://b.kr/']],
])('%s', (text, expected) => expect(links(text)).toEqual(expected));

test.each([
  'javascript:alert(1)',
  'data:text/html,x',
  'www.a.kr',
  'https://mall.test@evil.kr/x',
  'https://',
  'https://%',
  'ftp://a.kr',
])('%s stays plain text', (text) => {
  expect(links(text)).toEqual([]);
});

test('nothing of the text is lost', () => {
  const text = '앞 https://a.kr/x?q=<b>&r=1, 뒤\n<img src=x onerror=1> https://b.kr!';
  expect(
    linkify(text, origin)
      .map((s) => s.text)
      .join(''),
  ).toBe(text);
});

test('knows its own pages', () => {
  expect(linkify('https://mall.test/p/1', origin)).toEqual([
    { text: 'https://mall.test/p/1', href: 'https://mall.test/p/1', own: true },
  ]);
});
