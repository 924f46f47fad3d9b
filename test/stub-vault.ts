import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What happens to the next calls of a path: as listed, or `lose`: it is done, and the answer never comes. */
export type Trouble = { kind: 'http'; status: number; errors?: string[] } | { kind: 'silence' } | { kind: 'lose' };
interface Token {
  accessor: string;
  policies: string[];
  endsAt: number;
  leases: string[];
}
interface Dynamic {
  username: string;
  endsAt: number;
  token: string;
}
const namespace = 'ops';
export const roleId = 'a-role';
export const secretId = 'a-secret-id';

/** A vault that keeps its tokens, entries and dynamic secrets, over the API of Vault and OpenBao, and fails on demand. */
export async function stubVault() {
  const calls: string[] = [];
  const tokens = new Map<string, Token>();
  const entries = new Map<string, { version: number; data: unknown; deleted: boolean }>();
  const dynamic = new Map<string, Dynamic>();
  let troubles: { path: RegExp; what: Trouble; left: number }[] = [];
  let sealed = false;
  let loginSeconds = 3600;

  const say = (res: ServerResponse, status: number, body?: object): void =>
    void res.writeHead(status, { 'content-type': 'application/json' }).end(body && JSON.stringify(body));
  const no = (res: ServerResponse, status: number, ...errors: string[]): void => say(res, status, { errors });
  const make = (policies: string[], seconds: number): { client_token: string; accessor: string } => {
    const token = `s.${randomUUID()}`;
    const accessor = randomUUID();
    tokens.set(token, { accessor, policies, endsAt: Date.now() + seconds * 1000, leases: [] });
    return { client_token: token, accessor };
  };
  const alive = (token: string): Token | null => {
    const found = tokens.get(token);
    if (!found || found.endsAt > Date.now()) return found ?? null;
    drop(token);
    return null;
  };
  const drop = (token: string): void => {
    for (const id of tokens.get(token)?.leases ?? []) dynamic.delete(id);
    tokens.delete(token);
  };

  const answer = (req: IncomingMessage, res: ServerResponse, path: string, body: any): void => {
    if (sealed) return no(res, 503, 'Vault is sealed');
    if (req.headers['x-vault-namespace'] !== namespace) return no(res, 404, 'no handler for route');
    if (path === 'auth/approle/login') {
      if (body.role_id !== roleId || body.secret_id !== secretId) return no(res, 400, 'invalid role or secret ID');
      const auth = { ...make(['wheelhouse'], loginSeconds), lease_duration: loginSeconds, renewable: true };
      return say(res, 200, { auth });
    }
    const given = String(req.headers['x-vault-token'] ?? '');
    const token = alive(given);
    if (!token) return no(res, 403, 'permission denied');
    const ours = token.policies.includes('wheelhouse');
    if (path === 'auth/token/renew-self') {
      token.endsAt = Date.now() + loginSeconds * 1000;
      return say(res, 200, { auth: { client_token: given, lease_duration: loginSeconds, renewable: true } });
    }
    if (path === 'auth/token/create-orphan' || path === 'auth/token/create/leases') {
      if (!ours) return no(res, 403, 'permission denied');
      const made = make(body.policies, parseInt(body.ttl, 10));
      return say(res, 200, { auth: { ...made, lease_duration: parseInt(body.ttl, 10), renewable: false } });
    }
    if (path === 'auth/token/revoke-accessor') {
      const found = [...tokens].find(([, t]) => t.accessor === body.accessor)?.[0];
      if (found === undefined) return no(res, 400, 'invalid accessor');
      drop(found);
      return say(res, 204);
    }
    if (path === 'sys/leases/revoke') {
      dynamic.delete(body.lease_id);
      return say(res, 204);
    }
    if (path === 'sys/leases/renew') {
      const lease = dynamic.get(body.lease_id);
      if (!lease) return no(res, 400, 'lease not found');
      const seconds = Math.min(body.increment, 600); // what the role allows at most
      lease.endsAt = Date.now() + seconds * 1000;
      return say(res, 200, { lease_id: body.lease_id, lease_duration: seconds, renewable: true });
    }
    if (path === 'database/creds/reader') {
      if (!token.policies.includes('read-database'))
        return no(res, 403, '1 error occurred:\n\t* permission denied\n\n');
      const id = `${path}/${randomUUID()}`;
      const username = `v-${randomUUID()}`;
      dynamic.set(id, { username, endsAt: Date.now() + 60_000, token: given });
      token.leases.push(id);
      return say(res, 200, {
        lease_id: id,
        lease_duration: 60,
        renewable: true,
        data: { username, password: randomUUID() },
      });
    }
    if (!path.startsWith('secret/data/')) return no(res, 404);
    if (!ours && !(token.policies.includes('read-gitlab') && path.startsWith('secret/data/gitlab/')))
      return no(res, 403, 'permission denied');
    const entry = entries.get(path);
    const metadata = { version: entry?.version ?? 0, deletion_time: entry?.deleted ? new Date().toISOString() : '' };
    if (req.method === 'GET') {
      if (!entry) return no(res, 404);
      return say(res, entry.deleted ? 404 : 200, { data: { data: entry.deleted ? null : entry.data, metadata } });
    }
    if (body.options?.cas !== undefined && body.options.cas !== metadata.version)
      return no(res, 400, 'check-and-set parameter did not match the current version');
    entries.set(path, { version: metadata.version + 1, data: body.data, deleted: false });
    say(res, 200, { data: { version: metadata.version + 1 } });
  };

  const handle = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    let text = '';
    for await (const chunk of req) text += String(chunk);
    const path = (req.url ?? '').slice('/v1/'.length);
    calls.push(`${req.method} ${path}`);
    const now = troubles.find((t) => t.left > 0 && t.path.test(path));
    if (now) now.left -= 1;
    if (now?.what.kind === 'silence') return;
    if (now?.what.kind === 'http') return no(res, now.what.status, ...(now.what.errors ?? []));
    const done = { writeHead: () => ({ end: () => res.socket?.destroy() }) } as unknown as ServerResponse;
    answer(req, now ? done : res, path, text ? JSON.parse(text) : {});
  };
  const server = createServer((req, res) => {
    handle(req, res).catch((e: unknown) => no(res, 500, String(e)));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    addr: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    namespace,
    calls,
    put: (path: string, data: object): void =>
      void entries.set(`secret/data/${path}`, { version: 1, data, deleted: false }),
    /** The dynamic users that can log in at this moment. */
    users: (): string[] =>
      [...dynamic.values()].filter((d) => alive(d.token) && d.endsAt > Date.now()).map((d) => d.username),
    /** Tokens that were made for leases and are alive. */
    leased: (): number => [...tokens.keys()].filter((t) => !alive(t)?.policies.includes('wheelhouse')).length,
    /** The record of a lease is taken away, as a mount's retention does. */
    forget: (leaseId: string): void => {
      for (const [path, entry] of entries) if (path.endsWith(leaseId)) entry.deleted = true;
    },
    /** What we logged in with ends at once; later logins last so long. */
    endSessions: (seconds = 3600): void => {
      loginSeconds = seconds;
      for (const [token, t] of tokens) if (t.policies.includes('wheelhouse')) tokens.delete(token);
    },
    seal: (on: boolean): void => void (sealed = on),
    fails: (path: RegExp, what: Trouble, times = 1): void => void troubles.push({ path, what, left: times }),
    heals: (): void => void (troubles = []),
    async close(): Promise<void> {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
}
