import type { Request, Response } from 'express';
import { v5, v7 } from 'uuid';
import { Invalid } from '../../domain/errors';
import type { Principal } from '../../domain/principal';
import { principalNow } from '../auth';
import type { Ctx, Kernel, OpenCtx } from '../kernel';
import type { Received } from '../operation';
import { closing } from './closing';
import type { Upload } from './upload';

export function openCtx(kernel: Kernel, req: Request, res: Response): OpenCtx {
  return {
    kernel,
    requestId: req.id as string,
    headers: req.headers,
    ip: req.ip ?? req.socket.remoteAddress ?? 'unknown',
    get closed() {
      return closing(res);
    },
    setHeader: (name, value) => void res.append(name, value),
    answerWith: (status) => void (res.locals['status'] = status),
  };
}

export function closedCtx(
  open: OpenCtx,
  principal: Principal,
  asked: string,
  key: string | undefined,
  { upload, received }: { upload: Upload | null; received: Received | null },
): Ctx {
  const { store } = open.kernel;
  const { tenantId } = principal;
  if (key !== undefined && !/^[\x21-\x7e]{1,240}$/.test(key)) {
    throw new Invalid('Idempotency-Key: 1 to 200 printable characters without spaces', { field: 'Idempotency-Key' });
  }
  // Not spread: `closed` is made for who asks for it.
  const { kernel, requestId, headers, ip } = open;
  let logged = false;
  return {
    kernel,
    requestId,
    headers,
    ip,
    setHeader: (name, value) => open.setHeader(name, value),
    answerWith: (status) => open.answerWith(status),
    get closed() {
      return open.closed;
    },
    principal,
    tenantId,
    actor: { id: principal.id, kind: principal.kind, name: principal.name },
    upload,
    received,
    repeatable: key !== undefined,
    newId: (part = '') => (key === undefined ? v7() : v5([principal.id, asked, key, part].join('\n'), tenantId)),
    recheck: () => principalNow(open.kernel, open.headers),
    read: (work) => store.read(tenantId, work),
    write: async (work) => {
      let says = false;
      const result = await store.write(tenantId, (tx) => {
        says = false; // of this try, should the transaction be tried again
        const log: typeof tx.log = (entry) => {
          says = true;
          return tx.log({ correlationId: open.requestId, ...entry });
        };
        return work({ ...tx, log });
      });
      logged ||= says;
      return result;
    },
    get logged() {
      return logged;
    },
  };
}
