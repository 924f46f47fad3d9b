import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync, fsyncSync, openSync, closeSync, readFileSync, writeSync } from 'node:fs';
import { z } from 'zod';
import type { openLedger } from './ledger';
import type { Mishap } from './line';

/** What it has done, one line on disk each, so that it is the same vault after its death. */
type Event =
  | { kind: 'token'; token: string; accessor: string; policies: string[]; lease: string | null }
  | { kind: 'token-gone'; token: string }
  | { kind: 'secret'; id: string; token: string; lease: string; credential: string }
  | { kind: 'secret-gone'; id: string }
  | { kind: 'entry'; path: string; version: number; data: unknown };
type Of<K extends Event['kind']> = Extract<Event, { kind: K }>;

export interface Said {
  status: number;
  body: object;
}
export interface Request {
  method: string;
  /** Below `/v1`. */
  path: string;
  token: string;
  body: unknown;
}

/** Who it knows; what a lease's token may read, and where. */
export const login = { roleId: 'the-role', secretId: 'the-secret-id' };
export const reading = { path: 'database/creds/reader', policy: 'read' };
const records = 'secret/data/wheelhouse/leases/';
const ours = 'wheelhouse';

const Login = z.object({ role_id: z.literal(login.roleId), secret_id: z.literal(login.secretId) });
const Create = z.object({ policies: z.array(z.string()), ttl: z.string(), meta: z.object({ lease_id: z.uuid() }) });
const Accessor = z.object({ accessor: z.string() });
const LeaseId = z.object({ lease_id: z.string(), increment: z.int().default(0) });
const Put = z.object({ options: z.object({ cas: z.int() }), data: z.object({ fence: z.int(), ended: z.boolean() }).loose() }); // prettier-ignore

const no = (status: number, ...errors: string[]): Said => ({ status, body: { errors } });
const done: Said = { status: 204, body: {} };

/** What a request does to credentials; null: nothing. */
export const opOf = (path: string): Mishap['op'] | null =>
  path === reading.path
    ? 'grant'
    : path === 'sys/leases/revoke' || path === 'auth/token/revoke-accessor'
      ? 'revoke'
      : null;

/**
 * As much of HashiCorp Vault as leases need, over its API and over its own crashes: AppRole, tokens, a database whose
 * secrets end with their lease or their token, and a KV version 2 mount with check-and-set. It keeps no time: whoever asked
 * for a secret has to end it.
 */
export function openVault(
  file: string,
  ledger: Pick<ReturnType<typeof openLedger>, 'digest' | 'make' | 'unmake' | 'end'>,
) {
  const tokens = new Map<string, Of<'token'>>();
  const secrets = new Map<string, Of<'secret'>>();
  const entries = new Map<string, Of<'entry'>>();
  const know = (e: Event): void => {
    if (e.kind === 'token') tokens.set(e.token, e);
    if (e.kind === 'token-gone') tokens.delete(e.token);
    if (e.kind === 'secret') secrets.set(e.id, e);
    if (e.kind === 'secret-gone') secrets.delete(e.id);
    if (e.kind === 'entry') entries.set(e.path, e);
  };
  if (existsSync(file))
    for (const line of readFileSync(file, 'utf8').split('\n').slice(0, -1)) know(JSON.parse(line) as Event);
  const journal = openSync(file, 'a', 0o600);
  const put = (e: Event): void => {
    writeSync(journal, `${JSON.stringify(e)}\n`);
    fsyncSync(journal);
    know(e);
  };
  const make = (policies: string[], lease: string | null) => {
    const made = { token: `s.${randomUUID()}`, accessor: randomUUID() };
    put({ kind: 'token', ...made, policies, lease });
    return { client_token: made.token, accessor: made.accessor, lease_duration: 3_600, renewable: lease === null };
  };
  /** In the ledger first: one that dies in between is asked again, and finds it dead. */
  const end = ({ id, lease, credential }: Of<'secret'>): void => {
    ledger.unmake(lease, credential);
    put({ kind: 'secret-gone', id });
  };

  const keep = (path: string, method: string, body: unknown): Said => {
    const entry = entries.get(path);
    if (method === 'GET')
      return entry
        ? { status: 200, body: { data: { data: entry.data, metadata: { version: entry.version, deletion_time: '' } } } }
        : no(404);
    const { options, data } = Put.parse(body);
    const version = entry?.version ?? 0;
    if (options.cas !== version) return no(400, 'check-and-set parameter did not match the current version');
    put({ kind: 'entry', path, version: version + 1, data });
    if (data.ended) ledger.end(path.slice(path.lastIndexOf('/') + 1), data.fence);
    return { status: 200, body: { data: { version: version + 1 } } };
  };

  const lend = ({ token, lease, policies }: Of<'token'>): Said => {
    if (lease === null || !policies.includes(reading.policy)) return no(403, 'permission denied');
    const id = `${reading.path}/${randomUUID()}`;
    const password = randomBytes(24).toString('base64url');
    // Known to the vault first: one that dies in between has told nobody.
    put({ kind: 'secret', id, token, lease, credential: ledger.digest(password) });
    ledger.make(lease, password);
    const data = { username: `v-${id.slice(-12)}`, password };
    return { status: 200, body: { lease_id: id, lease_duration: 60, renewable: true, data } };
  };

  return {
    answer({ method, path, token: given, body }: Request): Said {
      if (path === 'auth/approle/login')
        return Login.safeParse(body).success
          ? { status: 200, body: { auth: make([ours], null) } }
          : no(400, 'invalid role or secret ID');
      const token = tokens.get(given);
      if (!token) return no(403, 'permission denied');
      if (path === reading.path) return lend(token);
      if (path === 'sys/leases/renew') {
        const asked = LeaseId.parse(body);
        if (!secrets.has(asked.lease_id)) return no(400, 'lease not found');
        return { status: 200, body: { lease_id: asked.lease_id, lease_duration: asked.increment, renewable: true } };
      }
      if (!token.policies.includes(ours)) return no(403, 'permission denied');
      if (path === 'auth/token/create-orphan') {
        const asked = Create.parse(body);
        return { status: 200, body: { auth: make(asked.policies, asked.meta.lease_id) } };
      }
      if (path === 'auth/token/revoke-accessor') {
        const { accessor } = Accessor.parse(body);
        const found = [...tokens.values()].find((t) => t.accessor === accessor);
        if (!found) return no(400, 'invalid accessor');
        for (const secret of [...secrets.values()]) if (secret.token === found.token) end(secret);
        put({ kind: 'token-gone', token: found.token });
        return done;
      }
      if (path === 'sys/leases/revoke') {
        const secret = secrets.get(LeaseId.parse(body).lease_id);
        if (secret) end(secret);
        return done;
      }
      return path.startsWith(records) ? keep(path, method, body) : no(404);
    },
    close: () => closeSync(journal),
  };
}
