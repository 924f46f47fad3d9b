import { pipeline, type Readable } from 'node:stream';
import express, { Router, type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import { v5, v7 } from 'uuid';
import {
  DomainError, Invalid, MethodNotAllowed, NotFound, TooLarge, UnsupportedMedia,
} from '../../domain/errors'; // prettier-ignore
import type { Principal } from '../../domain/principal';
import type { Ctx, Kernel, OpenCtx } from '../kernel';
import { isRaw, type Method, type Operation, type Received, type Reply } from '../operation';
import { surfaceOf, type Surface } from '../surfaces';
import { authenticate, authorise, authoriseMetrics, principalNow } from '../auth';
import { BadRequest } from '../bad-request';
import { InvalidRequest } from './failure';
import { claimKey } from './idempotency';
import type { Limits } from './limits';
import { readRows } from './rows';
import { firstIllFormed } from './text';
import { readUpload, type Upload } from './upload';

export type AnyHandler = (input: { params: unknown; query: unknown; body: unknown }, ctx: never) => Promise<unknown>;
export interface Mounted {
  name: string;
  op: Operation;
  handler: AnyHandler;
}

/** A refusal is certain; trouble, and an engine that did not answer, may come after the first row. */
const changedNothing = (e: unknown): boolean => e instanceof DomainError && e.status < 500;

const split = (route: string): [Method, string] => {
  const space = route.indexOf(' ');
  return [route.slice(0, space) as Method, route.slice(space + 1)];
};

/** Literal segments before parameters, so that `/api/changes/pending` never falls into `/api/changes/:change_id`. */
const specificity = (path: string): string => path.replace(/[:*][^/]+/g, '\uffff');

const inputs = (req: Request, op: Operation, body: unknown, received: Received | null = null) => {
  const params = op.params?.safeParse(req.params);
  if (params && !params.success) throw new NotFound('not found');
  const query = op.query?.safeParse(req.query);
  if (query && !query.success) throw new InvalidRequest('query', query.error.issues);
  if (received) return { params: params?.data, query: query?.data, body: received.rows };
  const parsed = op.body?.safeParse(body === undefined ? {} : body);
  if (parsed && !parsed.success) throw new InvalidRequest('body', parsed.error.issues);
  return { params: params?.data, query: query?.data, body: parsed?.data };
};

/** The body after the credential and the limits, so that nobody unknown makes us read one. */
const readBody = (kernel: Kernel): ((req: Request, res: Response) => Promise<unknown>) => {
  const json = express.json({ limit: kernel.config.maxBodyBytes, strict: false, type: () => true });
  return async (req, res) => {
    const empty = req.get('transfer-encoding') === undefined && Number(req.get('content-length') ?? 0) === 0;
    if (empty) return undefined;
    if (!req.is('application/json') && !req.is('+json'))
      throw new UnsupportedMedia('the body must be application/json', { field: 'Content-Type' });
    await new Promise<void>((resolve, reject) => {
      json(req, res, (e?: unknown) => (e ? reject(bodyError(e, kernel.config.maxBodyBytes)) : resolve()));
    });
    return req.body as unknown;
  };
};

function bodyError(e: unknown, limit: number): Error {
  const type = (e as { type?: string }).type;
  if (type === 'entity.too.large') return new TooLarge(`body: larger than ${limit} bytes`, { field: 'body' });
  if (type === 'encoding.unsupported' || type === 'charset.unsupported')
    return new UnsupportedMedia((e as Error).message, { field: 'Content-Type' });
  return new BadRequest('body: malformed JSON', { field: 'body' });
}

export function mount(kernel: Kernel, operations: readonly Mounted[], limits: Limits): Router {
  const router = Router({ strict: false });
  const body = readBody(kernel);
  const paths = operations.flatMap((m) => {
    const [method, path] = split(m.op.route);
    return [path, ...(m.op.aliases ?? [])].map((p) => ({ method, path: p, ...m }));
  });
  paths.sort((a, b) => (specificity(a.path) < specificity(b.path) ? -1 : 1));
  for (const { method, path, op, handler } of paths) {
    const verb = method.toLowerCase() as 'get' | 'post' | 'put' | 'patch' | 'delete';
    router[verb](path, answer(kernel, op, handler, surfaceOf(path), limits, body));
  }
  for (const path of new Set(paths.map((p) => p.path))) {
    const has = paths.filter((p) => p.path === path).map((p) => p.method);
    router.all(path, (_req, res, next) => {
      const allowed = (res.locals['allowed'] ??= new Set<string>()) as Set<string>;
      for (const method of has) allowed.add(method);
      if (allowed.has('GET')) allowed.add('HEAD');
      next();
    });
  }
  router.use(otherMethod);
  return router;
}

/** After every route: a path that some of them have, for other methods than the one that was asked. */
const otherMethod: RequestHandler = (req, res, next) => {
  const allowed = res.locals['allowed'] as Set<string> | undefined;
  if (!allowed) return next();
  res.setHeader('Allow', [...allowed].sort().join(', '));
  if (req.method === 'OPTIONS') return void res.status(204).end();
  next(new MethodNotAllowed(`${req.path} has no ${req.method}`));
};

function answer(
  kernel: Kernel,
  op: Operation,
  handler: AnyHandler,
  surface: Surface,
  limits: Limits,
  body: (req: Request, res: Response) => Promise<unknown>,
): RequestHandler {
  // prettier-ignore
  return async (req: Request, res: Response, next: NextFunction) => {
    const upload = op.upload && req.is('multipart/form-data') !== false;
    try {
      const open = openCtx(kernel, req, res);
      if (op.access === 'public' || op.access === 'login' || op.access === 'metrics') {
        if (op.access === 'metrics') authoriseMetrics(kernel, req);
        if (op.access === 'login') await limits.login(req, res, surface);
        const input = inputs(req, op, await body(req, res));
        send(res, op, surface, await handler(input, open as never));
        return;
      }
      const principal = await authenticate(kernel, req, surface).catch((e: unknown) => limits.failed(req, e));
      await limits.credential(principal, res, surface);
      authorise(principal, op.access);
      const key = req.method === 'POST' ? req.get('idempotency-key') : undefined;
      const asked = `${req.method} ${req.path}`;
      if (upload) {
        const file = await readUpload(req);
        const form = { filename: file.filename, ...file.fields };
        assertStorable(form);
        const ctx = closedCtx(open, principal, asked, key, { upload: file, received: null });
        send(res, op, surface, await handler(inputs(req, op, form), ctx as never));
        return;
      }
      const received = op.rows && op.body ? await readRows(req, op.body, op.rows) : null;
      // Of rows the digest stands for the body: they were read, checked and let go one by one.
      const read = received ? received.digest : await body(req, res);
      assertStorable(read);
      assertStorable(req.query);
      const input = inputs(req, op, read, received);
      const ctx = closedCtx(open, principal, asked, key, { upload: null, received });
      if (key === undefined) {
        send(res, op, surface, await handler(input, ctx as never));
        return;
      }
      const claim = await claimKey(kernel, principal, asked, key, read);
      if (claim.replay) {
        res.setHeader('Idempotent-Replayed', 'true');
        res.status(claim.replay.status).json(claim.replay.body);
        return;
      }
      try {
        const result = await handler(input, ctx as never);
        if (!isRaw(op.output)) await claim.keep({ status: statusOf(res, op), body: wrapped(op, surface, op.output.parse(result)) });
        else await claim.release();
        send(res, op, surface, result);
      } catch (e) {
        await (changedNothing(e) ? claim.release() : claim.leave());
        throw e;
      }
    } catch (e) {
      if (upload || op.rows) req.unpipe().resume();
      next(e);
    }
  };
}

/** @throws Invalid naming the part that Postgres could not store */
function assertStorable(value: unknown): void {
  const ill = firstIllFormed(value);
  if (ill !== null) throw new Invalid(`${ill}: holds something that cannot be stored`, { field: ill });
}

function openCtx(kernel: Kernel, req: Request, res: Response): OpenCtx {
  const gone = new AbortController();
  res.on('close', () => gone.abort());
  return {
    kernel,
    requestId: req.id as string,
    headers: req.headers,
    ip: req.ip ?? req.socket.remoteAddress ?? 'unknown',
    closed: gone.signal,
    setHeader: (name, value) => void res.append(name, value),
    answerWith: (status) => void (res.locals['status'] = status),
  };
}

function closedCtx(
  open: OpenCtx,
  principal: Principal,
  asked: string,
  key: string | undefined,
  { upload, received }: { upload: Upload | null; received: Received | null },
): Ctx {
  const { store } = open.kernel;
  const { tenantId } = principal;
  if (key !== undefined && !/^[\x21-\x7e]{1,200}$/.test(key)) {
    throw new Invalid('Idempotency-Key: 1 to 200 printable characters without spaces', { field: 'Idempotency-Key' });
  }
  return {
    ...open,
    principal,
    tenantId,
    actor: { id: principal.id, kind: principal.kind, name: principal.name },
    upload,
    received,
    repeatable: key !== undefined,
    newId: (part = '') => (key === undefined ? v7() : v5([principal.id, asked, key, part].join('\n'), tenantId)),
    recheck: () => principalNow(open.kernel, open.headers),
    read: (work) => store.read(tenantId, work),
    write: (work) =>
      store.write(tenantId, (tx) =>
        work({ ...tx, log: (entry) => tx.log({ correlationId: open.requestId, ...entry }) }),
      ),
  };
}

const statusOf = (res: Response, op: Operation): number =>
  (res.locals['status'] as number | undefined) ?? op.status ?? 200;
const wrapped = (op: Operation, surface: Surface, data: unknown): unknown => (op.whole ? data : surface.envelope(data));

function send(res: Response, op: Operation, surface: Surface, result: unknown): void {
  if (op.status === 204) {
    res.status(204).end();
    return;
  }
  if (!isRaw(op.output)) {
    res.status(statusOf(res, op)).json(wrapped(op, surface, op.output.parse(result)));
    return;
  }
  const reply = result as Reply;
  res
    .status(reply.status ?? op.status ?? 200)
    .set(reply.headers ?? {})
    .type(reply.type);
  if (typeof reply.body === 'string' || Buffer.isBuffer(reply.body)) {
    res.send(reply.body);
    return;
  }
  if (res.req.method === 'HEAD') {
    if (typeof reply.body !== 'function' && 'destroy' in reply.body) (reply.body as Readable).destroy();
    res.end();
    return;
  }
  if (typeof reply.body !== 'function') {
    pipeline(reply.body, res, (e) => void (e && res.destroy())); // whichever end goes first, the other is closed
    return;
  }
  const gone = new AbortController();
  res.on('close', () => gone.abort());
  res.flushHeaders();
  reply.body({ write: (text) => res.write(text), closed: gone.signal }).then(
    () => res.end(),
    (e: unknown) => res.destroy(e instanceof Error ? e : undefined),
  );
}
