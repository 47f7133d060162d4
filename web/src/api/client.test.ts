import { describe, expect, it, vi } from 'vitest';
import { ApiError, call, createApi, onUnauthenticated, speakFor, stepUpWith } from './client';

const baseUrl = 'https://mall.test/api/v1';

function answering(response: Response | (() => Promise<Response>)) {
  const fetch = vi.fn((_: Request) =>
    typeof response === 'function' ? response() : Promise.resolve(response),
  );
  return { fetch, api: createApi({ baseUrl, fetch }) };
}

function problem(status: number, body: object, headers: Record<string, string> = {}) {
  return new Response(JSON.stringify({ type: 'about:blank', title: 'no', status, ...body }), {
    status,
    headers: { 'Content-Type': 'application/problem+json', ...headers },
  });
}

const failure = async (promise: Promise<unknown>) => {
  const error = await promise.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(ApiError);
  return error as ApiError;
};

describe('the REST client', () => {
  it('gives the body and sends the cookie to its own origin only', async () => {
    const { api, fetch } = answering(Response.json({ unread: 2, unread_rooms: 1, states: {} }));
    const summary = await call(api.GET('/chat/summary', { params: { query: { shop_id: 's 1' } } }));
    expect(summary.unread).toBe(2);
    const request = fetch.mock.calls[0]![0];
    expect(request.url).toBe(`${baseUrl}/chat/summary?shop_id=s%201`);
    expect(request.credentials).toBe('same-origin');
  });

  it('turns a problem document into an ApiError', async () => {
    const { api } = answering(
      problem(429, {
        code: 'rate_limited',
        detail: 'slow down',
        field: 'email',
        request_id: 'r1',
        retryable: true,
        retry_after_ms: 1500,
      }),
    );
    const error = await failure(call(api.GET('/me')));
    expect({ ...error, message: error.message }).toEqual({
      name: 'ApiError',
      status: 429,
      code: 'rate_limited',
      message: 'slow down',
      field: 'email',
      requestId: 'r1',
      retryable: true,
      retryAfterMs: 1500,
    });
  });

  it('understands a proxy that answers with a page of its own', async () => {
    const page = new Response('<html>bad gateway</html>', {
      status: 502,
      headers: { 'Retry-After': '3', 'X-Request-Id': 'r2' },
    });
    const error = await failure(call(answering(page).api.GET('/me')));
    expect(error).toMatchObject({
      status: 502,
      code: 'unavailable',
      retryable: true,
      retryAfterMs: 3000,
      requestId: 'r2',
    });
  });

  it('names a dead network', async () => {
    const { api } = answering(() => Promise.reject(new TypeError('fetch failed')));
    expect(await failure(call(api.GET('/me')))).toMatchObject({
      status: 0,
      code: 'network',
      retryable: true,
    });
  });

  it('gives up on a silent server', async () => {
    const api = createApi({
      baseUrl,
      timeoutMs: 1,
      fetch: (request) =>
        new Promise((_, reject) =>
          request.signal.addEventListener('abort', () => reject(request.signal.reason as Error)),
        ),
    });
    expect(await failure(call(api.GET('/me')))).toMatchObject({ code: 'timeout', retryable: true });
  });

  it('tells of a lost session, but not of a wrong password', async () => {
    const lost = vi.fn();
    const stop = onUnauthenticated(lost);
    const refused = () => Promise.resolve(problem(401, { code: 'unauthenticated' }));
    const { api } = answering(refused);
    await failure(call(api.GET('/me')));
    expect(lost).toHaveBeenCalledOnce();
    await failure(call(api.POST('/session', { body: { email: 'a@b.c', password: 'x' } })));
    expect(lost).toHaveBeenCalledOnce();
    stop();
    await failure(call(api.GET('/me')));
    expect(lost).toHaveBeenCalledOnce();
  });

  it('says whom it speaks for, but not where it asks who that is', async () => {
    const { api, fetch } = answering(() => Promise.resolve(Response.json({})));
    const asked = () => fetch.mock.lastCall![0].headers.get('X-Member');
    await call(api.GET('/chat/summary'));
    expect(asked()).toBeNull();
    speakFor(api, 'm1');
    await call(api.GET('/chat/summary'));
    expect(asked()).toBe('m1');
    await call(api.DELETE('/session'));
    expect(asked()).toBe('m1');
    await call(api.GET('/me'));
    expect(asked()).toBeNull();
    await call(api.POST('/session', { body: { email: 'a@b.c', password: 'x' } }));
    expect(asked()).toBeNull();
    speakFor(api, undefined);
    await call(api.GET('/chat/summary'));
    expect(asked()).toBeNull();
  });

  it('takes another member’s session for a lost one', async () => {
    const lost = vi.fn();
    const stop = onUnauthenticated(lost);
    const { api } = answering(() => Promise.resolve(problem(409, { code: 'other_member' })));
    expect(await failure(call(api.GET('/orders')))).toMatchObject({ code: 'other_member' });
    expect(lost).toHaveBeenCalledOnce();
    stop();
  });

  it('takes a wrong code for a wrong code, and an ended session for one', async () => {
    const lost = vi.fn();
    const stop = onUnauthenticated(lost);
    let code = 'invalid_credentials';
    const { api } = answering(() => Promise.resolve(problem(401, { code })));
    const answer = () =>
      failure(call(api.POST('/me/step-up/answer', { body: { challenge: 'c', code: '1' } })));
    await answer();
    expect(lost).not.toHaveBeenCalled();
    code = 'unauthenticated';
    await answer();
    expect(lost).toHaveBeenCalledOnce();
    stop();
  });
});

describe('a call that is refused until the member proves again who they are', () => {
  /** Refuses until proved() was called; keeps what each attempt sent. */
  function guarded() {
    let open = false;
    const bodies: string[] = [];
    const fetch = async (request: Request) => {
      bodies.push(await request.text());
      return open ? Response.json({ role: 'agent' }) : problem(403, { code: 'step_up_required' });
    };
    return { api: createApi({ baseUrl, fetch }), bodies, prove: () => (open = true) };
  }

  const params = { path: { shop_id: 's1', member_id: 'm2' } };
  const body = { role: 'agent' } as const;
  const setRole = (api: ReturnType<typeof createApi>) =>
    call(api.PUT('/shops/{shop_id}/staff/{member_id}', { params, body }));

  it('is repeated with the same body once they have', async () => {
    const { api, bodies, prove } = guarded();
    stepUpWith(api, async () => prove());
    expect(await setRole(api)).toEqual({ role: 'agent' });
    expect(bodies).toEqual(['{"role":"agent"}', '{"role":"agent"}']);
  });

  it('is not repeated a second time', async () => {
    const { api, bodies } = guarded();
    const ask = vi.fn(async () => true);
    stepUpWith(api, ask);
    expect(await failure(setRole(api))).toMatchObject({ code: 'step_up_required' });
    expect(ask).toHaveBeenCalledOnce();
    expect(bodies).toHaveLength(2);
  });

  it('is not repeated when they did not', async () => {
    const { api, bodies } = guarded();
    stepUpWith(api, async () => false);
    expect(await failure(setRole(api))).toMatchObject({ code: 'step_up_required' });
    expect(bodies).toHaveLength(1);
  });

  it('and is read before they are asked: past its time a browser cuts off what is not', async () => {
    const answer = problem(403, { code: 'step_up_required' });
    const { api } = answering(() => Promise.resolve(answer));
    const ask = vi.fn(async () => !answer.bodyUsed);
    stepUpWith(api, ask);
    expect(await failure(setRole(api))).toMatchObject({ code: 'step_up_required' });
    expect(await ask.mock.results[0]?.value).toBe(false);
  });

  it('and nobody is asked for any other refusal', async () => {
    const ask = vi.fn(async () => true);
    const { api } = answering(() => Promise.resolve(problem(403, { code: 'forbidden' })));
    stepUpWith(api, ask);
    expect(await failure(setRole(api))).toMatchObject({ code: 'forbidden' });
    expect(ask).not.toHaveBeenCalled();
  });
});
