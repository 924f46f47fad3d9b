import { pipeline, type Readable } from 'node:stream';
import type { Response } from 'express';
import { isRaw, type Operation, type Reply, type StreamWriter } from '../operation';
import type { Surface } from '../surfaces';
import { closing } from './closing';

export const statusOf = (res: Response, op: Operation): number =>
  (res.locals['status'] as number | undefined) ?? op.status ?? 200;
export const wrapped = (op: Operation, surface: Surface, data: unknown): unknown =>
  op.whole ? data : surface.envelope(data);

const writerTo = (res: Response): StreamWriter => ({
  write: (text) => void (res.destroyed || res.write(text)),
  unsent: () => res.writableLength,
  drained: (ms) =>
    new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        res.off('drain', done).off('close', done);
        resolve();
      };
      const timer = setTimeout(done, res.destroyed ? 0 : ms);
      res.once('drain', done).once('close', done);
    }),
  closed: closing(res),
});

export function send(res: Response, op: Operation, surface: Surface, result: unknown): void {
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
  res.flushHeaders();
  reply.body(writerTo(res)).then(
    ({ lingerMs }) => {
      const cut = setTimeout(() => res.destroy(), lingerMs);
      res.once('close', () => clearTimeout(cut)).end();
    },
    (e: unknown) => res.destroy(e instanceof Error ? e : undefined),
  );
}
