// Answers and contexts for tests of the buyer's parts.
import { vi } from 'vitest';
import { createApi, type Api, type Schemas } from '../../../api/client';
import { Chats } from '../chats.svelte';
import { Session } from '../session.svelte';
import { Catalogue } from '../catalogue.svelte';
import type { Chat } from '../../../sdk';
import { Router } from '../../../ui/router/router.svelte';
import type { Buyer } from '../context';
import { patterns } from '../routes';

/** One thing the server was asked: "POST /orders" with its body. */
export interface Asked {
  readonly what: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
}

export type Answers = Record<string, (asked: Asked) => object | number | Response | Error>;

/** A server in memory: an object is a 200, a number a refusal, a Response itself, an Error a lost connection. */
export function server(answers: Answers): { api: Api; asked: Asked[] } {
  const asked: Asked[] = [];
  const api = createApi({
    baseUrl: 'http://mall.test/api/v1',
    async fetch(request) {
      const url = new URL(request.url);
      const text = await request.text();
      const one = {
        what: `${request.method} ${url.pathname.replace('/api/v1', '')}`,
        query: url.searchParams,
        body: text ? (JSON.parse(text) as unknown) : undefined,
      };
      asked.push(one);
      const answer = answers[one.what]?.(one) ?? 404;
      if (answer instanceof Error) throw answer;
      if (answer instanceof Response) return answer;
      return typeof answer === 'number' ? refusal(answer) : Response.json(answer);
    },
  });
  return { api, asked };
}

/** A problem document with this code. */
export function problem(status: number, code: string, more: object = {}): Response {
  const body = { type: 'about:blank', title: code, status, code, ...more };
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'Content-Type': 'application/problem+json' },
  });
}

const codes: Record<number, string> = { 401: 'unauthenticated', 404: 'not_found', 409: 'conflict' };
const refusal = (status: number) => problem(status, codes[status] ?? 'unavailable');

export const me: Schemas['Me'] = {
  member: {
    id: 'm1',
    email: 'jimin@test',
    email_proved: true,
    name: '지민',
    created_at: '2026-11-22T00:00:00Z',
  },
  operator: false,
  second_factor: false,
  second_factor_demanded: false,
  shops: [],
};

export function product(change: Partial<Schemas['Product']> = {}): Schemas['Product'] {
  return {
    id: 'p1',
    shop_id: 's1',
    shop_name: '달빛상점',
    name: '달빛 머그컵',
    description: '',
    category: 'home',
    price_won: 14900,
    stock: 8,
    sold_out: false,
    hidden: false,
    image_url: '/image.svg',
    created_at: '2026-11-22T00:00:00Z',
    updated_at: '2026-11-22T00:00:00Z',
    ...change,
  };
}

export function order(change: Partial<Schemas['Order']> = {}): Schemas['Order'] {
  return {
    id: 'o1',
    number: '20261122-AAAAAA',
    shop_id: 's1',
    shop_name: '달빛상점',
    buyer_id: 'm1',
    buyer_name: '지민',
    status: 'placed',
    total_won: 29800,
    lines: [
      {
        product_id: 'p1',
        name: '달빛 머그컵',
        unit_price_won: 14900,
        quantity: 2,
        image_url: '/image.svg',
      },
    ],
    allowed_steps: ['paid', 'cancelled'],
    created_at: '2026-11-22T00:00:00Z',
    updated_at: '2026-11-22T00:00:00Z',
    ...change,
  };
}

/** What a component of the buyer app finds around it. */
export function buyer(answers: Answers, chat?: Partial<Chat>): Buyer & { asked: Asked[] } {
  const { api, asked } = server(answers);
  const chats = new Chats(async () => ({ connect: vi.fn(), destroy: vi.fn(), ...chat }) as Chat);
  return {
    api,
    asked,
    router: new Router(patterns),
    session: new Session(api),
    chats,
    catalogue: new Catalogue(api),
  };
}
