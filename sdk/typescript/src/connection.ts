import { ApiError, ConnectionError, errorOf, TimeoutError, WheelhouseError } from './errors.js';
import { delay, pauseMs } from './pauses.js';
import type { WebSocketClass } from './sockets.js';
import type { CallOptions, Request } from './wire.js';

export interface ClientOptions {
  /** An API key, or a token. Unset: AGENT_ORCHESTRATION_API_KEY or WHEELHOUSE_API_KEY of the environment, where there is one. */
  apiKey?: string | (() => string | Promise<string>) | undefined;
  /** Where the server is; the `/v1` of one door may stand at its end. Unset: http://localhost:8000. */
  baseUrl?: string | undefined;
  /** For tokens at the doors that ask for it (`X-Tenant-ID`); an API key brings its own. */
  tenantId?: string | undefined;
  /** Of each attempt: 30 seconds unless given. */
  timeoutMs?: number | undefined;
  /** How often a call that may be repeated is repeated: four times unless given. */
  retries?: number | undefined;
  /** The longest wait that a server may ask for; one that asks for more has its refusal thrown. A minute unless given. */
  maxRetryAfterMs?: number | undefined;
  headers?: Record<string, string> | undefined;
  /** In place of the global one. */
  fetch?: typeof fetch | undefined;
  /** In place of the global one; Node has one from 22 on, the package `ws` is another. Null: none, what is watched is asked for. */
  webSocket?: WebSocketClass | null | undefined;
}

interface Input extends CallOptions {
  path?: object | undefined;
  query?: object | undefined;
  body?: unknown;
}

const environment = (name: string): string | undefined =>
  (globalThis as { process?: { env?: Record<string, string | undefined> } }).process?.env?.[name];

/** What a query says. */
type Scalar = string | number | boolean | Date | null | undefined;

const isBytes = (body: unknown): body is FormData | Blob => body instanceof FormData || body instanceof Blob;

/** A key of its own for each call. `randomUUID` is not there on pages without TLS. */
const freshKey = (): string =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');

/** The server, and how it is spoken to: what everything else here is built on. */
export class Connection {
  readonly baseUrl: string;
  readonly webSocket: WebSocketClass | null;
  readonly #options: ClientOptions;
  readonly #fetch: typeof fetch;

  constructor(options: ClientOptions = {}) {
    this.#options = options;
    this.baseUrl = (options.baseUrl ?? 'http://localhost:8000').replace(/\/+$/, '').replace(/\/v1$/, '');
    this.#fetch = options.fetch ?? ((...args) => globalThis.fetch(...args));
    this.webSocket =
      options.webSocket === undefined
        ? ((globalThis as { WebSocket?: WebSocketClass }).WebSocket ?? null)
        : options.webSocket;
  }

  /** What opens the server, as it is now; null where none was given: some operations are open to anybody. */
  async token(): Promise<string | null> {
    const { apiKey } = this.#options;
    const token = typeof apiKey === 'function' ? await apiKey() : apiKey;
    return token ?? environment('AGENT_ORCHESTRATION_API_KEY') ?? environment('WHEELHOUSE_API_KEY') ?? null;
  }

  /**
   * Calls an operation of any door: parameters, body and answer are typed by its path, and named as on the wire.
   * @returns what the server answered: JSON, or text where it is none; `undefined` for 204
   * @throws ApiError, by status one of its classes · ConnectionError · TimeoutError · what `signal` was aborted with
   */
  readonly request: Request = ((method: string, path: string, input: Input = {}) =>
    this.#call(method, path, input, contentsOf)) as unknown as Request;

  /**
   * The same, untyped, and with the answer as it comes: for files and streams. Its body is yours to read or to cancel; the
   * time-out is over once it begins, `signal` is not.
   * @throws as `request` does
   */
  send(method: string, path: string, input: Input = {}): Promise<Response> {
    return this.#call(method, path, input, (response) => Promise.resolve(response));
  }

  async #call<T>(method: string, path: string, input: Input, read: (response: Response) => Promise<T>): Promise<T> {
    const url = this.url(path, input);
    const headers = await this.#headers(method, input);
    const body = input.body === undefined || isBytes(input.body) ? input.body : JSON.stringify(input.body);
    const retries = input.retries ?? this.#options.retries ?? 4;
    for (let attempt = 0; ; attempt += 1) {
      const init = { method, headers, ...(body !== undefined && { body }) };
      const outcome = await this.#attempt(url, init, input, read);
      if ('value' in outcome) return outcome.value;
      const waitMs = attempt < retries ? this.#waitMs(outcome.error, method, headers, attempt) : null;
      if (waitMs === null) throw outcome.error;
      await delay(waitMs, input.signal);
    }
  }

  url(path: string, { path: parts = {}, query = {} }: Pick<Input, 'path' | 'query'> = {}): string {
    const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => {
      const value = (parts as Record<string, string | number | undefined>)[name];
      if (value === undefined || value === '') throw new WheelhouseError(`${path} needs ${name}`);
      return encodeURIComponent(String(value));
    });
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query as Record<string, Scalar | Scalar[]>)) {
      for (const one of Array.isArray(value) ? value : [value]) {
        if (one !== undefined && one !== null)
          search.append(name, one instanceof Date ? one.toISOString() : String(one));
      }
    }
    return `${this.baseUrl}${filled}${search.size ? `?${search}` : ''}`;
  }

  async #headers(method: string, input: Input): Promise<Headers> {
    const headers = new Headers({ Accept: 'application/json, */*;q=0.5', ...this.#options.headers });
    const token = await this.token();
    if (token !== null) headers.set('Authorization', `Bearer ${token}`);
    if (this.#options.tenantId) headers.set('X-Tenant-ID', this.#options.tenantId);
    if (input.body !== undefined && !isBytes(input.body)) headers.set('Content-Type', 'application/json');
    if (method === 'POST') headers.set('Idempotency-Key', input.idempotencyKey ?? freshKey());
    for (const [name, value] of Object.entries(input.headers ?? {})) headers.set(name, value);
    return headers;
  }

  /** What came of one attempt. @throws what the caller aborted it with */
  async #attempt<T>(
    url: string,
    init: RequestInit,
    input: Input,
    read: (response: Response) => Promise<T>,
  ): Promise<{ value: T } | { error: WheelhouseError }> {
    const { signal } = input;
    signal?.throwIfAborted();
    const timeoutMs = input.timeoutMs ?? this.#options.timeoutMs ?? 30_000;
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), timeoutMs);
    try {
      const ends = signal ? AbortSignal.any([signal, late.signal]) : late.signal;
      const response = await this.#fetch(url, { ...init, signal: ends });
      return response.ok ? { value: await read(response) } : { error: await refusalOf(response) };
    } catch (cause) {
      signal?.throwIfAborted();
      return {
        error: late.signal.aborted
          ? new TimeoutError(`no answer within ${timeoutMs} ms`)
          : new ConnectionError(`no connection to ${this.baseUrl}, or it broke`, { cause }),
      };
    } finally {
      clearTimeout(timer);
    }
  }

  /** How long to wait before it is tried again; null: it is not. */
  #waitMs(error: WheelhouseError, method: string, headers: Headers, attempt: number): number | null {
    // Whatever became of the first one, a repeat changes nothing more. PATCH has no key.
    const repeatable = method !== 'PATCH' || headers.has('Idempotency-Key');
    if (!(error instanceof ApiError)) return repeatable ? pauseMs(attempt) : null;
    const { status, retryAfterMs } = error;
    // 429: it was not begun. 409 with a time: the first with this key is still at work.
    const passes =
      status === 429 ||
      (repeatable && (status === 409 ? retryAfterMs !== null : [408, 502, 503, 504].includes(status)));
    if (!passes) return null;
    if (retryAfterMs === null) return pauseMs(attempt);
    return retryAfterMs > (this.#options.maxRetryAfterMs ?? 60_000) ? null : retryAfterMs;
  }
}

const isJson = (response: Response): boolean => /[/+]json\b/.test(response.headers.get('content-type') ?? '');

async function contentsOf(response: Response): Promise<unknown> {
  if (response.status === 204) return undefined;
  const text = await response.text();
  return isJson(response) && text !== '' ? (JSON.parse(text) as unknown) : text;
}

async function refusalOf(response: Response): Promise<ApiError> {
  const text = await response.text();
  let body: unknown = text;
  try {
    if (isJson(response)) body = JSON.parse(text);
  } catch {
    // A proxy on the way may call something JSON that is none: it is kept as text.
  }
  return errorOf(response, body);
}
