import type { paths } from './generated/openapi.cjs';

// What the OpenAPI document says of each path, as types.

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
/** The paths that have this method. */
export type PathsOf<M extends Method> = {
  [P in keyof paths]: paths[P][Lowercase<M>] extends { responses: unknown } ? P : never;
}[keyof paths];
export type OperationOf<M extends Method, P extends PathsOf<M>> = paths[P][Lowercase<M>];

type Parameters<O, Where extends string> = O extends { parameters: { [K in Where]: infer Given } } ? Given : never;
type Optional<O, Where extends string> = O extends { parameters: { [K in Where]?: infer Given } }
  ? Exclude<Given, undefined>
  : never;
export type PathOf<O> = Parameters<O, 'path'>;
export type QueryOf<O> = Optional<O, 'query'>;

type Sent<R> = R extends { content: infer C }
  ? C extends { 'application/json': infer Body }
    ? Body
    : C extends { 'multipart/form-data': unknown }
      ? FormData
      : never
  : never;
type WithBody<O> = O extends { requestBody: infer R }
  ? [Sent<R>] extends [never]
    ? { body?: undefined }
    : { body: Sent<R> | FormData }
  : O extends { requestBody?: infer R }
    ? [Sent<Exclude<R, undefined>>] extends [never]
      ? { body?: undefined }
      : { body?: Sent<Exclude<R, undefined>> | FormData }
    : { body?: undefined };
export type BodyOf<O> = O extends { requestBody?: infer R } ? Sent<Exclude<R, undefined>> : never;

type WithPath<O> = [PathOf<O>] extends [never] ? { path?: undefined } : { path: PathOf<O> };
type WithQuery<O> = [QueryOf<O>] extends [never]
  ? { query?: undefined }
  : Partial<QueryOf<O>> extends QueryOf<O>
    ? { query?: QueryOf<O> }
    : { query: QueryOf<O> };

/** How one call is made. */
export interface CallOptions {
  /** Ends the call; what you aborted it with is thrown. */
  signal?: AbortSignal | undefined;
  /** Of each attempt, in place of the client's. */
  timeoutMs?: number | undefined;
  /** In place of the client's. */
  retries?: number | undefined;
  /** Of a POST: repeats with the same key and body get the first answer. One is made for each call unless given. */
  idempotencyKey?: string | undefined;
  headers?: Record<string, string> | undefined;
}
export type InputOf<O> = WithPath<O> & WithQuery<O> & WithBody<O> & CallOptions;

type Success = 200 | 201 | 202 | 204;
type Contents<R> = R extends { content: infer C }
  ? C extends { 'application/json': infer Body }
    ? Body
    : string
  : undefined;
/** What comes back when it goes well; text where it is no JSON. */
export type AnswerOf<O> = O extends { responses: infer R }
  ? { [S in keyof R & Success]: Contents<R[S]> }[keyof R & Success]
  : never;

/** A call of any operation: where nothing has to be said, the input may be left out. */
export type Request = <M extends Method, P extends PathsOf<M>>(
  method: M,
  path: P,
  ...input: Partial<InputOf<OperationOf<M, P>>> extends InputOf<OperationOf<M, P>>
    ? [input?: InputOf<OperationOf<M, P>>]
    : [input: InputOf<OperationOf<M, P>>]
) => Promise<AnswerOf<OperationOf<M, P>>>;

/** Some doors put what they answer into `data`. */
export type DataOf<A> = A extends { data: infer Data } ? Data : A;
