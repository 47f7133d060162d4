import { flushSync } from 'svelte';
import { afterEach, expect, test } from 'vitest';
import en from './en';
import { dictionary, locale, setLocale, texts } from './index';
import ko from './ko';

afterEach(() => setLocale('ko'));

test('a component follows the language', async () => {
  const seen: string[] = [];
  const end = $effect.root(() => {
    $effect(() => {
      seen.push(`${locale()} ${texts.t.common.close}`);
    });
  });
  flushSync();
  await setLocale('en');
  flushSync();
  end();
  expect(seen).toEqual(['ko 닫기', 'en Close']);
  expect(document.documentElement.lang).toBe('en');
});

test('a dictionary that comes later speaks the language already chosen', async () => {
  await setLocale('en');
  const late = dictionary({ hello: '안녕' }, { en: async () => ({ default: { hello: 'Hello' } }) });
  await expect.poll(() => late.t.hello).toBe('Hello');
});

test('English has a text wherever Korean has one', () => {
  const empty = (tree: object, path = ''): string[] =>
    Object.entries(tree).flatMap(([key, value]) =>
      typeof value === 'object'
        ? empty(value as object, `${path}${key}.`)
        : value === ''
          ? [path + key]
          : [],
    );
  expect(empty(en)).toEqual([]);
  expect(empty(ko)).toEqual([]);
});
