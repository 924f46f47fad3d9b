/** What was wrong with one part of a request. */
export interface Issue {
  /** Such as `title` or `body.title`; empty where the server names none. */
  field: string;
  message: string;
}

/** Anything that this client throws by itself; an abort of yours is thrown as you gave it. */
export class WheelhouseError extends Error {
  override name = 'WheelhouseError';
}

/** The server could not be reached, or the connection broke. `cause` has why. */
export class ConnectionError extends WheelhouseError {
  override name = 'ConnectionError';
}

/** There was no answer within `timeoutMs`. */
export class TimeoutError extends WheelhouseError {
  override name = 'TimeoutError';
}

export interface Refusal {
  status: number;
  code: string | null;
  message: string;
  requestId: string | null;
  issues: Issue[];
  /** Milliseconds, where the server said when to come again. */
  retryAfterMs: number | null;
  body: unknown;
}

/** The server refused. What doors say in forms of their own is here in one form; `body` is the answer as it came. */
export class ApiError extends WheelhouseError {
  override name = 'ApiError';
  readonly status: number;
  /** The door's own word, such as `NOT_FOUND`; null where it has none. */
  readonly code: string | null;
  /** Finds the request in the server's log. */
  readonly requestId: string | null;
  readonly issues: readonly Issue[];
  readonly retryAfterMs: number | null;
  readonly body: unknown;

  constructor(refusal: Refusal) {
    super(refusal.message);
    this.status = refusal.status;
    this.code = refusal.code;
    this.requestId = refusal.requestId;
    this.issues = refusal.issues;
    this.retryAfterMs = refusal.retryAfterMs;
    this.body = refusal.body;
  }
}

/** 400, 413, 415, 422: `issues` says which fields. */
export class InvalidRequestError extends ApiError {
  override name = 'InvalidRequestError';
}
/** 401 */
export class AuthenticationError extends ApiError {
  override name = 'AuthenticationError';
}
/** 403: a scope is missing, or a policy or a person said no. */
export class PermissionError extends ApiError {
  override name = 'PermissionError';
}
/** 404 */
export class NotFoundError extends ApiError {
  override name = 'NotFoundError';
}
/** 409: what stands does not allow it. */
export class ConflictError extends ApiError {
  override name = 'ConflictError';
}
/** 429, when waiting did not help. */
export class RateLimitError extends ApiError {
  override name = 'RateLimitError';
}
/** 5xx */
export class ServerError extends ApiError {
  override name = 'ServerError';
}

type Json = Record<string, unknown>;
const objectOf = (value: unknown): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

/** Doors name a part in three ways: `field`, `loc` and `path`. */
function issueOf(value: unknown): Issue {
  const { field, loc, path, message, msg } = objectOf(value);
  const parts = Array.isArray(loc) ? loc : Array.isArray(path) ? path : [];
  return { field: textOf(field) ?? parts.join('.'), message: textOf(message) ?? textOf(msg) ?? '' };
}

function classOf(status: number): typeof ApiError {
  switch (status) {
    case 400:
    case 413:
    case 415:
    case 422:
      return InvalidRequestError;
    case 401:
      return AuthenticationError;
    case 403:
      return PermissionError;
    case 404:
      return NotFoundError;
    case 409:
      return ConflictError;
    case 429:
      return RateLimitError;
    default:
      return status >= 500 ? ServerError : ApiError;
  }
}

/** Seconds or a date, in milliseconds from now; null where there is neither. */
export function retryAfterOf(headers: Headers, now = Date.now()): number | null {
  const said = headers.get('retry-after');
  if (said === null) return null;
  const ms = /^\s*\d+(\.\d+)?\s*$/.test(said) ? Number(said) * 1000 : Date.parse(said) - now;
  return Number.isNaN(ms) ? null : Math.max(0, ms);
}

/** The error of an answer that is none of success. */
export function errorOf(response: Response, body: unknown): ApiError {
  const whole = objectOf(body);
  const error = objectOf(whole['error']);
  const meta = objectOf(whole['meta']);
  const details = [error['details'], meta['details']].find(Array.isArray) as unknown[] | undefined;
  const code = textOf(error['code']) ?? textOf(meta['code']);
  const field = textOf(whole['field']);
  const message =
    textOf(error['message']) ?? textOf(whole['error_description']) ?? textOf(whole['error']) ?? textOf(whole['detail']);
  const issues = details?.map(issueOf) ?? (field === null ? [] : [{ field, message: message ?? '' }]);
  const { status } = response;
  return new (classOf(status))({
    status,
    code: code ?? (textOf(whole['error_description']) === null ? null : textOf(whole['error'])),
    message: message ?? `${status} ${response.statusText}`.trim(),
    requestId: response.headers.get('x-request-id'),
    issues,
    retryAfterMs: retryAfterOf(response.headers),
    body,
  });
}
