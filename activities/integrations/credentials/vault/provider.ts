import { z } from 'zod';
import type { VaultSecret, VaultSettings } from '../../../../config-vault';
import { Refused, Stale, type CredentialProvider, type GrantAsk } from '../../../../domain/credentials';
import type { LeaseScope } from '../../../../domain/harness';
import { matchesGlob } from '../../../../pipeline/tools/vault';
import { vaultApi } from './api';
import { records, type LeaseRecord, type Standing } from './record';

const Token = z.object({ auth: z.object({ client_token: z.string(), accessor: z.string().min(1) }) });
const Secret = z.object({
  lease_id: z.string().default(''),
  lease_duration: z.int().nonnegative().default(0),
  renewable: z.boolean().default(false),
  data: z.record(z.string(), z.unknown()),
});
const Versioned = z.object({ data: z.record(z.string(), z.unknown()), metadata: z.object({ version: z.int() }) });
const Renewed = z.object({ lease_duration: z.int().nonnegative() });

/** What may stand for `{resource_id}` in a path: one part of it. */
const part = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,199}$/;

/** @throws Refused when nothing is read for such a lease */
function pathOf(secrets: readonly VaultSecret[], scope: LeaseScope): VaultSecret {
  const fits = secrets.find(
    (s) =>
      matchesGlob(s.system, scope.system) && matchesGlob(s.resourceType, scope.resourceType) &&
      matchesGlob(s.resourceId, scope.resourceId) && matchesGlob(s.action, scope.action),
  ); // prettier-ignore
  const named = `${scope.system}/${scope.resourceType}/${scope.resourceId}/${scope.action}`;
  if (!fits) throw new Refused(`nothing is set up to be read for ${named}`);
  if (!fits.path.includes('{resource_id}')) return fits;
  if (!part.test(scope.resourceId)) throw new Refused(`${scope.resourceId} is no part of a path`);
  return { ...fits, path: fits.path.replaceAll('{resource_id}', scope.resourceId) };
}

/** One field as it is; all of them as JSON. @throws Refused when it has none of that name */
function textOf(data: Record<string, unknown>, field: string | null): string {
  const values = Object.values(data);
  const value = field === null ? (values.length === 1 ? values[0] : data) : data[field];
  if (value === undefined || value === null) throw new Refused(`the secret has no ${field ?? 'value'}`);
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/**
 * HashiCorp Vault or OpenBao. A lease is a token of its own there, which ends when the lease does, and may read one secret; a
 * dynamic secret that is read with it ends with it. What is known of a lease is written there by check-and-set before
 * anything is made, so a late attempt makes nothing, and the end of a lease holds.
 */
export function vaultCredentials(s: VaultSettings): CredentialProvider {
  const vault = vaultApi(s);
  const known = records(vault, s.records);
  const create = s.tokenRole === null ? 'auth/token/create-orphan' : `auth/token/create/${s.tokenRole}`;

  /** Of what an attempt made, nothing is alive afterwards. */
  const undo = async ({ accessor, lease_ids: ids }: LeaseRecord): Promise<void> => {
    for (const id of ids) {
      const { status, errors } = await vault.ask('PUT', 'sys/leases/revoke', { lease_id: id, sync: true });
      if (status > 299) throw new Error(`the vault did not end a secret: ${status} ${errors}`);
    }
    if (accessor === null) return;
    const { status, errors } = await vault.ask('POST', 'auth/token/revoke-accessor', { accessor });
    const gone = status < 300 || ((status === 400 || status === 404) && errors.includes('invalid accessor'));
    if (!gone) throw new Error(`the vault did not end a token: ${status} ${errors}`);
  };

  const makeToken = async ({ tenantId, leaseId }: GrantAsk, seconds: number, policies: readonly string[]) => {
    const { status, body, errors } = await vault.ask('POST', create, {
      policies, ttl: `${seconds}s`, explicit_max_ttl: `${seconds}s`, renewable: false, display_name: 'wheelhouse',
      meta: { tenant_id: tenantId, lease_id: leaseId },
    }); // prettier-ignore
    if (status !== 200) throw new Error(`the vault made no token: ${status} ${errors}`);
    const { client_token: token, accessor } = Token.parse(body).auth;
    return { token, accessor };
  };

  const read = async (token: string, { path, field }: VaultSecret, seconds: number) => {
    const { status, body, errors } = await vault.as(token, 'GET', path);
    if (status !== 200) throw new Refused(`the vault lends nothing at ${path}: ${status} ${errors}`.trim());
    const secret = Secret.parse(body);
    let lives = seconds;
    if (secret.lease_id) {
      lives = Math.min(seconds, secret.lease_duration);
      if (lives < seconds && secret.renewable) {
        const more = await vault.as(token, 'PUT', 'sys/leases/renew', {
          lease_id: secret.lease_id,
          increment: seconds,
        });
        const renewed = Renewed.safeParse(more.body).data;
        if (more.status === 200 && renewed) lives = Math.min(seconds, renewed.lease_duration);
      }
    }
    const inner = Versioned.safeParse(secret.data).data;
    return { text: textOf(inner?.data ?? secret.data, field), leaseId: secret.lease_id, livesMs: lives * 1000 };
  };

  return {
    keeper: () => 'vault',
    async grant(ask) {
      const { tenantId, leaseId, fence } = ask;
      const secret = pathOf(s.secrets, ask.scope);
      const seconds = Math.floor(ask.ttlMs / 1000);
      if (seconds < 1) throw new Refused('its time is over in less than a second');
      const put = async (record: LeaseRecord, version: number): Promise<Standing> => {
        const stands = await known.write(tenantId, leaseId, record, version);
        if (!stands) throw new Stale(`attempt ${fence} to grant is over`);
        return stands;
      };
      const before = await known.read(tenantId, leaseId);
      if (before.record.ended) throw new Refused('the lease was ended');
      if (before.record.fence > fence) throw new Stale(`attempt ${fence} to grant is over`);
      // From here on the attempts before this one write nothing any more; what they made goes before another is made.
      let stands = await put({ ...before.record, fence }, before.version);
      await undo(before.record);
      stands = await put({ fence, ended: false, accessor: null, lease_ids: [] }, stands.version);
      const { token, accessor } = await makeToken(ask, seconds, secret.policies);
      const made: LeaseRecord = { fence, ended: false, accessor, lease_ids: [] };
      try {
        stands = await put(made, stands.version);
        const { text, leaseId: id, livesMs } = await read(token, secret, seconds);
        if (id) {
          made.lease_ids.push(id);
          await put(made, stands.version);
        }
        return { secret: text, livesMs };
      } catch (e) {
        // Whoever has overtaken this attempt may not know of them.
        if (e instanceof Stale) await undo(made);
        throw e;
      }
    },
    async revoke({ tenantId, leaseId, fence }) {
      for (;;) {
        const { record, version } = await known.read(tenantId, leaseId);
        const over = { ...record, fence: Math.max(fence, record.fence), ended: true };
        const stands = record.ended ? { record, version } : await known.write(tenantId, leaseId, over, version);
        if (!stands) continue; // a grant that was under way has written: from the next time on it cannot
        await undo(stands.record);
        return;
      }
    },
  };
}
