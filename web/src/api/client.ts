// The typed REST client of both apps.
//
//   const page = await call(api.GET('/products', { params: { query: { q: '머그컵' } } }));
//
// `call` gives the answer's body or throws ApiError.
import createClient, { type Client, type Middleware } from 'openapi-fetch';
import { noAnswer, readProblem, type ApiError } from './problem';
import type { components, paths } from './schema.gen';

export { ApiError, type ApiErrorDetails } from './problem';
export type Schemas = components['schemas'];
export type Api = Client<paths, `${string}/${string}`>;

export interface ApiOptions {
  /** Default `/api/v1` on this origin. */
  baseUrl?: string;
  fetch?: (request: Request) => Promise<Response>;
  /** Milliseconds without an answer after which a request fails with `timeout`; default 20 s. */
  timeoutMs?: number;
}

/** Where wrong credentials are answered with 401: that is no lost session. */
const logins = new Set(['/session', '/auth/login', '/auth/refresh']);

const listeners = new Set<(error: ApiError) => void>();

/** Calls fn whenever the server no longer knows the session: time for the sign-in sheet. Returns what ends it. */
export function onUnauthenticated(fn: (error: ApiError) => void): () => void {
  listeners.add(fn);
  return () => listeners.delete(fn);
}

const problems: Middleware = {
  async onResponse({ response, schemaPath }) {
    if (response.ok) return;
    const error = await readProblem(response);
    if (error.status === 401 && !logins.has(schemaPath)) {
      for (const fn of [...listeners]) fn(error);
    }
    throw error;
  },
  onError: ({ error }) => noAnswer(error),
};

export function createApi(options: ApiOptions = {}): Api {
  const send = options.fetch ?? ((request: Request) => fetch(request));
  const timeoutMs = options.timeoutMs ?? 20_000;
  const client = createClient<paths>({
    baseUrl: options.baseUrl ?? '/api/v1',
    credentials: 'same-origin',
    fetch: (request: Request) => {
      const signal = AbortSignal.any([request.signal, AbortSignal.timeout(timeoutMs)]);
      return send(new Request(request, { signal }));
    },
  });
  client.use(problems);
  return client;
}

export const api: Api = createApi();

/** The body of a successful answer (undefined for 204); everything else is thrown as ApiError. */
export async function call<T>(answer: Promise<{ data?: T; response: Response }>): Promise<T> {
  return (await answer).data as T;
}
