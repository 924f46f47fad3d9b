import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { BadRequest } from '../bad-request';
import { MethodNotAllowed } from '../../domain/errors';
import { authenticate } from '../auth';
import { readBody } from '../http/inputs';
import type { Limits } from '../http/limits';
import type { Kernel } from '../kernel';
import { assertKnownPage } from '../pages-of-others';
import { surfaceOf } from '../surfaces';
import type { Caller } from './dispatch';
import { mcpPath } from './path';
import { sessionsOf } from './sessions';

const credentials = ['authorization', 'x-api-key', 'x-dashboard-service-token'] as const;

/** Where this process was reached, whatever stands before it. */
function selfOf({ socket: { localAddress = '127.0.0.1', localPort = 0 } }: Request): string {
  return `http://${localAddress.includes(':') ? `[${localAddress}]` : localAddress}:${localPort}`;
}

const callerOf = (req: Request, principal: Caller['principal']): Caller => ({
  principal,
  credential: Object.fromEntries(credentials.flatMap((name) => (req.headers[name] ? [[name, String(req.headers[name])]] : []))),
  requestId: req.id as string,
  self: selfOf(req),
}); // prettier-ignore

/**
 * MCP over Streamable HTTP. Whoever sends a message is looked at as for any request, message by message; what a message calls is then
 * a request of theirs. Nothing is said to a client but in answer to a message: GET, the stream for the rest, is 405.
 */
export function answerMcp(kernel: Kernel, limits: Limits): RequestHandler {
  const sessions = sessionsOf(kernel);
  const surface = surfaceOf(mcpPath);
  const body = readBody(kernel);
  return async (req: Request, res: Response, next: NextFunction) => {
    try {
      res.setHeader('Cache-Control', 'no-store');
      assertKnownPage(kernel, req.headers);
      // A browser sends it along with what any page asks for.
      delete req.headers.cookie;
      const principal = await authenticate(kernel, req, surface).catch((e: unknown) => limits.failed(req, e));
      await limits.credential(principal, res, surface);
      if (req.method !== 'POST' && req.method !== 'DELETE') {
        res.setHeader('Allow', 'DELETE, POST');
        throw new MethodNotAllowed(`${mcpPath} has no ${req.method}`);
      }
      const message = req.method === 'POST' ? await body(req, res) : undefined;
      if (Array.isArray(message)) throw new BadRequest('body: one message at a time', { field: 'body' });
      const id = req.get('mcp-session-id');
      const transport = id === undefined ? await sessions.begin(principal) : sessions.of(id, principal);
      const { credentialId: clientId, scopes } = principal;
      const auth = { token: '', clientId, scopes: [...scopes], extra: { caller: callerOf(req, principal) } };
      await transport.handleRequest(Object.assign(req, { auth }), res, message ?? (req.method === 'POST' ? {} : undefined));
      if (transport.sessionId === undefined) await transport.close(); // it was no initialization, and was told so
    } catch (e) {
      next(e);
    }
  };
} // prettier-ignore
