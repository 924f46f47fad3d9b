import { z } from 'zod';
import { InstantSchema } from '../domain/common.schema';
import { endedStatuses, runStatuses } from '../domain/run';
import type { Ticket } from '../domain/ticket';
import { TicketSchema } from '../domain/ticket.schema';
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
});
export type TicketView = z.output<typeof Row>;

const columns = `${tickets.columns('t')}, r.number as "runNumber", r.status as "runStatus", r.model as "runModel",
  coalesce(r.started_at, r.created_at) as "runStartedAt", r.heartbeat as "runHeartbeat", r.error as "runError", p.number as "parentNumber"`;
const from = `from tickets t left join runs r on r.id = t.run_id left join tickets p on p.id = t.parent_ticket_id`;

const sorts = {
  id: 't.number',
  title: 'lower(t.title)',
  class: 't.ticket_class',
  status: 't.status',
  priority: `substring(t.priority from '[1-4]')::int`,
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
  `(${parameter}::text is null or ${fields.map((f) => `position(lower(${parameter}) in lower(${f})) > 0`).join(' or ')})`;

const where = `where ($1::uuid is null or t.id = $1) and ($2::text is null or t.status = $2)
  and ($3::int is null or substring(t.priority from '[1-4]')::int = $3)
  and ${holds('$4', 't.assignee')}
  and ($5::boolean is null or (t.run_id is not null) = $5)
  and ($6::text is null or ($6 = 'completed') = (r.status = 'finished') and ($6 = 'running') = (not r.status = any($7)))
  and ($8::text is null or t.provider = $8)
  and ${holds('$9', 't.title', 't.description', 't.assignee', 't.assignee_team', 't.owning_group', 't.requester_name',
    't.requester_email', 't.affected_user_name', 't.affected_user_email', 't.provider_ref')}`; // prettier-ignore

/** One page and how many there are, in one statement; parameters only, sorted by what is listed above. */
export async function listTickets(tx: Read, f: TicketFilter): Promise<{ tickets: TicketView[]; total: number }> {
  const order = `${sorts[f.sortBy]} ${f.descending ? 'desc' : 'asc'} nulls last, t.number desc`;
  const { rows } = await tx.query<{ total: number; place: number | null } & Record<string, unknown>>(
    `select counted.total, page.* from (select count(*) as total ${from} ${where}) counted
     left join (select row_number() over (order by ${order}) as place, ${columns} ${from} ${where}
       order by ${order} limit $10 offset $11) page on true order by page.place`,
    [
      f.only, f.status, f.priority, f.assignee, f.assigned, f.agentState, endedStatuses, f.provider, f.text, f.limit, f.offset,
    ], // prettier-ignore
  );
  return { tickets: rows.filter((r) => r.place !== null).map((r) => Row.parse(r)), total: rows[0]?.total ?? 0 };
}

export async function ticketByNumber(tx: Read, number: number): Promise<TicketView | null> {
  const { rows } = await tx.query(`select ${columns} ${from} where t.number = $1`, [number]);
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
