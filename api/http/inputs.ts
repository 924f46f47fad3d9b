import express, { type Request, type Response } from 'express';
import { Invalid, NotFound, TooLarge, UnsupportedMedia } from '../../domain/errors';
import type { Kernel } from '../kernel';
import type { Operation, Received } from '../operation';
import { BadRequest } from '../bad-request';
import { InvalidRequest } from './failure';
import { firstIllFormed } from './text';
import { wording } from './wording';

/** What stands in the path can't be this operation's parameters: the path is another's, or nobody's. */
export class OtherPath extends NotFound {}

/** @throws InvalidRequest */
export function parsedQuery(op: Pick<Operation, 'query'>, given: unknown): unknown {
  const query = op.query?.safeParse(given, { error: wording });
  if (query && !query.success) throw new InvalidRequest('query', query.error.issues);
  return query?.data;
}

/** @throws OtherPath, InvalidRequest */
export const inputs = (req: Request, op: Operation, body: unknown, received: Received | null = null) => {
  const params = op.params?.safeParse(req.params);
  if (params && !params.success) throw new OtherPath('not found');
  // What cannot be stored names nothing that is.
  if (firstIllFormed(params?.data) !== null) throw new NotFound('not found');
  const query = parsedQuery(op, req.query);
  if (received) return { params: params?.data, query, body: received.rows };
  const parsed = op.body?.safeParse(body === undefined ? {} : body, { error: wording });
  if (parsed && !parsed.success) throw new InvalidRequest('body', parsed.error.issues);
  return { params: params?.data, query, body: parsed?.data };
};

/** The body after the credential and the limits, so that nobody unknown makes us read one. */
export const readBody = (kernel: Kernel): ((req: Request, res: Response, form?: true) => Promise<unknown>) => {
  const limit = kernel.config.maxBodyBytes;
  const json = express.json({ limit, strict: false, type: () => true });
  const fields = express.urlencoded({ limit, extended: false, parameterLimit: 100 });
  return async (req, res, form) => {
    const declared = Number(req.get('content-length') ?? 0);
    if (declared === 0 && req.get('transfer-encoding') === undefined) return undefined;
    const asForm = form === true && req.is('application/x-www-form-urlencoded') !== false;
    if (!asForm && !req.is('application/json') && !req.is('+json'))
      throw new UnsupportedMedia('the body must be application/json', { field: 'Content-Type' });
    // The parser answers only when all of it has come, and it need not come.
    if (declared > limit) throw tooLarge(limit);
    await new Promise<void>((resolve, reject) => {
      (asForm ? fields : json)(req, res, (e?: unknown) => (e ? reject(bodyError(e, limit)) : resolve()));
    });
    return req.body as unknown;
  };
};

const tooLarge = (limit: number): TooLarge => new TooLarge(`body: larger than ${limit} bytes`, { field: 'body' });

function bodyError(e: unknown, limit: number): Error {
  const type = (e as { type?: string }).type;
  if (type === 'entity.too.large') return tooLarge(limit);
  if (type === 'encoding.unsupported' || type === 'charset.unsupported')
    return new UnsupportedMedia((e as Error).message, { field: 'Content-Type' });
  return new BadRequest('body: malformed JSON', { field: 'body' });
}

/** @throws Invalid naming the part that Postgres could not store */
export function assertStorable(value: unknown): void {
  const ill = firstIllFormed(value);
  if (ill !== null) throw new Invalid(`${ill}: holds something that cannot be stored`, { field: ill });
}
