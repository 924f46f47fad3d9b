import type { QueryResultRow } from 'pg';
import { z } from 'zod';
import { InstantSchema } from '../domain/common.schema';
import { RemoteFieldsSchema } from '../domain/provider.schema';
import { endedStatuses, runStatuses } from '../domain/run';
import type { Ticket } from '../domain/ticket';
import { TicketSchema } from '../domain/ticket.schema';
import { blockSpan, conditions, numbersInBlock, walked, walkTo } from './paging';
import { prepared } from './prepared';
import { tickets } from './tickets';
import type { Read } from './tx';

/** A ticket with what its list shows of its agent. */
const Row = TicketSchema.extend({
  runNumber: z.int().nullable(),
  runStatus: z.enum(runStatuses).nullable(),
  runModel: z.string().nullable(),
  runStartedAt: InstantSchema.nullable(),
  runHeartbeat: InstantSchema.nullable(),
  runError: z.string().nullable(),
  parentNumber: z.int().nullable(),
  remoteClass: z.string().nullable(),
  syncError: z.string().nullable(),
  syncNextTryAt: InstantSchema.nullable(),
  syncedAt: InstantSchema.nullable(),
  pulled: RemoteFieldsSchema.nullable(),
  notesGivenUp: z.array(z.object({ number: z.int(), body: z.string(), refusal: z.string().nullable() })).nullable(),
});
export type TicketView = z.output<typeof Row>;

const columns = `${tickets.columns('t')}, r.number as "runNumber", r.status as "runStatus", r.model as "runModel",
  coalesce(r.started_at, r.created_at) as "runStartedAt", r.heartbeat as "runHeartbeat", r.error as "runError", p.number as "parentNumber",
  l.remote_class as "remoteClass", l.last_error as "syncError", l.next_try_at as "syncNextTryAt", l.synced_at as "syncedAt", l.pulled,
  (select jsonb_agg(jsonb_build_object('number', n.number, 'body', left(n.body, 200), 'refusal', g.refusal) order by n.number)
   from provider_notes g join ticket_notes n on n.id = g.note_id where g.ticket_id = t.id and g.given_up_at is not null) as "notesGivenUp"`;
const joins =
  'left join runs r on r.id = t.run_id left join tickets p on p.id = t.parent_ticket_id left join ticket_links l on l.ticket_id = t.id';
const from = `from tickets t ${joins}`;

const sorts = {
  id: 't.number',
  title: 'lower(t.title)',
  class: 't.ticket_class',
  status: 't.status',
  priority: `nullif(priority_rank(t.priority), 0)`,
  assignee: 'lower(t.assignee)',
  agent: 'r.number',
  updated_at: 't.updated_at',
  created_at: 't.created_at',
  provider: 't.provider',
} as const;

export interface TicketFilter {
  /** The only ticket that the caller may see. */
  only: string | null;
  status: string | null;
  /** 1 to 4, however it is written. */
  priority: number | null;
  assignee: string | null;
  /** True: with an agent. False: without one. */
  assigned: boolean | null;
  agentState: 'running' | 'completed' | null;
  provider: string | null;
  text: string | null;
  sortBy: keyof typeof sorts;
  descending: boolean;
  limit: number;
  offset: number;
}

const holds = (parameter: string, ...fields: string[]): string =>
  `(${fields.map((f) => `position(lower(${parameter}) in lower(${f})) > 0`).join(' or ')})`;

/** What the tallies know of a ticket too, in the names that they have there. */
function tallied(f: TicketFilter, names: { status: string; priority: string; assigned: string; provider: string }) {
  const where = conditions();
  where.add((p) => `${names.status} = ${p}`, f.status);
  where.add((p) => `${names.priority} = ${p}`, f.priority);
  where.add((p) => `${names.assigned} = ${p}`, f.assigned);
  where.add((p) => `${names.provider} = ${p}`, f.provider);
  return where;
}

function matching(f: TicketFilter) {
  const where = tallied(f, {
    status: 't.status',
    priority: 'priority_rank(t.priority)',
    assigned: '(t.run_id is not null)',
    provider: 't.provider',
  });
  where.add((p) => `t.id = ${p}`, f.only);
  where.add((p) => holds(p, 't.assignee'), f.assignee);
  where.add((p) => `r.status = ${p}`, f.agentState === 'completed' ? 'finished' : null);
  where.add((p) => `not r.status = any(${p})`, f.agentState === 'running' ? endedStatuses : null);
  where.add(
    (p) =>
      holds(p, 't.title', 't.description', 't.assignee', 't.assignee_team', 't.owning_group', 't.requester_name',
        't.requester_email', 't.affected_user_name', 't.affected_user_email', 't.provider_ref'),
    f.text,
  ); // prettier-ignore
  return where;
}

/** One page and how many there are; parameters only, sorted by what is listed above. */
export async function listTickets(tx: Read, f: TicketFilter): Promise<{ tickets: TicketView[]; total: number }> {
  const known = f.only === null && f.assignee === null && f.agentState === null && f.text === null;
  const { rows, total } = known ? await byTallies(tx, f) : await byLooking(tx, f);
  return { tickets: rows.map((r) => Row.parse(r)), total };
}

interface Found {
  rows: QueryResultRow[];
  total: number;
}

const sorted = (f: TicketFilter): string =>
  `order by ${sorts[f.sortBy]} ${f.descending ? 'desc' : 'asc'} nulls last, t.number desc`;

/** Filters that nothing is kept about: every row is looked at. */
async function byLooking(tx: Read, f: TicketFilter): Promise<Found> {
  const counted = matching(f);
  const { rows: totals } = await tx.query<{ n: number }>(
    `select count(*) as n ${from} where ${counted.text()}`,
    counted.params,
  );
  return { rows: await sortedPage(tx, f), total: totals[0]?.n ?? 0 };
}

async function sortedPage(tx: Read, f: TicketFilter): Promise<QueryResultRow[]> {
  const where = matching(f);
  const { params } = where;
  const { rows } = await tx.query(
    `select ${columns} ${from} where ${where.text()} ${sorted(f)} limit $${params.push(f.limit)} offset $${params.push(f.offset)}`,
    params,
  );
  return rows;
}

/** How many match in which block. Cells are read where totals do not know what is asked for. */
function blocksOf(f: TicketFilter): { sql: string; params: unknown[] } {
  const byTotals = f.priority === null && f.assigned === null && f.provider === null;
  const where = byTotals
    ? { text: () => 'status = $1', params: [f.status ?? ''] as unknown[] }
    : tallied(f, { status: 'status', priority: 'priority', assigned: 'assigned', provider: 'provider' });
  const table = byTotals ? 'ticket_totals' : 'ticket_tallies';
  const sql = `select block, sum(n)::int as rows from ${table} where ${where.text()} group by block order by block desc`;
  return { sql, params: where.params };
}

async function byTallies(tx: Read, f: TicketFilter): Promise<Found> {
  const { sql, params } = blocksOf(f);
  const { rows: tallies } = await prepared<{ block: number; rows: number }>(tx, sql, params);
  const total = tallies.reduce((n, t) => n + t.rows, 0);
  if (f.sortBy !== 'id') return { rows: await sortedPage(tx, f), total };
  const limit = Math.min(f.limit, total - f.offset);
  // Oldest first is the same page from the other end.
  const offset = f.descending ? f.offset : total - f.offset - limit;
  const spans = tallies.map((t) => blockSpan(t.block, numbersInBlock, t.rows));
  const walk = limit > 0 ? walkTo(spans, offset, limit) : null;
  if (walk === null) return { rows: [], total };
  const where = matching(f);
  const list = { table: 'tickets t', alias: 't', key: 'number', where: where.text() };
  const { rows } = await prepared(
    tx,
    `select ${columns} from ${walked(list, walk, where.params)} ${joins} order by t.number ${f.descending ? 'desc' : 'asc'}`,
    where.params,
  );
  return { rows, total };
}

export async function ticketByNumber(tx: Read, number: number): Promise<TicketView | null> {
  const { rows } = await prepared(tx, `select ${columns} ${from} where t.number = $1`, [number]);
  return rows[0] ? Row.parse(rows[0]) : null;
}

export async function ticketById(tx: Read, id: string): Promise<TicketView | null> {
  const { rows } = await tx.query(`select ${columns} ${from} where t.id = $1`, [id]);
  return rows[0] ? Row.parse(rows[0]) : null;
}

/** The row as it stands, held until the transaction ends: whoever changes it too waits. */
export async function lockTicket(tx: Read, id: string): Promise<Ticket | null> {
  const [ticket] = await tickets.list(tx, 'where id = $1 for update', [id]);
  return ticket ?? null;
}

/** Writes what people may change of a ticket. */
export async function saveTicket(tx: Read, t: Ticket): Promise<void> {
  await tx.query(
    `update tickets set status = $2, previous_status = $3, priority = $4, assignee = $5, assignee_team = $6, owning_group = $7,
       updated_at = now() where id = $1`,
    [t.id, t.status, t.previousStatus, t.priority, t.assignee, t.assigneeTeam, t.owningGroup],
  );
}

/** Takes that agent off the ticket; true when it was on it. */
export async function clearAgent(tx: Read, id: string, runId: string): Promise<boolean> {
  const { rowCount } = await tx.query(
    'update tickets set run_id = null, updated_at = now() where id = $1 and run_id = $2',
    [id, runId],
  );
  return rowCount === 1;
}

/** The integers by which the doors know tickets, by their uuids. */
export async function ticketNumbers(tx: Read, ids: readonly string[]): Promise<Map<string, number>> {
  if (!ids.length) return new Map();
  const { rows } = await tx.query<{ id: string; number: number }>('select id, number from tickets where id = any($1)', [
    ids,
  ]);
  return new Map(rows.map((r) => [r.id, r.number]));
}
