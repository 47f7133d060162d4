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
const logins = new Set(['/session', '/session/second-factor', '/auth/login', '/auth/refresh']);

/** Where a member who is signed in gives a password or a code, which may be wrong. */
const proofs = new Set(['/me/password', '/me/step-up/answer']);

/** What asks who is signed in, or signs in, or comes from a mailed link: it speaks for nobody yet. */
const forNobody = new Set([
  'GET /me',
  'POST /session',
  'POST /session/second-factor',
  'POST /members',
  'POST /email-proofs',
  'POST /password-resets',
  'POST /password-resets/redeem',
]);

/** Whom each client speaks for. Tabs share a cookie: the server refuses what is meant for another member's session. */
const speakers = new WeakMap<object, string>();

/** From now on the client's calls are this member's, or nobody's in particular. */
export function speakFor(client: Api, memberId: string | undefined): void {
  if (memberId === undefined) speakers.delete(client);
  else speakers.set(client, memberId);
}

/** Has the member prove once more who they are; resolves with whether they did. */
export type StepUp = () => Promise<boolean>;

const stepUps = new WeakMap<object, StepUp>();

/** Asks the member by this when a call of the client is refused until they prove again who they are. */
export function stepUpWith(client: Api, ask: StepUp | undefined): void {
  if (ask) stepUps.set(client, ask);
  else stepUps.delete(client);
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

/** What was given is wrong: the session is what it was. */
const isWrong = (code: string, path: string) =>
  logins.has(path) || (proofs.has(path) && code !== 'unauthenticated');

const problems: Middleware = {
  async onResponse({ response, schemaPath }) {
    if (response.ok) return;
    const error = await readProblem(response);
    if (isLost(error) && !isWrong(error.code, schemaPath)) tellLost(error);
    throw error;
  },
  onError: ({ error }) => noAnswer(error),
};

export function createApi(options: ApiOptions = {}): Api {
  const send = options.fetch ?? ((request: Request) => fetch(request));
  const timeoutMs = options.timeoutMs ?? 20_000;
  const attempt = (request: Request) => {
    const signal = AbortSignal.any([request.signal, AbortSignal.timeout(timeoutMs)]);
    return send(new Request(request, { signal }));
  };
  const client: Api = createClient<paths>({
    baseUrl: options.baseUrl ?? '/api/v1',
    credentials: 'same-origin',
    fetch: async (request: Request) => {
      const ask = stepUps.get(client);
      if (!ask) return attempt(request);
      const again = request.clone();
      const answer = await inHand(await attempt(request));
      // Once only: what is refused after the proof is refused for good.
      return (await wantsStepUp(answer)) && (await ask()) ? attempt(again) : answer;
    },
  });
  client.use(problems, speaking(client));
  return client;
}

/** A refusal that is read already: whoever is asked takes longer than an answer may, and it would be cut off meanwhile. */
async function inHand(answer: Response): Promise<Response> {
  if (answer.status !== 403) return answer;
  const { status, headers } = answer;
  return new Response(await answer.text(), { status, headers });
}

async function wantsStepUp(answer: Response): Promise<boolean> {
  return answer.status === 403 && (await readProblem(answer.clone())).code === 'step_up_required';
}

export const api: Api = createApi();

/** The body of a successful answer (undefined for 204); everything else is thrown as ApiError. */
export async function call<T>(answer: Promise<{ data?: T; response: Response }>): Promise<T> {
  return (await answer).data as T;
}
