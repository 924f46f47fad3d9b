import { z } from 'zod';
import type { VaultSettings } from '../../../../config-vault';
import { caOf, jsonOf, send, type Incoming } from '../../../../pipeline/outbound';
import { storableText } from '../../../../domain/storable';

export interface VaultAnswer {
  status: number;
  body: unknown;
  /** What it says is wrong: for people, and for the log. */
  errors: string;
}
export interface Vault {
  /** As ourselves. @throws Error when there is no answer that says anything: it is away, sealed, a standby, or we are not let in */
  ask(method: string, path: string, body?: object): Promise<VaultAnswer>;
  /** With a token that we made. */
  as(token: string, method: string, path: string, body?: object): Promise<VaultAnswer>;
}

const Errors = z.object({ errors: z.array(z.string()) });
const Auth = z.object({
  auth: z.object({ client_token: z.string().min(1), lease_duration: z.int().nonnegative(), renewable: z.boolean() }),
});
const Self = z.object({ data: z.object({ ttl: z.int().nonnegative(), renewable: z.boolean().optional() }) });

/** Statuses of a node that cannot do it just now, where another of the cluster may; 307 names the active one. */
const elsewhere = new Map([
  [307, 'is a standby'],
  [429, 'is a standby, or asked too often'],
  [472, 'is a secondary'],
  [473, 'is a standby'],
  [503, 'is sealed or starting'],
]);
/** Part of a token's life after which it is renewed. */
const renewAfter = 2 / 3;
const longest = 256 * 1024;

interface Session {
  token: string;
  renewable: boolean;
  /** By the clock that nobody sets; null: it has no end. */
  renewAt: number | null;
}
const sessionOf = (token: string, seconds: number, renewable: boolean): Session => ({
  token,
  renewable,
  renewAt: seconds === 0 ? null : performance.now() + seconds * 1000 * renewAfter,
});

/** HTTP of Vault and OpenBao: the nodes of a cluster one after the other, and a token that is renewed before it ends. */
export function vaultApi(s: VaultSettings): Vault {
  const reach = { ca: caOf('VAULT_CACERT', s.caFile), timeoutMs: s.timeoutMs, longest };

  /** The first node that does something with it. What it did and could not say may be done twice: callers know. */
  const call = async (token: string | null, method: string, path: string, body?: object): Promise<VaultAnswer> => {
    let why = '';
    for (const base of s.addresses) {
      const headers = {
        'x-vault-request': 'true',
        ...(token !== null && { 'x-vault-token': token }),
        ...(s.namespace !== null && { 'x-vault-namespace': s.namespace }),
        ...(body && { 'content-type': 'application/json' }),
      };
      let answer: Incoming;
      try {
        answer = await send(
          { method, url: `${base}/v1/${path}`, headers, ...(body && { body: JSON.stringify(body) }) },
          reach,
        );
      } catch (e) {
        why = `did not answer: ${e instanceof Error ? e.message : String(e)}`;
        continue;
      }
      const { status, text } = answer;
      const read = jsonOf(text);
      const errors = storableText((Errors.safeParse(read).data?.errors ?? []).join('; ').slice(0, 500));
      why = elsewhere.get(status) ?? (status >= 500 ? `answered ${status}` : '');
      if (why) {
        if (errors) why += `: ${errors}`;
        continue;
      }
      return { status, body: read, errors };
    }
    throw new Error(`the vault ${why}`);
  };

  const logIn = async (): Promise<Session> => {
    if ('token' in s.auth) {
      const { status, body, errors } = await call(s.auth.token, 'GET', 'auth/token/lookup-self');
      if (status !== 200) throw new Error(`the vault does not know our token: ${status} ${errors}`);
      const { ttl, renewable = false } = Self.parse(body).data;
      return sessionOf(s.auth.token, ttl, renewable);
    }
    const { roleId, secretId, mount } = s.auth;
    const who = { role_id: roleId, secret_id: secretId };
    const { status, body, errors } = await call(null, 'POST', `auth/${mount}/login`, who);
    if (status !== 200) throw new Error(`the vault does not let us in: ${status} ${errors}`);
    const { client_token: token, lease_duration: seconds, renewable } = Auth.parse(body).auth;
    return sessionOf(token, seconds, renewable);
  };
  const renew = async (old: Session): Promise<Session> => {
    if (old.renewable) {
      const { status, body } = await call(old.token, 'POST', 'auth/token/renew-self', {});
      const { data } = Auth.safeParse(body);
      // At the end of what it may live a renewal gives no more: then we log in anew, in time.
      if (status === 200 && data && data.auth.lease_duration > 1) {
        return sessionOf(old.token, data.auth.lease_duration, data.auth.renewable);
      }
    }
    return logIn();
  };

  let session: Promise<Session> | null = null;
  const keep = (next: Promise<Session>): Promise<Session> => {
    session = next;
    next.catch(() => session === next && (session = null));
    return next;
  };
  const current = async (): Promise<Session> => {
    const held = session ?? keep(logIn());
    const standing = await held;
    if (standing.renewAt === null || performance.now() < standing.renewAt || session !== held) return standing;
    return keep(renew(standing));
  };

  return {
    as: call,
    async ask(method, path, body) {
      const held = await current();
      const answer = await call(held.token, method, path, body);
      if (answer.status !== 403) return answer;
      // It may be that our token ended; that it may not do this is told by the second answer.
      if ((await session)?.token === held.token) session = null;
      return call((await current()).token, method, path, body);
    },
  };
}
