import { GateSchema } from '../domain/gate.schema';
import type { Gate } from '../domain/gate';
import { gates } from './gates';
import { blockSpan, conditions, numbersInBlock, walked, walkTo } from './paging';
import { prepared } from './prepared';
import type { Read } from './tx';
import { z } from 'zod';

/** A gate with the integers by which the doors know its ticket and its run. */
export interface GateView extends Gate {
  ticketNumber: number | null;
  runNumber: number | null;
}
const Row = GateSchema.extend({ ticketNumber: z.int().nullable(), runNumber: z.int().nullable() });

const columns = `${gates.columns('g')}, t.number as "ticketNumber", r.number as "runNumber"`;
const joins = 'left join tickets t on t.id = g.ticket_id left join runs r on r.id = g.run_id';
const select = `select ${columns} from gates g ${joins}`;

export interface GateFilter {
  /** The only ticket whose gates the caller may see. */
  only: string | null;
  status: string | null;
  agent: number | null;
  ticket: number | null;
}

const matching = (f: GateFilter) => {
  const where = conditions();
  where.add((p) => `g.ticket_id = ${p}`, f.only);
  where.add((p) => `g.status = ${p}`, f.status);
  where.add((p) => `g.run_id = (select id from runs where number = ${p})`, f.agent);
  where.add((p) => `g.ticket_id = (select id from tickets where number = ${p})`, f.ticket);
  return where;
};

/** What a run or a ticket has: few. Newest first. */
export async function listGates(tx: Read, f: GateFilter, limit: number, offset: number): Promise<GateView[]> {
  const where = matching(f);
  const { params } = where;
  const { rows } = await prepared(
    tx,
    `${select} where ${where.text()} order by g.number desc limit $${params.push(limit)} offset $${params.push(offset)}`,
    params,
  );
  return rows.map((r) => Row.parse(r));
}

/** The newest of a ticket. */
export const gatesOfTicket = async (tx: Read, ticketId: string, limit: number): Promise<GateView[]> => {
  const { rows } = await prepared(tx, `${select} where g.ticket_id = $1 order by g.number desc limit $2`, [
    ticketId,
    limit,
  ]);
  return rows.map((r) => Row.parse(r));
};

async function countGates(tx: Read, f: GateFilter): Promise<{ total: number; pending: number }> {
  const where = matching(f);
  const { rows } = await prepared<{ total: number; pending: number }>(
    tx,
    `select count(*) as total, count(*) filter (where g.status = 'pending') as pending from gates g where ${where.text()}`,
    where.params,
  );
  return rows[0] ?? { total: 0, pending: 0 };
}

/** A page, newest first, how many there are, and how many of them wait. */
export async function pageOfGates(
  tx: Read,
  f: GateFilter,
  limit: number,
  offset: number,
): Promise<{ gates: GateView[]; total: number; pending: number }> {
  if (f.only !== null || f.agent !== null || f.ticket !== null) {
    const [gates, counts] = [await listGates(tx, f, limit, offset), await countGates(tx, f)] as const;
    return { gates, ...counts };
  }
  const where = conditions();
  where.add((p) => `status = ${p}`, f.status);
  const { rows: tallies } = await prepared<{ block: number; rows: number; pending: number }>(
    tx,
    `select block, sum(n)::int as rows, coalesce(sum(n) filter (where status = 'pending'), 0)::int as pending
     from gate_tallies where ${where.text()} group by block order by block desc`,
    where.params,
  );
  const total = tallies.reduce((n, t) => n + t.rows, 0);
  const pending = tallies.reduce((n, t) => n + t.pending, 0);
  const walk = walkTo(
    tallies.map((t) => blockSpan(t.block, numbersInBlock, t.rows)),
    offset,
    limit,
  );
  if (walk === null) return { gates: [], total, pending };
  const rest = conditions();
  rest.add((p) => `g.status = ${p}`, f.status);
  const list = { table: 'gates g', alias: 'g', key: 'number', where: rest.text() };
  const { rows } = await prepared(
    tx,
    `select ${columns} from ${walked(list, walk, rest.params)} ${joins} order by g.number desc`,
    rest.params,
  );
  return { gates: rows.map((r) => Row.parse(r)), total, pending };
}

export async function pendingGates(tx: Read, only: string | null): Promise<GateView[]> {
  const { rows } = await tx.query(
    `${select} where g.status = 'pending' and g.expires_at > now() and ($1::uuid is null or g.ticket_id = $1)
     order by g.number limit 1000`,
    [only],
  );
  return rows.map((r) => Row.parse(r));
}

export async function gateStats(tx: Read, only: string | null): Promise<Record<Gate['status'], number>> {
  const { rows } = await tx.query<{ status: Gate['status']; n: number }>(
    only === null
      ? 'select status, sum(n)::int as n from gate_tallies group by status'
      : 'select status, count(*)::int as n from gates where ticket_id = $1 group by status',
    only === null ? [] : [only],
  );
  const counts = { pending: 0, approved: 0, rejected: 0, completed: 0, expired: 0 };
  for (const { status, n } of rows) counts[status] = n;
  return counts;
}

export async function gateByNumber(tx: Read, number: number): Promise<GateView | null> {
  const { rows } = await tx.query(`${select} where g.number = $1`, [number], 'gate by number');
  return rows[0] ? Row.parse(rows[0]) : null;
}

export async function gateById(tx: Read, id: string): Promise<GateView | null> {
  const { rows } = await tx.query(`${select} where g.id = $1`, [id]);
  return rows[0] ? Row.parse(rows[0]) : null;
}

/** Whether a message of that id has moved the gate, or was counted as a vote, whatever came since. A refusal did neither. */
export async function movedBy(tx: Read, gateId: string, transition: string): Promise<boolean> {
  const { rows } = await tx.query(
    `select 1 from log where subject_id = $1 and transition = $2 and (version is not null or kind = 'gate.voted')`,
    [gateId, transition],
  );
  return rows.length > 0;
}
