import { flushSync } from 'svelte';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Router } from './router.svelte';

let stop: () => void;
let router: Router<{ home: string; product: string }>;

beforeEach(() => {
  history.replaceState(null, '', '/');
  vi.stubGlobal('scrollTo', vi.fn());
  router = new Router({ home: '/', product: '/p/:id' });
  stop = router.start();
});

afterEach(() => {
  stop();
  document.body.replaceChildren();
  vi.unstubAllGlobals();
});

function click(href: string, init: MouseEventInit = {}, target = ''): boolean {
  const link = document.createElement('a');
  link.href = href;
  if (target) link.target = target;
  // Keeps the test page where it is; runs after the router's own listener.
  link.addEventListener('click', () => undefined);
  document.body.append(link);
  return !link.dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true, ...init }));
}

test('takes over clicks on its own pages', () => {
  expect(click('/p/3?x=1')).toBe(true);
  expect(router.here).toMatchObject({ name: 'product', params: { id: '3' }, path: '/p/3' });
  expect(router.here.query.get('x')).toBe('1');
  expect(router.depth).toBe(1);
});

test.each([
  ['another app', '/seller', {}, ''],
  ['another origin', 'https://elsewhere.test/p/3', {}, ''],
  ['a new tab by key', '/p/3', { ctrlKey: true }, ''],
  ['a new tab by target', '/p/3', {}, '_blank'],
  ['the middle button', '/p/3', { button: 1 }, ''],
])('leaves %s to the browser', (_, href, init, target) => {
  // A listener after the router's stops the real navigation and shows that nobody did before.
  let before = true;
  addEventListener(
    'click',
    (event) => {
      before = event.defaultPrevented;
      event.preventDefault();
    },
    { once: true },
  );
  click(href, init, target);
  expect(before).toBe(false);
  expect(router.here.name).toBe('home');
});

test('a query changes without leaving the page', () => {
  router.go('/p/3');
  router.query({ chat: '7' });
  expect(router.here).toMatchObject({ name: 'product', params: { id: '3' } });
  expect(location.search).toBe('?chat=7');
  router.query({ chat: null }, { replace: true });
  expect(location.search).toBe('');
});

test('back without history goes to the given page', () => {
  router.back('/p/1');
  expect(router.here.path).toBe('/p/1');
  expect(router.depth).toBe(0);
});

test('a component follows the place', () => {
  const seen: (string | undefined)[] = [];
  const end = $effect.root(() => {
    $effect(() => {
      seen.push(router.here.name);
    });
  });
  flushSync();
  router.go('/nowhere');
  flushSync();
  end();
  expect(seen).toEqual(['home', undefined]);
});
