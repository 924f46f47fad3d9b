import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { openLedger } from './ledger';
import type { Mishap, Orders } from './line';

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

/** A credential provider as an outside system is one: docs/credentials.md over HTTP, and `/use` where its credentials work. */
export async function serveProvider(file: string, port: number, token: string, die: () => void) {
  const ledger = openLedger(file);
  let slowMs = 0;
  let mishaps: Mishap[] = [];

  const take = (op: Mishap['op'], kind: (m: Mishap) => boolean): boolean => {
    const next = mishaps.find((m) => m.op === op && kind(m));
    if (next) mishaps = mishaps.filter((m) => m !== next);
    return next !== undefined;
  };
  const answer = (res: ServerResponse, status: number, body: object): void =>
    void res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

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
    if (req.headers.authorization !== `Bearer ${token}`) return answer(res, 401, { error: 'unauthorized' });
    const lease = /^\/leases\/([0-9a-f-]{36})$/.exec(url.pathname)?.[1];
    if (!lease) return answer(res, 404, { error: 'not_found' });
    const op = req.method === 'PUT' ? 'grant' : 'revoke';
    if (take(op, (m) => m.what === 'die-before')) return die();
    const done = (): { outcome: keyof typeof statuses; secret?: string | null } => {
      if (op === 'revoke') return { outcome: ledger.revoke(lease, Number(url.searchParams.get('fence'))) };
      const asked = Grant.parse(body);
      return ledger.grant(lease, asked.fence, asked.expires_at);
    };
    const { outcome, secret } = done();
    if (take(op, (m) => m.what === 'die-after')) return die();
    if (take(op, (m) => m.what === 'lose')) return void res.destroy();
    if (slowMs) await pause(slowMs);
    const status = statuses[outcome];
    answer(res, status, status === 200 ? { ...(secret && { secret }) } : { error: outcome });
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
      ledger.close();
    },
  };
}
