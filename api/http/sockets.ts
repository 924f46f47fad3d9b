import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { WebSocketServer, type WebSocket } from 'ws';
import { UpgradeRequired } from '../../domain/errors';
import { perOwner } from '../../log/shared';
import { authenticate, authorise } from '../auth';
import type { Ctx, Kernel } from '../kernel';
import type { Socket } from '../operation';
import { assertOwnSocket } from '../pages-of-others';
import { surfaceOf } from '../surfaces';
import { closedCtx, openCtx } from './context';
import { parsedQuery } from './inputs';
import type { Limits } from './limits';
import { upgradeOf } from './upgrade';

export interface MountedSocket {
  name: string;
  socket: Socket;
  serve: (input: { query: never }, ctx: Ctx) => AsyncGenerator<unknown, string>;
}

/** Who does not answer for so long is gone. */
const pulseMs = 30_000;
/** Clients say `ping`, and nothing else that is read. */
const maxPayload = 4_096;
const policy = 1008;
const goingAway = 1001;
const trouble = 1011;

const serverOf = perOwner(
  (_kernel: Kernel) => new WebSocketServer({ noServer: true, maxPayload, perMessageDeflate: false }),
);

/** One text after the other, as fast as they are taken. False: nobody is there any more. */
const send = (ws: WebSocket, text: string): Promise<boolean> =>
  new Promise((resolve) => {
    if (ws.readyState === ws.OPEN) ws.send(text, (e) => resolve(!e));
    else resolve(false);
  });

/** Notices who went away without a word. */
function keepPulse(ws: WebSocket): void {
  let answered = true;
  ws.on('pong', () => (answered = true));
  const pulse = setInterval(() => {
    if (!answered) return ws.terminate();
    answered = false;
    ws.ping();
  }, pulseMs);
  ws.once('close', () => clearInterval(pulse));
}

async function feed(ws: WebSocket, messages: AsyncGenerator<unknown, string>): Promise<void> {
  for (;;) {
    const next = await messages.next();
    if (next.done) return ws.close(policy, next.value);
    if (!(await send(ws, JSON.stringify(next.value)))) return void (await messages.return(''));
  }
}

/** Looked at as any request, then a WebSocket; asked for without an upgrade it is 426. */
export const answerSocket =
  (kernel: Kernel, { socket, serve }: MountedSocket, limits: Limits): RequestHandler =>
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

/** Says good-bye to whoever listens, so that they go to another process. */
export function closeSockets(kernel: Kernel): void {
  for (const ws of serverOf(kernel).clients) ws.close(goingAway, 'the server is ending');
}
