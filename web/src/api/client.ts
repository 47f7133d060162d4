// The typed REST client of both apps.
//
//   const page = await call(api.GET('/products', { params: { query: { q: '머그컵' } } }));
//
// `call` gives the answer's body or throws ApiError.
import createClient, { type Client, type Middleware } from 'openapi-fetch';
import { isLost, memberHeader, noAnswer, readProblem, tellLost } from './problem';
import type { components, paths } from './schema.gen';

export { ApiError, onUnauthenticated, type ApiErrorDetails } from './problem';
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

/** What asks who is signed in, or signs in: it speaks for nobody yet. */
const forNobody = new Set(['GET /me', 'POST /session', 'POST /members']);

/** Whom each client speaks for. Tabs share a cookie: the server refuses what is meant for another member's session. */
const speakers = new WeakMap<object, string>();

/** From now on the client's calls are this member's, or nobody's in particular. */
export function speakFor(client: Api, memberId: string | undefined): void {
  if (memberId === undefined) speakers.delete(client);
  else speakers.set(client, memberId);
}

function speaking(client: object): Middleware {
  return {
    onRequest({ request, schemaPath }) {
      const memberId = speakers.get(client);
      if (memberId !== undefined && !forNobody.has(`${request.method} ${schemaPath}`)) {
        request.headers.set(memberHeader, memberId);
      }
      return request;
    },
  };
}

const problems: Middleware = {
  async onResponse({ response, schemaPath }) {
    if (response.ok) return;
    const error = await readProblem(response);
    if (isLost(error) && !logins.has(schemaPath)) tellLost(error);
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
  client.use(problems, speaking(client));
  return client;
}

export const api: Api = createApi();

/** The body of a successful answer (undefined for 204); everything else is thrown as ApiError. */
export async function call<T>(answer: Promise<{ data?: T; response: Response }>): Promise<T> {
  return (await answer).data as T;
}
