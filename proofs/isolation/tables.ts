import type { Client } from 'pg';

/** Tables whose rows are of no tenant, or are found otherwise than by one; and why that is right. */
export const apart: Readonly<Record<string, string>> = {
  tenants: 'a tenant sees its own row, by id; who serves all of them may list their ids (app.system)',
  signing_keys: 'the keys of the installation: private halves are sealed under the master key',
  rate_limits: 'points of credentials and addresses: digests of no tenant, unlogged',
  harness_reports: 'what commands workers find on their machines: of no tenant, unlogged',
  migrations: 'which migrations have run: the application has no right to it',
};
/** Policies beside a table's own, and why. */
const besides: Readonly<Record<string, string>> = {
  'api_keys.presented': 'before the tenant is known a key is found by its hash, by whoever shows the key',
  'tenants.listed': 'who serves all of them may list them (app.system), and change none by it',
  'publications.address':
    'pages are for everybody: whose an address is has to be found before the tenant is known (app.system)',
};
/** Functions that run with their owner's rights, and why. */
const asOwner: Readonly<Record<string, string>> = {
  erase_address:
    'the application only adds to these tables; it names the tenant itself, and does it for who is erased alone',
};
/** Policies that let everything through by intent: there is nothing in them to take away. */
export const open: ReadonlySet<string> = new Set(['signing_keys', 'rate_limits', 'harness_reports']);

export interface Policy {
  table: string;
  name: string;
  using: string | null;
  check: string | null;
}

export async function policies(owner: Client): Promise<Policy[]> {
  const { rows } = await owner.query<Policy>(
    `select tablename as "table", policyname as name, qual as using, with_check as check
     from pg_policies where schemaname = 'public' order by 1, 2`,
  );
  return rows;
}

export async function tables(owner: Client): Promise<{ name: string; enabled: boolean; forced: boolean }[]> {
  const { rows } = await owner.query<{ name: string; enabled: boolean; forced: boolean }>(
    `select relname as name, relrowsecurity as enabled, relforcerowsecurity as forced from pg_class
     where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'm', 'v', 'f') order by 1`,
  );
  return rows;
}

const own = '(tenant_id = ( SELECT current_tenant() AS current_tenant))';

/** What a migrated database leaves unisolated. */
export async function unisolated(owner: Client): Promise<string[]> {
  const found = await policies(owner);
  const wrong: string[] = [];
  for (const { name, enabled, forced } of await tables(owner)) {
    if (name === 'migrations') continue;
    if (!enabled || !forced) wrong.push(`${name}: row-level security is not forced`);
    if (apart[name]) continue;
    const [tenant] = found.filter((p) => p.table === name && p.name === 'tenant');
    if (tenant?.using !== own || tenant.check !== own) wrong.push(`${name}: has not the policy of every table`);
  }
  for (const p of found) {
    if (p.name !== 'tenant' && !apart[p.table] && !besides[`${p.table}.${p.name}`])
      wrong.push(`${p.table}.${p.name}: a policy that nobody has given a reason for`);
  }
  const [role] = (
    await owner.query<{
      super: boolean;
      bypass: boolean;
      login: boolean;
      creates: boolean;
      owns: number;
      member: number;
    }>(
      `select rolsuper as super, rolbypassrls as bypass, rolcanlogin as login, rolcreaterole or rolcreatedb as creates,
         (select count(*)::int from pg_class where relowner = r.oid) + (select count(*)::int from pg_proc where proowner = r.oid) as owns,
         (select count(*)::int from pg_auth_members where member = r.oid) as member
       from pg_roles r where rolname = 'wheelhouse_app'`,
    )
  ).rows;
  if (!role || role.super || role.bypass || role.login || role.creates || role.owns || role.member)
    wrong.push(`the application's role may too much: ${JSON.stringify(role)}`);
  const { rows: definers } = await owner.query<{ name: string }>(
    `select proname as name from pg_proc where pronamespace = 'public'::regnamespace and prosecdef`,
  );
  const unreasoned = definers.filter(({ name }) => !asOwner[name]);
  return [...wrong, ...unreasoned.map(({ name }) => `${name}(): runs with its owner's rights`)];
}

/** What the application's role may do with each table, as `insert, select`. */
export async function rights(owner: Client): Promise<Record<string, string>> {
  const { rows } = await owner.query<{ name: string; rights: string }>(
    `select c.relname as name, coalesce(string_agg(lower(p), ', ' order by p), '') as rights from pg_class c
     left join unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN']) p
       on has_table_privilege('wheelhouse_app', c.oid, p)
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') group by 1 order by 1`,
  );
  return Object.fromEntries(rows.map((r) => [r.name, r.rights]));
}
