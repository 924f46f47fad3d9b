import { micros } from './instant';
import { boundsOf } from './log-search';
import { conditions } from './paging';
import { prepared } from './prepared';
import type { Read } from './tx';

/** Whose entries, and from when to when; both ends are included. Null matches everything. */
export interface ExportFilter {
  agentId: string | null;
  action: string | null;
  shard: number | null;
  from: string | null;
  to: string | null;
}

/** A row of the tables that people open. */
export interface ExportedRow {
  [column: string]: string | number | null;
  id: string;
  timestamp: string;
  tenant_id: string;
  agent_id: string | null;
  action: string;
  tool: string | null;
  decision: string;
  reason: string | null;
  request_id: string | null;
  event_hash: string;
  billing_status: string | null;
  risk_score: number | null;
}

// Nothing is billed here: the column is the wire's.
const billing = 'null::text as billing_status';
const line = `id, tenant_id, agent_id, ${micros('at')} as timestamp, log_action(kind) as action, tool, decision, reason, request_id,
  event_hash, event_prev as prev_hash, chain_shard, ${billing}, body as metadata`;
const row = `id, ${micros('at')} as timestamp, tenant_id, agent_id, log_action(kind) as action, tool, decision, reason, request_id, event_hash,
  ${billing}, call_risk(body) / 1000000.0::float8 as risk_score`;

/** One line of JSON an entry, put together where the entries are; or its columns. */
const forms = {
  lines: (where: string) =>
    `select e.seq, (select row_to_json(r)::text from (select ${line}) r) as line from log e where ${where}`,
  rows: (where: string) => `select seq, ${row} from log e where ${where}`,
};

/** Where they are read: each time in a transaction of its own. */
interface Source {
  read<T>(work: (tx: Read) => Promise<T>): Promise<T>;
}

/** Entries of one answer of the database, and places of the log that it looks at for them at most. */
const size = 500;
const reach = 20_000;

/**
 * The newest entries of a log, newest first, in batches: each a read of its own, so that who reads slowly holds neither a
 * connection nor a snapshot. The log only grows, and where it ended is asked first, so the batches fit together.
 */
async function* batches<R extends { seq: number }>(
  source: Source,
  form: keyof typeof forms,
  f: ExportFilter,
  limit: number,
): AsyncGenerator<R[]> {
  const [low, high] = await source.read((tx) => boundsOf(tx, f));
  for (let [left, upto] = [limit, high]; left > 0 && upto >= low;) {
    const from = Math.max(low, upto - reach + 1);
    const where = conditions();
    where.add((p) => `e.seq >= ${p}`, from);
    where.add((p) => `e.seq <= ${p}`, upto);
    where.add((p) => `e.agent_id = ${p}`, f.agentId);
    where.add((p) => `e.chain_shard = ${p}::smallint`, f.shard);
    where.add((p) => `log_action(e.kind) = ${p}`, f.action);
    const most = Math.min(size, left);
    where.params.push(most);
    const sql = `${forms[form](where.text())} order by e.seq desc limit $${where.params.length}`;
    const { rows } = await source.read((tx) => prepared<R>(tx, sql, where.params));
    left -= rows.length;
    upto = rows.length < most ? from - 1 : (rows.at(-1)?.seq ?? from) - 1;
    if (rows.length) yield rows;
  }
}

export const exportedLines = (
  source: Source,
  f: ExportFilter,
  limit: number,
): AsyncGenerator<{ seq: number; line: string }[]> => batches(source, 'lines', f, limit);

export const exportedRows = (
  source: Source,
  f: ExportFilter,
  limit: number,
): AsyncGenerator<(ExportedRow & { seq: number })[]> => batches(source, 'rows', f, limit);
