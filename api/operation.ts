import { z } from 'zod';
import type { ErrorCode } from '../domain/errors';
import type { Scope } from '../domain/scopes';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/**
 * The right that an operation needs. `public`: none. `login`: none either, but guesses are counted. `session`: a token, which the
 * operation renews or ends, and so looks at itself. `metrics`: the metrics token. `internal`: the secret that services of the installation share is a credential with this scope.
 */
export type Access = Scope | Open;
type Open = 'public' | 'login' | 'session' | 'metrics';

/** An answer outside the door's envelope: the handler gives a Reply with this media type. */
export interface Raw {
  media: string;
  /** What it looks like, when it is JSON after all. */
  schema: z.ZodType | null;
  /** Statuses beside the usual one that it comes with. */
  statuses: readonly number[];
}
/** Bytes or text with their own type and status; what a handler of a `raw` operation returns. */
export interface Reply {
  type: string;
  body: string | Buffer | NodeJS.ReadableStream | ((write: StreamWriter) => Promise<Linger>);
  headers?: Record<string, string>;
  status?: number;
}
/** So long what is still unsent at the end of an answer waits for its reader; then the connection is cut. */
export interface Linger {
  lingerMs: number;
}
/** For answers that go on. What is written to nobody any more is lost. */
export interface StreamWriter {
  write(text: string): void;
  /** Bytes that the kernel has not taken yet. */
  unsent(): number;
  /** Until all of them are taken, the caller is gone, or for `ms`. */
  drained(ms: number): Promise<void>;
  readonly closed: AbortSignal;
}

/** How the key of a repeat goes with what stands in headers. */
export interface Kept {
  seconds: number;
  /** Headers that say what is asked for, as the body does: a key that comes with others is used for another thing. */
  says: readonly string[];
  /** Headers that make it another request, whose key is its own. */
  apart: readonly string[];
}

/** How much of rows one call takes. */
export interface RowsOption {
  most: number;
  maxBytes: number;
}
/** A row that did not fit: where it stood, counted from 1, and which part was wrong. */
export interface Refused {
  line: number;
  field: string | null;
  message: string;
}
/** What a body of rows came to. */
export interface Received {
  /** Those that fit, and the line of each. */
  rows: unknown[];
  lines: number[];
  refused: Refused[];
  /** sha256 of the bytes, hex. */
  digest: string;
}

/**
 * One operation, declared once: route, right, validation, OpenAPI, idempotency and the tests that loop over every
 * operation follow from it. Its door follows from its path (surfaces.ts).
 */
export interface Operation<
  A extends Access = Access,
  P extends z.ZodType = z.ZodType,
  Q extends z.ZodType = z.ZodType,
  B extends z.ZodType = z.ZodType,
  O extends z.ZodType | Raw = z.ZodType | Raw,
> {
  route: `${Method} /${string}`;
  tag: string;
  summary: string;
  access: A;
  /** Path parameters in order; one that does not fit is an id that does not exist: 404. */
  params?: P;
  query?: Q;
  body?: B;
  /** Beside JSON: one file in the form field `file`, streamed to the handler before `body` is complete. */
  upload?: true;
  /** Beside JSON: the fields of a form (application/x-www-form-urlencoded). */
  form?: true;
  /** `body` is an array of rows, read one by one as it comes: a row that does not fit does not refuse the others. */
  rows?: RowsOption;
  output: O;
  /** 204 has no body: its output is `z.void()`. */
  status?: 200 | 201 | 202 | 204;
  /** What it may answer instead of that, by `ctx.answerWith`. */
  statuses?: readonly number[];
  /** The output is the whole answer: the door puts nothing around it. */
  whole?: true;
  /** Keys of repeats are kept for a time of its own, not for a day; X-Idempotency-Key is one as well. */
  kept?: Kept;
  /** Whoever asks may wait long for something to come: then the request says less often that it lives. */
  waits?: true;
  /** Refusals of its own, beside what every operation has. */
  errors?: readonly ErrorCode[];
  /** Other paths that mean the same operation; not counted, documented as aliases. */
  aliases?: readonly string[];
}

export const operation = <
  const A extends Access,
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType,
  O extends z.ZodType | Raw,
>(
  op: Operation<A, P, Q, B, O>,
): Operation<A, P, Q, B, O> => op;

/** A WebSocket, declared once: whoever opens it is looked at as for any request. */
export interface Socket<Q extends z.ZodType = z.ZodType> {
  path: `/${string}`;
  tag: string;
  summary: string;
  access: Scope;
  query: Q;
  /** What it sends, each a JSON text. */
  sends: z.ZodType;
}
export const socket = <Q extends z.ZodType>(declared: Socket<Q>): Socket<Q> => declared;
/**
 * A WebSocket that is talked with: `{type: "auth", token}` is the first message, since browsers send no header with one; then
 * whatever it hears.
 */
export interface Conversation<H extends z.ZodType = z.ZodType> extends Socket {
  hears: H;
}
export const conversation = <H extends z.ZodType>(declared: Omit<Conversation<H>, 'query'>): Conversation<H> => ({
  ...declared,
  query: z.object({}),
});
export type HeardBy<C> = C extends Conversation<infer H> ? z.output<H> : never;
/** What a socket is fed with; in the end, why it is closed. */
export type SocketHandler<S, C> =
  S extends Socket<infer Q> ? (input: { query: z.output<Q> }, ctx: C) => AsyncGenerator<unknown, string> : never;

export const raw = (media: string, schema: z.ZodType | null = null, statuses: readonly number[] = []): Raw => ({
  media,
  schema,
  statuses,
});
export const isRaw = (output: z.ZodType | Raw): output is Raw => 'media' in output;

type Out<S> = S extends z.ZodType ? z.output<S> : undefined;
type Result<O> = O extends z.ZodType ? z.input<O> : Reply;

/** What a handler gets: the request, read and checked. */
export interface Input<P, Q, B> {
  params: Out<P>;
  query: Out<Q>;
  body: Out<B>;
}
export type Handler<Op, Closed, Opened> =
  Op extends Operation<infer A, infer P, infer Q, infer B, infer O>
    ? (input: Input<P, Q, B>, ctx: A extends Open ? Opened : Closed) => Promise<Result<O>>
    : never;
/** One handler an operation: a missing one does not compile. */
export type HandlersOf<T, Closed, Opened> = { [K in keyof T]: Handler<T[K], Closed, Opened> };
