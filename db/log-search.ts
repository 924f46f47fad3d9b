import type { Entry } from '../domain/log';
import { entryColumns, lastSeq, type EntryRow } from './log-queries';
import { blockSpan, conditions, entriesInBlock, inOrder, prepared, walked, walkTo, type Span } from './paging';
import type { Read } from './tx';

/** Null matches everything. `action` is the audit door's word for a kind (log/chain.ts, actionOf). Both ends of the time are included. */
export interface EntryFilter {
  agentId: string | null;
  action: string | null;
  decision: string | null;
  tool: string | null;
  from: string | null;
  to: string | null;
}

const equal = (f: EntryFilter, action: string) => {
  const where = conditions();
  where.add((p) => `agent_id = ${p}`, f.agentId);
  where.add((p) => `${action} = ${p}`, f.action);
  // The index of refusals holds what was not simply allowed.
  where.add((p) => `decision = ${p}${f.decision === 'allow' ? '' : ` and decision <> 'allow'`}`, f.decision);
  where.add((p) => `tool = ${p}`, f.tool);
  return where;
};

/** A page of the log, newest first, and how many entries match. Exact: the log has no gaps, and its time grows with it. */
export async function searchEntries(
  tx: Read,
  f: EntryFilter,
  limit: number,
  offset: number,
): Promise<{ entries: Entry[]; total: number }> {
  const [low, high] = await boundsOf(tx, f);
  const all = [f.agentId, f.action, f.decision, f.tool].every((v) => v === null);
  const spans = all ? [{ low, high, rows: Math.max(0, high - low + 1) }] : await spansOf(tx, f, low, high);
  const total = spans.reduce((n, s) => n + s.rows, 0);
  // Without a filter the place in the log says where the page is.
  const walk = all
    ? walkTo([{ low, high: high - offset, rows: total - offset }], 0, limit)
    : walkTo(spans, offset, limit);
  if (walk === null) return { entries: [], total };
  const where = equal(f, 'log_action(kind)');
  where.add((p) => `seq >= ${p}`, low);
  where.add((p) => `seq <= ${p}`, high);
  const { rows } = await prepared<EntryRow>(
    tx,
    `select ${entryColumns} from log where ${where.text()} ${walked('seq', walk, where.params)}`,
    where.params,
  );
  return { entries: inOrder(rows, walk), total };
}

/** First and last place of the entries between both times. */
async function boundsOf(tx: Read, { from, to }: EntryFilter): Promise<[number, number]> {
  if (from === null && to === null) return [1, await lastSeq(tx)];
  const { rows } = await prepared<{ low: number; high: number }>(
    tx,
    `select case when $1::timestamptz is null then 1 else log_seq_at($1, false) end as low,
       case when $2::timestamptz is null then (select coalesce(max(seq), 0) from log) else log_seq_at($2, true) - 1 end as high`,
    [from, to],
  );
  return [rows[0]?.low ?? 1, rows[0]?.high ?? 0];
}

/** How many match where: whole blocks by their tallies, what the tallies do not hold yet and cut blocks by looking. */
async function spansOf(tx: Read, f: EntryFilter, low: number, high: number): Promise<Span[]> {
  if (low > high) return [];
  const { rows: stands } = await prepared<{ seq: number }>(tx, `select seq from cursors where reader = $1`, [
    'tallies',
  ]);
  const tallied = Math.min(high, stands[0]?.seq ?? 0);
  const firstWhole = Math.ceil(low / entriesInBlock);
  const cut = tallied < (stands[0]?.seq ?? 0) && (tallied + 1) % entriesInBlock !== 0;
  const lastWhole = Math.floor(tallied / entriesInBlock) - (cut ? 1 : 0);
  const where = equal(f, 'action');
  where.add((p) => `block >= ${p}`, low <= 1 ? 0 : firstWhole);
  where.add((p) => `block <= ${p}`, lastWhole);
  const { rows } = await prepared<{ block: number; rows: number }>(
    tx,
    `select block, sum(n)::int as rows from log_tallies where ${where.text()} group by block order by block desc`,
    where.params,
  );
  const blocks = rows.map((r) => blockSpan(r.block, entriesInBlock, r.rows));
  const looks: [number, number][] = [];
  const wholeFrom = low <= 1 ? 0 : firstWhole * entriesInBlock;
  const wholeTo = Math.min(tallied, (lastWhole + 1) * entriesInBlock - 1);
  if (wholeTo < wholeFrom) looks.push([low, high]);
  else {
    if (wholeTo < high) looks.push([wholeTo + 1, high]);
    if (low < wholeFrom) looks.push([low, wholeFrom - 1]);
  }
  const counted: Span[] = [];
  for (const span of looks) counted.push(await look(tx, f, ...span));
  return [...blocks.map((b) => ({ ...b, high: Math.min(b.high, wholeTo) })), ...counted]
    .filter((s) => s.rows > 0)
    .sort((a, b) => b.high - a.high);
}

async function look(tx: Read, f: EntryFilter, low: number, high: number): Promise<Span> {
  const where = equal(f, 'log_action(kind)');
  where.add((p) => `seq >= ${p}`, low);
  where.add((p) => `seq <= ${p}`, high);
  const { rows } = await prepared<{ n: number }>(
    tx,
    `select count(*) as n from log where ${where.text()}`,
    where.params,
  );
  return { low, high, rows: rows[0]?.n ?? 0 };
}
