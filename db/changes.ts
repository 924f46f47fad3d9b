import { GateSchema } from '../domain/gate.schema';
import type { Gate } from '../domain/gate';
import { gates } from './gates';
import type { Read } from './tx';
import { z } from 'zod';

/** A gate with the integers by which the doors know its ticket and its run. */
export interface GateView extends Gate {
  ticketNumber: number | null;
  runNumber: number | null;
}
const Row = GateSchema.extend({ ticketNumber: z.int().nullable(), runNumber: z.int().nullable() });

const select = `select ${gates.columns('g')}, t.number as "ticketNumber", r.number as "runNumber"
  from gates g left join tickets t on t.id = g.ticket_id left join runs r on r.id = g.run_id`;

export interface GateFilter {
  status: string | null;
  agent: number | null;
  ticket: number | null;
}

const where = `where ($1::text is null or g.status = $1)
  and ($2::int is null or g.run_id = (select id from runs where number = $2))
  and ($3::int is null or g.ticket_id = (select id from tickets where number = $3))`;

export async function listGates(tx: Read, f: GateFilter, limit: number, offset: number): Promise<GateView[]> {
  const { rows } = await tx.query(`${select} ${where} order by g.number desc limit $4 offset $5`, [
    f.status,
    f.agent,
    f.ticket,
    limit,
    offset,
  ]);
  return rows.map((r) => Row.parse(r));
}

export async function countGates(tx: Read, f: GateFilter): Promise<{ total: number; pending: number }> {
  const { rows } = await tx.query<{ total: number; pending: number }>(
    `select count(*) as total, count(*) filter (where g.status = 'pending') as pending from gates g ${where}`,
    [f.status, f.agent, f.ticket],
  );
  return rows[0] ?? { total: 0, pending: 0 };
}

export async function pendingGates(tx: Read): Promise<GateView[]> {
  const { rows } = await tx.query(
    `${select} where g.status = 'pending' and g.expires_at > now() order by g.number limit 1000`,
  );
  return rows.map((r) => Row.parse(r));
}

export async function gateStats(tx: Read): Promise<Record<Gate['status'], number>> {
  const { rows } = await tx.query<{ status: Gate['status']; n: number }>(
    'select status, count(*) as n from gates group by status',
  );
  const counts = { pending: 0, approved: 0, rejected: 0, completed: 0, expired: 0 };
  for (const { status, n } of rows) counts[status] = n;
  return counts;
}

export async function gateByNumber(tx: Read, number: number): Promise<GateView | null> {
  const { rows } = await tx.query(`${select} where g.number = $1`, [number]);
  return rows[0] ? Row.parse(rows[0]) : null;
}

export async function gateById(tx: Read, id: string): Promise<GateView | null> {
  const { rows } = await tx.query(`${select} where g.id = $1`, [id]);
  return rows[0] ? Row.parse(rows[0]) : null;
}
