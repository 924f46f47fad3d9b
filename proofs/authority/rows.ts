import type { Client } from 'pg';

/** Columns and entries that a refused call may move: when a key was last shown, and what a refusal writes down. */
const leftOut: Record<string, string> = {
  api_keys: `to_jsonb(t) - 'last_used_at'`,
  tools: `to_jsonb(t) - '{status,last_check,response_time_ms,last_error}'::text[]`, // looked at by a Schedule
};
const entriesOfRefusals = ['user.login_failed', 'agent.login_failed'];

/** Digest by table of every row of a tenant; two that differ name the tables that were written. */
export async function rowsOf(owner: Client, tenantId: string): Promise<Map<string, string>> {
  const { rows: tables } = await owner.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
     where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
       and not c.relname = any('{cursors,tool_checks,transparency_days,transparency_tiles}') -- readers of the log, and looks at tools: they move by themselves
     order by 1`,
  );
  const { rows } = await owner.query<{ name: string; digest: string | null }>(
    tables
      .map(({ name }) => {
        const where = name === 'log' ? 'and not kind = any($2)' : 'and $2::text[] is not null';
        return `select '${name}' as name, md5(string_agg(r, '' order by r)) as digest
          from (select (${leftOut[name] ?? 'to_jsonb(t)'})::text as r from ${name} t where tenant_id = $1 ${where}) s`;
      })
      .join(' union all '),
    [tenantId, entriesOfRefusals],
  );
  return new Map(rows.map((r) => [r.name, r.digest ?? '']));
}

export const changed = (before: Map<string, string>, after: Map<string, string>): string[] =>
  [...after.keys()].filter((name) => before.get(name) !== after.get(name));
