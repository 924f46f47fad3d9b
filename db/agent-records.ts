import { recordKinds, type RecordKind } from '../domain/agent-records';
import { micros } from './instant';
import { conditions } from './paging';
import { prepared } from './prepared';
import type { Read } from './tx';

/** A row in the names of its columns, with its place in the list. */
export type AgentRecord = Record<string, unknown> & { id: string; at: string };

const columns = (kind: RecordKind): string => {
  const { columns, time } = recordKinds[kind];
  return ['id', 'agent_name', ...Object.keys(columns), time, `${micros(time)} as at`].join(', ');
};

/** Newest first. What is not among the kind's filters, or is null, matches everything. */
export async function listRecords(
  tx: Read,
  kind: RecordKind,
  f: Record<string, unknown>,
  page: { since: string | null; after: { at: string; id: string } | null; limit: number },
): Promise<AgentRecord[]> {
  const { table, time, filters } = recordKinds[kind];
  const where = conditions();
  for (const filter of ['agent_name', ...filters]) where.add((p) => `${filter} = ${p}`, f[filter] ?? null);
  where.add((p) => `${time} >= ${p}::timestamptz`, page.since);
  const { after } = page;
  if (after) where.add((p) => `(${time}, id) < (${p}::timestamptz, $${where.params.push(after.id)}::uuid)`, after.at);
  // A number that the planner sees: of a parameter it has to guess, and guesses a tenth of the table.
  const most = 2 ** Math.ceil(Math.log2(Math.max(16, page.limit)));
  const { rows } = await prepared<AgentRecord>(
    tx,
    `select * from (select ${columns(kind)} from ${table} where ${where.text()} order by ${time} desc, id desc limit ${most}) page
     limit $${where.params.push(page.limit)}`,
    where.params,
  );
  return rows;
}

/** Writes them, those without a time at this one; gives them in their order, and how many were not there before. */
export async function insertRecords(
  tx: Read,
  kind: RecordKind,
  records: readonly (Record<string, unknown> & { id: string })[],
): Promise<{ rows: AgentRecord[]; added: number }> {
  const { table, time, columns: own } = recordKinds[kind];
  const types = { id: 'uuid', agent_name: 'text', ...own, [time]: 'timestamptz' };
  const names = Object.keys(types).filter((name) => name !== time);
  const { rowCount } = await prepared(
    tx,
    `insert into ${table} (tenant_id, ${names.join(', ')}, ${time})
     select $1, ${names.map((n) => `r.${n}`).join(', ')}, coalesce(r.${time}, date_trunc('milliseconds', now()))
     from json_to_recordset($2) as r (${Object.entries(types).map(([n, t]) => `${n} ${t}`).join(', ')})
     on conflict (id) do nothing`,
    [tx.tenantId, JSON.stringify(records)],
  ); // prettier-ignore
  const { rows } = await prepared<AgentRecord>(
    tx,
    `select ${columns(kind)} from ${table} where id = any($1) order by array_position($1, id)`,
    [records.map((r) => r.id)],
  );
  return { rows, added: rowCount ?? 0 };
}
