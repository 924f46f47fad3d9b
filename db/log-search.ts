import type { Entry } from '../domain/log';
import { entryColumns, lastSeq, type EntryRow } from './log-queries';
import { blockSpan, conditions, entriesInBlock, walked, walkTo, type Span } from './paging';
import { prepared } from './prepared';
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

/** What an entry has to be like, but for its time. */
export const equal = (f: EntryFilter, action: string) => {
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
  const all = [f.agentId, f.action, f.decision, f.tool].every((v) => v === null);
  const timed = f.from !== null || f.to !== null;
  const [[low, high], known] = await Promise.all([boundsOf(tx, f), all || timed ? null : wholeSpans(tx, f)]);
  const spans = known ?? (all ? [{ low, high, rows: Math.max(0, high - low + 1) }] : await spansOf(tx, f, low, high));
  const total = spans.reduce((n, s) => n + s.rows, 0);
  // Without a filter the place in the log says where the page is.
  const walk = all
    ? walkTo([{ low, high: high - offset, rows: total - offset }], 0, limit)
    : walkTo(spans, offset, limit);
  if (walk === null) return { entries: [], total };
  const where = equal(f, 'log_action(kind)');
  // Only where they say something: each bound makes the planner expect less, until it would rather sort all that match.
  where.add((p) => `seq >= ${p}`, f.from === null ? null : low);
  where.add((p) => `seq <= ${p}`, f.to === null ? null : high);
  const list = { table: 'log', alias: 'log', key: 'seq', where: where.text() };
  const { rows } = await prepared<EntryRow>(
    tx,
    `select ${entryColumns} from ${walked(list, walk, where.params)} order by log.seq desc`,
    where.params,
  );
  return { entries: rows, total };
}

/** First and last place of the entries between both times. */
export async function boundsOf(tx: Read, { from, to }: Pick<EntryFilter, 'from' | 'to'>): Promise<[number, number]> {
  if (from === null && to === null) return [1, await lastSeq(tx)];
  const { rows } = await prepared<{ low: number; high: number }>(
    tx,
    `select case when $1::timestamptz is null then 1 else log_seq_at($1, false) end as low,
       case when $2::timestamptz is null then (select coalesce(max(seq), 0) from log) else log_seq_at($2, true) - 1 end as high`,
    [from, to],
  );
  return [rows[0]?.low ?? 1, rows[0]?.high ?? 0];
}

/** How many match in which block, of what is tallied. */
async function talliesOf(tx: Read, f: EntryFilter, from: number | null, to: number | null): Promise<Span[]> {
  const where = equal(f, 'action');
  where.add((p) => `block >= ${p}`, from);
  where.add((p) => `block <= ${p}`, to);
  const { rows } = await prepared<{ block: number; rows: number }>(
    tx,
    `select block, sum(n)::int as rows from log_tallies where ${where.text()} group by block order by block desc`,
    where.params,
  );
  return rows.map((r) => blockSpan(r.block, entriesInBlock, r.rows));
}

const tallied = 'log_tallied()';

/** The same with what is not tallied yet, of the whole log and in one message. */
async function wholeSpans(tx: Read, f: EntryFilter): Promise<Span[]> {
  const where = equal(f, 'log_action(kind)');
  const [blocks, { rows: after }] = await Promise.all([
    talliesOf(tx, f, null, null),
    prepared<{ from: number; n: number }>(
      tx,
      `select ${tallied} as from, (select count(*) from log where ${where.text()} and seq > ${tallied}) as n`,
      where.params,
    ),
  ]);
  const { from, n } = after[0] ?? { from: 0, n: 0 };
  const last = { low: from + 1, high: Number.MAX_SAFE_INTEGER, rows: n };
  return [last, ...blocks.map((b) => ({ ...b, high: Math.min(b.high, from) }))].filter((s) => s.rows > 0);
}

/** How many match between two places: whole blocks by their tallies, cut ones and what is not tallied yet by looking. */
async function spansOf(tx: Read, f: EntryFilter, low: number, high: number): Promise<Span[]> {
  if (low > high) return [];
  const { rows: stands } = await prepared<{ seq: number }>(tx, `select ${tallied} as seq`, []);
  const upto = Math.min(high, stands[0]?.seq ?? 0);
  const firstWhole = low <= 1 ? 0 : Math.ceil(low / entriesInBlock);
  const cut = upto < (stands[0]?.seq ?? 0) && (upto + 1) % entriesInBlock !== 0;
  const lastWhole = Math.floor(upto / entriesInBlock) - (cut ? 1 : 0);
  const wholeFrom = firstWhole * entriesInBlock;
  const wholeTo = Math.min(upto, (lastWhole + 1) * entriesInBlock - 1);
  const looks: [number, number][] = [];
  if (wholeTo < wholeFrom) looks.push([low, high]);
  else {
    if (wholeTo < high) looks.push([wholeTo + 1, high]);
    if (low < wholeFrom) looks.push([low, wholeFrom - 1]);
  }
  const [blocks, ...counted] = await Promise.all([
    talliesOf(tx, f, firstWhole, lastWhole),
    ...looks.map((span) => look(tx, f, ...span)),
  ]);
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
