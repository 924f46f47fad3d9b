import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { client } from '../../cli/story';
import { ensureUser, insertKey } from '../../log/provision';
import type { Tenant } from '../authority/world';

/** Who repeats. */
export interface Principal {
  id: string;
  token: string;
  tenant: Tenant;
  call: ReturnType<typeof client>;
}

/** An administrator who has asked for nothing yet: nobody approves their own request. */
export async function newAdmin(url: string, owner: Client, tenant: Tenant): Promise<Principal> {
  const { tenantId } = tenant;
  const id = await ensureUser(owner, tenantId, `${randomUUID()}@local.test`, randomUUID(), 'ADMIN');
  const token = await insertKey(owner, { tenantId, name: 'repeats', role: 'ADMIN', userId: id });
  return { id, token, tenant, call: client({ url, token }) };
}

/** What one request makes one of, at most. */
const made = [
  'tickets', 'attachments', 'runs', 'gates', 'access_requests', 'leases', 'postmortems', 'articles', 'blueprints', 'skills',
  'pipelines', 'api_keys', 'kept_secrets', 'raci_groups', 'raci_rules', 'approval_rules', 'gate_votes', 'tools',
  'agent_metrics', 'tool_calls', 'report_runs',
]; // prettier-ignore

/**
 * By whom and what: how often. Entries are counted by kind in the name of each principal (what happened is in the log, or
 * has not happened), rows by table in each tenant.
 */
export type Effects = Map<string, Map<string, number>>;

export async function effectsOf(owner: Client, principals: readonly Principal[], since?: Effects): Promise<Effects> {
  const { rows } = await owner.query<{ id: string; what: string; n: number }>(
    [
      `select actor ->> 'id' as id, kind as what, count(*)::int as n from log where actor ->> 'id' = any($1) group by 1, 2`,
      ...made.map(
        (table) =>
          `select tenant_id::text, '${table}', count(*)::int from ${table} where tenant_id = any($2) group by 1, 2`,
      ),
    ].join(' union all '),
    [principals.map((p) => p.id), principals.map((p) => p.tenant.tenantId)],
  );
  const effects: Effects = new Map();
  for (const { id, what, n } of rows) {
    const times = n - (since?.get(id)?.get(what) ?? 0);
    if (times > 0) effects.set(id, (effects.get(id) ?? new Map<string, number>()).set(what, times));
  }
  return effects;
}
