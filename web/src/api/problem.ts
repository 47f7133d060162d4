// How a refused or unanswered request reaches the apps: one error class made from the server's problem documents.

export interface ApiErrorDetails {
  /** HTTP status; 0 when no answer came. */
  status: number;
  /** Stable reason, such as `not_found`; `network` and `timeout` when no answer came. */
  code: string;
  /** In the server's words, for logs; show the user a text chosen by code. */
  message: string;
  /** The request's field at fault. */
  field?: string | undefined;
  /** Show it in small text: support finds the request by it. */
  requestId?: string | undefined;
  /** The same request may well succeed later. */
  retryable: boolean;
  retryAfterMs?: number | undefined;
}

export class ApiError extends Error implements ApiErrorDetails {
  readonly status: number;
  readonly code: string;
  readonly field: string | undefined;
  readonly requestId: string | undefined;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(details: ApiErrorDetails) {
    super(details.message);
    this.name = 'ApiError';
    this.status = details.status;
    this.code = details.code;
    this.field = details.field;
    this.requestId = details.requestId;
    this.retryable = details.retryable;
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** Says in whose name a call is made; another member's session is then answered with `other_member`. */
export const memberHeader = 'X-Member';

/** The session behind the cookie is over, or is another member's by now. */
export const isLost = ({ status, code }: { status?: number | undefined; code: string }) =>
  status === 401 || code === 'other_member';

const listeners = new Set<(error: ApiError) => void>();

/**
 * Calls fn whenever the server no longer knows the session, or knows it as another member's: time for the sign-in sheet.
 * Returns what ends it.
 */
export function onUnauthenticated(fn: (error: ApiError) => void): () => void {
  listeners.add(fn);
  return () => listeners.delete(fn);
}

export function tellLost(error: ApiError): void {
  for (const fn of [...listeners]) fn(error);
}

const codeOfStatus: Record<number, string> = {
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  413: 'too_large',
  429: 'rate_limited',
};

/** Reads a refused response. Whatever stands between us and the server (a proxy's HTML page) still gives an error. */
export async function readProblem(response: Response): Promise<ApiError> {
  const { status, headers } = response;
  let body: Record<string, unknown> = {};
  try {
    const parsed: unknown = JSON.parse(await response.text());
    if (typeof parsed === 'object' && parsed !== null) body = parsed as Record<string, unknown>;
  } catch {
    // Not ours: the status says enough.
  }
  const text = (key: string) => (typeof body[key] === 'string' ? body[key] : undefined);
  return new ApiError({
    status,
    code: text('code') ?? codeOfStatus[status] ?? (status >= 500 ? 'unavailable' : 'bad_request'),
    message: text('detail') ?? text('title') ?? `HTTP ${status}`,
    field: text('field'),
    requestId: text('request_id') ?? headers.get('X-Request-Id') ?? undefined,
    retryable:
      typeof body['retryable'] === 'boolean' ? body['retryable'] : status === 429 || status >= 500,
    retryAfterMs: retryAfter(body['retry_after_ms'], headers.get('Retry-After')),
  });
}

function retryAfter(ms: unknown, header: string | null): number | undefined {
  if (typeof ms === 'number') return ms;
  const seconds = Number(header ?? NaN);
  return Number.isFinite(seconds) ? seconds * 1000 : undefined;
}

/** What fetch rejected with, as an ApiError; an abort asked for by the caller stays what it is. */
export function noAnswer(cause: unknown): Error {
  if (cause instanceof ApiError) return cause;
  const name = cause instanceof Error ? cause.name : '';
  if (name === 'AbortError') return cause as Error;
  const code = name === 'TimeoutError' ? 'timeout' : 'network';
  return new ApiError({ status: 0, code, message: `no answer (${code})`, retryable: true });
}
