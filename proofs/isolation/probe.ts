import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { open, policies, tables, type Policy } from './tables';

/** Values that a column's check asks for. */
const values: Readonly<Record<string, string>> = {
  'tenants.four_eyes': 'strict',
  'tenants.tier': 'basic',
  'tenants.status': 'active',
  'tenants.degraded_mode_policy': 'block_all',
  'tokens.revoked_for': 'logout',
  'agent_credentials.status': 'active',
  'signing_keys.purpose': 'receipt',
  'agent_grants.effect': 'ALLOW',
  'agent_signals.status': 'pending',
  'agents.runtime': 'external',
  'agents.status': 'DISABLED',
  'agents.restriction': 'QUARANTINED',
  'agents.risk_level': 'medium',
  'agents.environment': 'staging',
  'runs.trigger_kind': 'manual',
  'pipeline_definitions.status': 'active',
  'leases.status': 'active',
  'alert_rules.rule_type': 'error_rate',
  'alerts.notification': 'pending',
  'ticket_links.push': 'create',
  'gate_notices.event': 'gate.requested',
  'gate_notices.notification': 'pending',
  'gate_votes.verdict': 'approve',
  'gate_calls.kind': 'remind',
  'tools.type': 'mcp',
  'tools.status': 'healthy',
  'tool_checks.status': 'down',
};

interface Column {
  table: string;
  name: string;
  type: string;
}

async function columns(owner: Client): Promise<Map<string, Column[]>> {
  const { rows } = await owner.query<Column>(
    `select c.relname as table, a.attname as name, format_type(a.atttypid, null) as type
     from pg_class c join pg_attribute a on a.attrelid = c.oid
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped
       and a.attgenerated = '' and a.attidentity = '' order by a.attnum`,
  );
  const found = new Map<string, Column[]>();
  for (const c of rows) found.set(c.table, [...(found.get(c.table) ?? []), c]);
  return found;
}

let made = 0;
/** Something of the column's type; of the tenant where it says whose the row is. */
function valueFor({ table, name, type }: Column, tenantId: string): unknown {
  const given = values[`${table}.${name}`];
  if (given !== undefined) return given;
  if (name === 'tenant_id' || (table === 'tenants' && name === 'id')) return tenantId;
  if (type === 'uuid') return randomUUID();
  if (type.endsWith('[]')) return [];
  if (type === 'json' || type === 'jsonb') return '{}';
  if (type === 'boolean') return false;
  if (type === 'date' || type.startsWith('timestamp')) return new Date();
  if (type === 'bytea') return Buffer.from('x');
  made += 1;
  return /int|numeric|double/.test(type) ? made % 30_000 : `probe-${made}`;
}

async function insert(db: Client, table: string, cols: readonly Column[], tenantId: string): Promise<void> {
  const names = cols.map((c) => c.name).join(', ');
  const places = cols.map((_, i) => `$${i + 1}`).join(', ');
  const row = cols.map((c) => valueFor(c, tenantId));
  await db.query(`insert into ${table} (${names}) values (${places})`, row);
}

/** A row of each of two tenants in every table that has tenants, whatever belongs together: only whose they are matters. */
async function fill(owner: Client, a: string, b: string): Promise<void> {
  await owner.query('set local session_replication_role = replica');
  for (const [table, cols] of await columns(owner)) {
    if (open.has(table) || table === 'migrations') continue;
    for (const tenant of [a, b]) await insert(owner, table, cols, tenant);
  }
  await owner.query('set local session_replication_role = origin');
}

const keyOf = (table: string): string => (table === 'tenants' ? 'id' : 'tenant_id');

/** Whether the policy of the table refuses the statement, leaving the transaction as it was. */
async function refused(db: Client, table: string, work: () => Promise<unknown>): Promise<boolean> {
  await db.query('savepoint attempt');
  try {
    await work();
    await db.query('rollback to savepoint attempt');
    return false;
  } catch (e) {
    await db.query('rollback to savepoint attempt');
    const { code = '', message } = e as Error & { code?: string };
    if (code === '42501') return message.includes(`"${table}"`); // else its trigger was refused by another table, later
    if (code.startsWith('23')) return false; // let through, and only then found not to fit other rows
    throw e;
  }
}

/** Whether the statement reaches a row, be it that it is refused only then. */
async function touches(db: Client, table: string, sql: string, tenant: string): Promise<boolean> {
  let reached = 0;
  const late = await refused(db, table, async () => (reached = (await db.query(sql, [tenant])).rowCount ?? 0));
  return late || reached > 0;
}

/** Looks, writes and changes as the application in tenant `a`; says what of `b` it could reach. */
async function reach(owner: Client, only: string | null, a: string, b: string): Promise<string[]> {
  const leaks: string[] = [];
  const all = await columns(owner);
  await owner.query(`set local role wheelhouse_app; set local app.tenant = '${a}'`);
  for (const { name } of await tables(owner)) {
    if (open.has(name) || name === 'migrations' || (only !== null && only !== name)) continue;
    const key = keyOf(name);
    const count = async (tenant: string): Promise<number> => {
      const { rows } = await owner.query<{ n: number }>(`select count(*)::int as n from ${name} where ${key} = $1`, [
        tenant,
      ]);
      return rows[0]?.n ?? 0;
    };
    if ((await count(a)) !== 1) leaks.push(`${name}: does not show the tenant its own row`);
    if (await count(b)) leaks.push(`${name}: shows the row of another tenant`);
    const { rows } = await owner.query<{ inserts: boolean; updates: boolean }>(
      `select has_table_privilege($1, 'insert') as inserts, has_table_privilege($1, 'update') as updates`, [name],
    ); // prettier-ignore
    const cols = all.get(name) ?? [];
    if (rows[0]?.inserts && !(await refused(owner, name, () => insert(owner, name, cols, b))))
      leaks.push(`${name}: takes a row for another tenant`);
    if (rows[0]?.updates && (await touches(owner, name, `update ${name} set ${key} = ${key} where ${key} = $1`, b)))
      leaks.push(`${name}: changes the row of another tenant`);
  }
  await owner.query('reset role');
  return leaks;
}

/** Everything in a transaction that is rolled back. */
async function within<T>(owner: Client, work: (a: string, b: string) => Promise<T>): Promise<T> {
  const [a, b] = [randomUUID(), randomUUID()];
  await owner.query('begin');
  try {
    await fill(owner, a, b);
    return await work(a, b);
  } finally {
    await owner.query('rollback');
  }
}

/** What one tenant can reach of another: nothing. */
export const leaks = (owner: Client): Promise<string[]> => within(owner, (a, b) => reach(owner, null, a, b));

/**
 * The same probe over a database in which one filter after the other lets everything through: whoever is not found out
 * would not be found out either if the filter were forgotten. Answers those, and how many were tried.
 */
export async function unnoticed(owner: Client): Promise<{ tried: number; missed: string[] }> {
  const parts = (await policies(owner)).filter((p) => !open.has(p.table)).flatMap(mutations);
  const missed: string[] = [];
  await within(owner, async (a, b) => {
    for (const { policy, part, alter } of parts) {
      await owner.query('savepoint filter');
      await owner.query(alter);
      if (!(await reach(owner, policy.table, a, b)).length)
        missed.push(`${policy.table}.${policy.name}: ${part} (true) goes unnoticed`);
      await owner.query('rollback to savepoint filter');
    }
  });
  return { tried: parts.length, missed };
}

const mutations = (policy: Policy) =>
  (['using', 'check'] as const)
    .filter((part) => policy[part] !== null)
    .map((part) => ({
      policy,
      part,
      alter: `alter policy ${policy.name} on ${policy.table} ${part === 'using' ? 'using' : 'with check'} (true)`,
    }));
