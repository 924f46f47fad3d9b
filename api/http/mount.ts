import { Router, type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import { DomainError, MethodNotAllowed } from '../../domain/errors';
import type { Kernel } from '../kernel';
import { isRaw, type Method, type Operation } from '../operation';
import { surfaceOf, type Surface } from '../surfaces';
import { authenticate, authorise, authoriseMetrics } from '../auth';
import { closedCtx, openCtx } from './context';
import { refusalOf } from './failure';
import { claimKey } from './idempotency';
import { assertStorable, inputs, OtherPath, readBody } from './inputs';
import type { Limits } from './limits';
import { readRows } from './rows';
import { send, statusOf, wrapped } from './send';
import { answerSocket, type MountedSocket } from './sockets';
import { readUpload } from './upload';

export type AnyHandler = (input: { params: unknown; query: unknown; body: unknown }, ctx: never) => Promise<unknown>;
export interface Mounted {
  name: string;
  op: Operation;
  handler: AnyHandler;
}

const keyOf = (req: Request, op: Operation): string | undefined =>
  req.get('idempotency-key') ?? (op.kept && req.get('x-idempotency-key'));

/** What a key is bound to. */
function boundTo(req: Request, { kept }: Operation, asked: string, body: unknown): { asked: string; body: unknown } {
  if (!kept) return { asked, body };
  const named = (names: readonly string[]) => names.map((name) => req.get(name) ?? null);
  const apart = named(kept.apart);
  return {
    asked: apart.some((v) => v !== null) ? `${asked} ${apart.join(' ').slice(0, 200)}` : asked,
    body: [body ?? null, ...named(kept.says)],
  };
}

/** A refusal is certain; trouble, and an engine that did not answer, may come after the first row. */
const changedNothing = (e: unknown): boolean => e instanceof DomainError && e.status < 500;

const split = (route: string): [Method, string] => {
  const space = route.indexOf(' ');
  return [route.slice(0, space) as Method, route.slice(space + 1)];
};

/** Literal segments before parameters, so that `/api/changes/pending` never falls into `/api/changes/:change_id`. */
const specificity = (path: string): string => path.replace(/[:*][^/]+/g, '\uffff');

export function mount(
  kernel: Kernel,
  operations: readonly Mounted[],
  sockets: readonly MountedSocket[],
  limits: Limits,
): Router {
  const router = Router({ strict: false });
  for (const s of sockets) router.get(s.socket.path, answerSocket(kernel, s, limits));
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
    const here = paths.filter((p) => p.path === path);
    router.all(path, (req, res, next) => {
      // `DELETE /things/:id` is no method of `/things/pending`, when that can't be an id.
      const has = here.filter(({ op }) => op.params?.safeParse(req.params).success ?? true);
      if (!has.length) return next();
      const allowed = (res.locals['allowed'] ??= new Set<string>()) as Set<string>;
      for (const { method } of has) allowed.add(method);
      if (allowed.has('GET')) allowed.add('HEAD');
      next();
    });
  }
  router.use((req, res, next) => {
    limits.stranger(req, res).then(() => next(), next);
  });
  router.use(otherMethod);
  return router;
}

/** After every route: a path that some of them have, for other methods than the one that was asked. */
const otherMethod: RequestHandler = (req, res, next) => {
  const allowed = res.locals['allowed'] as Set<string> | undefined;
  if (!allowed) return next(res.locals['otherwise']);
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
  body: (req: Request, res: Response, form?: true) => Promise<unknown>,
): RequestHandler {
  // prettier-ignore
  return async (req: Request, res: Response, next: NextFunction) => {
    const upload = op.upload && req.is('multipart/form-data') !== false;
    try {
      const open = openCtx(kernel, req, res);
      if (op.access === 'session') {
        const result = await handler(inputs(req, op, await body(req, res)), open as never).catch((e: unknown) =>
          limits.failed(req, e),
        );
        send(res, op, surface, result);
        return;
      }
      if (op.access === 'public' || op.access === 'login' || op.access === 'metrics') {
        if (op.access === 'metrics') authoriseMetrics(kernel, req);
        if (op.access === 'login') await limits.login(req, res, surface);
        const input = inputs(req, op, await body(req, res, op.form));
        const result = await handler(input, open as never);
        if (op.access === 'login') await limits.loggedIn(req);
        send(res, op, surface, result);
        return;
      }
      const principal = await authenticate(kernel, req, surface).catch((e: unknown) => limits.failed(req, e));
      await limits.credential(principal, res, surface);
      authorise(principal, op.access);
      const key = req.method === 'POST' ? keyOf(req, op) : undefined;
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
      const ctxFor = (named: string | undefined) => closedCtx(open, principal, asked, named, { upload: null, received });
      if (key === undefined) {
        send(res, op, surface, await handler(input, ctxFor(undefined) as never));
        return;
      }
      const bound = boundTo(req, op, asked, read);
      const claim = await claimKey(kernel, principal, bound.asked, key, bound.body, op);
      // A key that is free again before long makes other things when it is used again.
      const ctx = ctxFor(op.kept ? `${key}@${claim.until}` : key);
      if (claim.replay) {
        res.setHeader('Idempotent-Replayed', 'true');
        if (op.kept) res.setHeader('X-Idempotency-Hit', 'true');
        res.status(claim.replay.status).json(claim.replay.body);
        return;
      }
      try {
        const result = await handler(input, ctx as never);
        if (!isRaw(op.output)) await claim.keep({ status: statusOf(res, op), body: wrapped(op, surface, op.output.parse(result)) });
        else await claim.release();
        send(res, op, surface, result);
      } catch (e) {
        if (!changedNothing(e)) await claim.leave();
        else if (ctx.logged) await claim.keep(refusalOf(e, surface, ctx.requestId));
        else await claim.release();
        throw e;
      }
    } catch (e) {
      if (upload || op.rows) req.unpipe().resume();
      if (!(e instanceof OtherPath)) return next(e);
      res.locals['otherwise'] = e;
      next();
    }
  };
}
