import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { openLedger } from './ledger';
import type { Mishap, Orders } from './line';
import { openVault, opOf, type Said } from './vault';

const Grant = z.object({
  tenant_id: z.uuid(), fence: z.int(), system: z.string(), resource_type: z.string(), resource_id: z.string(), action: z.string(),
  expires_at: z.iso.datetime(), ttl_ms: z.int().positive(),
}); // prettier-ignore
const Orders = z.object({
  mishaps: z.array(z.object({ op: z.enum(['grant', 'revoke']), what: z.enum(['lose', 'die-before', 'die-after']) })),
  slowMs: z.int(),
}) satisfies z.ZodType<Orders>;

async function bodyOf(req: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return text ? JSON.parse(text) : null;
}

const statuses = { applied: 200, replayed: 200, stale: 409, dead: 410 } as const;

/**
 * A credential provider as an outside system is one: docs/credentials.md over HTTP; a vault below `/v1`; and `/use`, where the
 * credentials of both work. What is ordered befalls whoever calls next.
 */
export async function serveProvider(file: string, port: number, token: string, die: () => void) {
  const ledger = openLedger(file);
  const vault = openVault(`${file}.vault`, ledger);
  let slowMs = 0;
  let mishaps: Mishap[] = [];

  const take = (op: Mishap['op'] | null, what: Mishap['what']): boolean => {
    const next = mishaps.find((m) => m.op === op && m.what === what);
    if (next) mishaps = mishaps.filter((m) => m !== next);
    return next !== undefined;
  };
  const answer = (res: ServerResponse, status: number, body: object): void =>
    void res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  /** Does it, and says so, unless something befalls it before or after. */
  const attend = async (res: ServerResponse, op: Mishap['op'] | null, work: () => Said): Promise<void> => {
    if (take(op, 'die-before')) return die();
    const { status, body } = work();
    if (take(op, 'die-after')) return die();
    if (take(op, 'lose')) return void res.destroy();
    if (slowMs) await pause(slowMs);
    answer(res, status, body);
  };

  const handle = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const body = await bodyOf(req);
    const url = new URL(req.url ?? '/', 'http://provider');
    if (url.pathname === '/orders') {
      const orders = Orders.parse(body);
      mishaps.push(...orders.mishaps);
      slowMs = orders.slowMs;
      return answer(res, 200, {});
    }
    if (url.pathname === '/use') {
      const outcome = ledger.use(String((body as { secret: string }).secret));
      return answer(res, outcome === 'applied' ? 200 : 403, { outcome });
    }
    if (url.pathname.startsWith('/v1/')) {
      const path = url.pathname.slice('/v1/'.length);
      const asked = { method: req.method ?? '', path, token: String(req.headers['x-vault-token'] ?? ''), body };
      return attend(res, opOf(path), () => vault.answer(asked));
    }
    if (req.headers.authorization !== `Bearer ${token}`) return answer(res, 401, { error: 'unauthorized' });
    const lease = /^\/leases\/([0-9a-f-]{36})$/.exec(url.pathname)?.[1];
    if (!lease) return answer(res, 404, { error: 'not_found' });
    const op = req.method === 'PUT' ? 'grant' : 'revoke';
    const done = (): { outcome: keyof typeof statuses; secret?: string | null } => {
      if (op === 'revoke') return { outcome: ledger.revoke(lease, Number(url.searchParams.get('fence'))) };
      const asked = Grant.parse(body);
      return ledger.grant(lease, asked.fence, asked.expires_at);
    };
    await attend(res, op, () => {
      const { outcome, secret } = done();
      const status = statuses[outcome];
      return { status, body: status === 200 ? { ...(secret && { secret }) } : { error: outcome } };
    });
  };
  const server = createServer((req, res) => {
    handle(req, res).catch((e: unknown) => answer(res, 400, { error: 'invalid', message: String(e) }));
  });
  await once(server.listen(port, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async (): Promise<void> => {
      server.closeAllConnections();
      await once(server.close(), 'close');
      vault.close();
      ledger.close();
    },
  };
}
