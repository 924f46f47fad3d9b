import { randomUUID } from 'node:crypto';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import helmet from 'helmet';
import pinoHttp from 'pino-http';
import { NotFound } from '../../domain/errors';
import { traceRequest } from '../../log/tracing';
import type { Kernel } from '../kernel';
import { surfaceOf } from '../surfaces';
import { describe } from './failure';
import { createLimits } from './limits';
import { observeRequest } from '../metrics';
import { mount, type Mounted } from './mount';
import type { MountedSocket } from './sockets';
import { answerMcp } from '../mcp/door';
import { mcpPath } from '../mcp/path';
import { metadataPath } from '../contracts/spec/protected-resource';
import { baseOf } from '../public-base';

/** Echoed, or made: one id from the request to the log entry. */
function requestId(req: Request): string {
  const given = req.get('x-request-id');
  return given && /^[\x21-\x7e]{1,50}$/.test(given) ? given : randomUUID();
}

/** The middleware above gave it; pino-http widens its type. */
const idOf = (req: Request): string => req.id as string;

export function createApp(kernel: Kernel, operations: readonly Mounted[], sockets: readonly MountedSocket[]): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('query parser', 'simple');
  app.use((req: Request, res: Response, next: NextFunction) => {
    req.id = requestId(req);
    res.setHeader('X-Request-ID', idOf(req));
    next();
  });
  app.use(observeRequest);
  if (kernel.config.tracing) app.use(traceRequest);
  app.use(
    pinoHttp({
      logger: kernel.logger,
      genReqId: (req) => req.id,
      customLogLevel: (_req, res, err) => (err || res.statusCode >= 500 ? 'error' : 'debug'),
      serializers: {
        req: (req: { id: string; method: string; url: string }) => ({
          id: req.id,
          method: req.method,
          path: req.url.split('?')[0],
        }),
        res: (res: { statusCode: number }) => ({ status: res.statusCode }),
      },
    }),
  );
  app.use(
    helmet({ contentSecurityPolicy: false, frameguard: { action: 'deny' }, referrerPolicy: { policy: 'no-referrer' } }),
  );
  app.get('/', (_req, res) => res.redirect('/docs'));
  const limits = createLimits(kernel);
  app.all(mcpPath, answerMcp(kernel, limits));
  app.use(mount(kernel, operations, sockets, limits));
  app.use((req: Request, _res: Response, next: NextFunction) =>
    next(new NotFound(`no route ${req.method} ${req.path}`)),
  );
  app.use((e: unknown, req: Request, res: Response, _next: NextFunction) => {
    const surface = surfaceOf(req.path);
    const failure = describe(e, surface, idOf(req));
    if (failure.status >= 500) req.log.error({ err: e }, failure.error.message);
    if (res.headersSent) {
      res.destroy();
      return;
    }
    const wait = failure.error.details['retry_after_s'];
    if (failure.code === 'Unavailable') res.setHeader('Retry-After', '2');
    else if (typeof wait === 'number') res.setHeader('Retry-After', String(wait));
    if (failure.status === 401) {
      // Clients of MCP find out from there whom to ask for a token (RFC 9728).
      const where = req.path === mcpPath ? `, resource_metadata="${baseOf(kernel, req.headers)}${metadataPath}"` : '';
      res.setHeader('WWW-Authenticate', surface.challenge ?? `Bearer realm="wheelhouse"${where}`);
    }
    res.status(failure.status).json(surface.failure(failure));
  });
  return app;
}
