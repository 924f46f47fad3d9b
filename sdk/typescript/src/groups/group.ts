import type { Connection } from '../connection.js';
import type { Open } from '../generated/open.js';
import { toCamel, toSnake, type Camel } from '../names.js';
import type { AnswerOf, BodyOf, CallOptions, DataOf, Method, OperationOf, PathOf, PathsOf, QueryOf } from '../wire.js';

/** What an operation of a group answers: out of its envelope, in camel case. */
export type Answer<M extends Method, P extends PathsOf<M>> = Camel<DataOf<AnswerOf<OperationOf<M, P>>>>;
/** Its body, in camel case. */
export type Body<M extends Method, P extends PathsOf<M>> = Camel<BodyOf<OperationOf<M, P>>>;
/** Its filters, in camel case. */
export type Filter<P extends PathsOf<'GET'>> = Camel<QueryOf<OperationOf<'GET', P>>>;

interface Said<M extends Method, P extends PathsOf<M>> {
  path?: PathOf<OperationOf<M, P>>;
  query?: object | undefined;
  body?: object | undefined;
}

/** Operations on one noun, over a connection. Names are JavaScript's here; `Connection.request` has those of the wire. */
export abstract class Group {
  /** Parts of bodies and answers whose names stay as they are. */
  protected abstract readonly open: Open;

  constructor(protected readonly connection: Connection) {}

  /** The whole answer, in camel case. */
  protected async whole<M extends Method, P extends PathsOf<M>>(
    method: M,
    path: P,
    { path: parts, query, body }: Said<M, P> = {},
    options: CallOptions = {},
  ): Promise<Camel<AnswerOf<OperationOf<M, P>>>> {
    const kept = this.open[`${method} ${path}`] ?? [];
    const request = this.connection.request.bind(this.connection) as (
      m: string,
      p: string,
      input: object,
    ) => Promise<unknown>;
    const answer = await request(method, path, {
      ...options,
      path: parts,
      query: query && toSnake(query, []),
      body: body && toSnake(body, kept),
    });
    return toCamel(answer, kept) as Camel<AnswerOf<OperationOf<M, P>>>;
  }

  /** What is in the door's envelope. */
  protected async call<M extends Method, P extends PathsOf<M>>(
    method: M,
    path: P,
    said: Said<M, P> = {},
    options: CallOptions = {},
  ): Promise<Answer<M, P>> {
    return ((await this.whole(method, path, said, options)) as { data: Answer<M, P> }).data;
  }
}
