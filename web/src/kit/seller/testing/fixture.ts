import { render } from '@testing-library/svelte';
import { vi } from 'vitest';
import type { Component } from 'svelte';
import { createApi, type Schemas } from '../../../api/client';
import { Session } from '../session.svelte';
import { Router } from '../../../ui/router/router.svelte';
import type { Console } from '../console';
import { patterns } from '../routes';
import { fakeChat } from './fakeChat';
import Fixture from './Fixture.svelte';

/** What a test's server answers: a value is 200 with that body, a Response is itself. */
export type Answer = (request: Request, body: unknown) => unknown;

export const json = (body: unknown, status = 200): Response =>
  new Response(JSON.stringify(body), {
    status,
    headers: { 'Content-Type': status < 400 ? 'application/json' : 'application/problem+json' },
  });

/** A refusal as the server words it. */
export const problem = (status: number, code: string, field?: string): Response =>
  json({ type: 'about:blank', title: 'no', status, code, field }, status);

/**
 * The real API client on answers by "METHOD /path" (without /api/v1 and the query). What has no answer is a test
 * that fails with a 500 naming it.
 */
export function apiOf(answers: Record<string, Answer>) {
  const asked: { what: string; query: URLSearchParams; body: unknown }[] = [];
  const api = createApi({
    baseUrl: 'http://mall.test/api/v1',
    fetch: async (request) => {
      const url = new URL(request.url);
      const what = `${request.method} ${url.pathname.replace('/api/v1', '')}`;
      const text = await request.text();
      const body: unknown = text ? JSON.parse(text) : undefined;
      asked.push({ what, query: url.searchParams, body });
      const answer = answers[what]?.(request, body) ?? problem(500, `no answer for ${what}`);
      return answer instanceof Response ? answer : json(answer);
    },
  });
  return { api, asked };
}

export const member: Schemas['Member'] = {
  id: 'm1',
  email: 'moon@demo.mall',
  email_proved: true,
  name: '박달님',
  created_at: '2026-11-01T00:00:00Z',
};

/** A console of 달빛상점 for its owner. */
export function consoleOf(answers: Record<string, Answer> = {}, address = '/seller') {
  history.replaceState(null, '', address);
  const { api, asked } = apiOf(answers);
  const fake = fakeChat();
  const console: Console = {
    api,
    chat: fake.chat,
    router: new Router(patterns),
    session: new Session(api),
    shop: { id: 's1', name: '달빛상점', role: 'owner' },
    member,
  };
  vi.spyOn(console.router, 'go');
  return { ...fake, console, asked };
}

/** Draws a component that reads its console from the context. */
export function renderIn<P extends Record<string, unknown>>(
  console: Console,
  of: Component<P>,
  props: P,
) {
  return render(Fixture<P>, { props: { console, of, props } });
}

export function product(id: string, more: Partial<Schemas['Product']> = {}): Schemas['Product'] {
  return {
    id,
    shop_id: 's1',
    shop_name: '달빛상점',
    name: `상품 ${id}`,
    description: '',
    category: 'home',
    price_won: 14_900,
    stock: 5,
    sold_out: false,
    hidden: false,
    image_url: `/api/v1/products/${id}/image.svg`,
    created_at: '2026-11-01T00:00:00Z',
    updated_at: '2026-11-01T00:00:00Z',
    ...more,
  };
}

export function order(id: string, more: Partial<Schemas['Order']> = {}): Schemas['Order'] {
  return {
    id,
    number: `20261122-${id}`,
    shop_id: 's1',
    shop_name: '달빛상점',
    buyer_id: 'b1',
    buyer_name: '이서준',
    status: 'paid',
    total_won: 39_000,
    lines: [
      {
        product_id: 'p1',
        name: '머플러',
        image_url: '/api/v1/products/p1/image.svg',
        unit_price_won: 39_000,
        quantity: 1,
      },
    ],
    allowed_steps: ['preparing', 'refunded'],
    created_at: '2026-11-22T05:00:00Z',
    updated_at: '2026-11-22T05:00:00Z',
    ...more,
  };
}
