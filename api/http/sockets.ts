import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { WebSocket } from 'ws';
import { UpgradeRequired } from '../../domain/errors';
import { authenticate, authorise } from '../auth';
import type { Talk } from '../conversation';
import type { Ctx, Kernel } from '../kernel';
import type { Socket } from '../operation';
import { assertOwnSocket } from '../pages-of-others';
import { surfaceOf } from '../surfaces';
import { closedCtx, openCtx } from './context';
import { parsedQuery } from './inputs';
import { answerConversation } from './conversations';
import type { Limits } from './limits';
import { keepPulse, serverOf, trouble } from './socket-server';
import { upgradeOf } from './upgrade';

export type MountedSocket = FedSocket | Talk;
export interface FedSocket {
  name: string;
  socket: Socket;
  serve: (input: { query: never }, ctx: Ctx) => AsyncGenerator<unknown, string>;
}

const policy = 1008;

/** One text after the other, as fast as they are taken. False: nobody is there any more. */
const send = (ws: WebSocket, text: string): Promise<boolean> =>
  new Promise((resolve) => {
    if (ws.readyState === ws.OPEN) ws.send(text, (e) => resolve(!e));
    else resolve(false);
  });

async function feed(ws: WebSocket, messages: AsyncGenerator<unknown, string>): Promise<void> {
  for (;;) {
    const next = await messages.next();
    if (next.done) return ws.close(policy, next.value);
    if (!(await send(ws, JSON.stringify(next.value)))) return void (await messages.return(''));
  }
}

export const answerSocket = (kernel: Kernel, mounted: MountedSocket, limits: Limits): RequestHandler =>
  'talk' in mounted ? answerConversation(kernel, mounted, limits) : answerFed(kernel, mounted, limits);

/** Looked at as any request, then a WebSocket; asked for without an upgrade it is 426. */
const answerFed =
  (kernel: Kernel, { socket, serve }: FedSocket, limits: Limits): RequestHandler =>
  async (req: Request, res: Response, next: NextFunction) => {
    try {
      const upgrade = upgradeOf(req);
      if (!upgrade) {
        res.setHeader('Upgrade', 'websocket');
        throw new UpgradeRequired(`${req.path} is a WebSocket: ask for it with an upgrade`);
      }
      const surface = surfaceOf(socket.path);
      const principal = await authenticate(kernel, req, surface).catch((e: unknown) => limits.failed(req, e));
      await limits.credential(principal, res, surface);
      authorise(principal, socket.access);
      assertOwnSocket(kernel, req.headers);
      const query = parsedQuery(socket, req.query);
      const over = new AbortController();
      const open = { ...openCtx(kernel, req, res), closed: over.signal };
      const ctx = closedCtx(open, principal, `GET ${req.path}`, undefined, { upload: null, received: null });
      upgrade.leave();
      serverOf(kernel).handleUpgrade(req, upgrade.socket, upgrade.head, (ws) => {
        ws.once('close', () => over.abort());
        ws.on('error', (err) => kernel.logger.debug({ err }, 'a WebSocket failed'));
        ws.on('message', (data: Buffer, binary) => void (!binary && String(data) === 'ping' && ws.send('pong')));
        keepPulse(ws);
        feed(ws, serve({ query: query as never }, ctx)).catch((err: unknown) => {
          kernel.logger.error({ err }, 'a WebSocket could not be fed');
          ws.close(trouble, 'something went wrong on our side: connect again');
        });
      });
    } catch (e) {
      next(e);
    }
  };
