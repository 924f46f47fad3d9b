import type { IncomingHttpHeaders } from 'node:http';
import type { Request, RequestHandler, Response } from 'express';
import type { WebSocket } from 'ws';
import { z } from 'zod';
import { DomainError, Forbidden, RateLimited, Unavailable, UpgradeRequired } from '../../domain/errors';
import { perOwner } from '../../log/shared';
import { authenticate, authorise } from '../auth';
import { closeCodes, type Line, type Talk } from '../conversation';
import type { Kernel } from '../kernel';
import { surfaceOf } from '../surfaces';
import { closedCtx, openCtx } from './context';
import type { Limits } from './limits';
import { keepPulse, serverOf, trouble } from './socket-server';
import { upgradeOf } from './upgrade';

const authMs = 10_000;
/** Whoever takes nothing of what is sent for so long is told where to go on, and dropped. */
const takesMs = 5_000;
/** Who connects and says nothing costs a socket for ten seconds: no more than so many in one process. */
const mostSilent = 1_000;
const silent = perOwner((_kernel: Kernel) => ({ count: 0 }));

const Auth = z.object({ type: z.literal('auth'), token: z.string().min(1).max(4_000) });

/** What was said, as JSON; null where it is none. */
function parsed(data: Buffer): unknown {
  try {
    return JSON.parse(String(data));
  } catch {
    return null;
  }
}

/** One text after the other, each taken before the next, for as long as they are taken in time. */
export function lineTo(ws: Pick<WebSocket, 'readyState' | 'OPEN' | 'send' | 'close'>, withinMs = takesMs): Line {
  let slow = false;
  const close = (code: number, reason: string): void => ws.close(code, reason);
  return {
    close,
    send: (message) =>
      new Promise((resolve) => {
        if (slow || ws.readyState !== ws.OPEN) return resolve(false);
        const late = setTimeout(() => {
          slow = true;
          close(closeCodes.tooSlow, 'too slow: connect again, and go on after the last offset');
          resolve(false);
        }, withinMs);
        ws.send(JSON.stringify(message), (e) => {
          clearTimeout(late);
          resolve(!e && !slow);
        });
      }),
  };
}

const refusalCode = (e: unknown): number | null =>
  e instanceof RateLimited ? closeCodes.rateLimited : e instanceof Forbidden ? closeCodes.forbidden : e instanceof DomainError && e.status < 500 ? closeCodes.unauthorized : null; // prettier-ignore

/** A WebSocket whose first message says who connects: browsers send no header with one. No cookie counts, so any page may. */
export const answerConversation =
  (kernel: Kernel, { socket, talk }: Talk, limits: Limits): RequestHandler =>
  (req: Request, res: Response, next) => {
    const upgrade = upgradeOf(req);
    const waiting = silent(kernel);
    if (!upgrade) {
      res.setHeader('Upgrade', 'websocket');
      return next(new UpgradeRequired(`${req.path} is a WebSocket: ask for it with an upgrade`));
    }
    if (waiting.count >= mostSilent) return next(new Unavailable('too many connect and say nothing: try again'));
    upgrade.leave();
    serverOf(kernel).handleUpgrade(req, upgrade.socket, upgrade.head, (ws) => {
      const over = new AbortController();
      const line = lineTo(ws);
      const begin = async (token: string): Promise<{ hear: (message: never) => void }> => {
        const surface = surfaceOf(socket.path);
        const headers: IncomingHttpHeaders = { authorization: `Bearer ${token}` };
        const shown = Object.create(req, { headers: { value: headers } }) as Request;
        const principal = await authenticate(kernel, shown, surface).catch((e: unknown) => limits.failed(req, e));
        await limits.credential(principal, res, surface);
        authorise(principal, socket.access);
        const open = { ...openCtx(kernel, req, res), headers, closed: over.signal };
        return talk(closedCtx(open, principal, `GET ${req.path}`, undefined, { upload: null, received: null }), line);
      };
      const failed = (err: unknown): void => {
        kernel.logger.error({ err }, 'a WebSocket could not be fed');
        line.close(trouble, 'something went wrong on our side: connect again');
      };
      let hear: ((message: never) => void) | 'nobody' | 'asking' = 'nobody';
      waiting.count += 1;
      const heard = (): void => {
        if (!deadline) return;
        clearTimeout(deadline);
        deadline = null;
        waiting.count -= 1;
      };
      let deadline: NodeJS.Timeout | null = setTimeout(
        () => line.close(closeCodes.unauthorized, 'say who you are in the first message, within 10 seconds'),
        authMs,
      );
      ws.once('close', () => {
        heard();
        over.abort();
      });
      ws.on('error', (err) => kernel.logger.debug({ err }, 'a WebSocket failed'));
      ws.on('message', (data: Buffer, binary) => {
        const message = binary ? null : parsed(data);
        if (hear === 'asking') return line.close(closeCodes.unauthorized, 'wait for auth_ok');
        if (hear === 'nobody') {
          const auth = Auth.safeParse(message);
          if (!auth.success) return line.close(closeCodes.unauthorized, 'the first message is {type: "auth", token}');
          hear = 'asking';
          begin(auth.data.token).then(
            (talking) => {
              hear = (said) => talking.hear(said);
              heard();
            },
            (e: unknown) => {
              const code = refusalCode(e);
              if (code === null) return failed(e);
              line.close(code, (e as Error).message.slice(0, 100));
            },
          );
          return;
        }
        const read = socket.hears.safeParse(message);
        if (read.success) return hear(read.data as never);
        const [issue] = read.error.issues;
        const field = issue?.path.join('.') || 'message';
        void line.send({ type: 'error', payload: { code: 'VALIDATION_ERROR', field, message: issue?.message ?? 'invalid' } }); // prettier-ignore
      });
      keepPulse(ws);
    });
  };
