import { z } from 'zod';
import { SteeringEventSchema } from '../domain/ticket.schema';
import { steeringEvents } from './tickets';
import { prepared } from './prepared';
import type { Read } from './tx';

/** A steering event with the integers by which the doors know ticket, run, task and note. */
const Row = SteeringEventSchema.extend({
  ticketNumber: z.int(),
  runNumber: z.int(),
  taskNumber: z.int(),
  noteNumber: z.int().nullable(),
  visibility: z.string().nullable(),
  externalRef: z.string().nullable(),
});
export type SteeringView = z.output<typeof Row>;

const select = `select ${steeringEvents.columns('s')}, t.number as "ticketNumber", r.number as "runNumber",
    r.task_number as "taskNumber", n.number as "noteNumber", n.visibility, n.external_ref as "externalRef"
  from steering_events s join runs r on r.id = s.run_id join tickets t on t.id = s.ticket_id
    left join ticket_notes n on n.id = s.note_id`;

export async function steeringOfRun(
  tx: Read,
  runId: string,
  limit: number,
  offset: number,
): Promise<{ events: SteeringView[]; total: number }> {
  const { rows } = await tx.query(`${select} where s.run_id = $1 order by s.number desc limit $2 offset $3`, [
    runId,
    limit,
    offset,
  ]);
  const counted = await tx.query<{ total: number }>('select count(*) as total from steering_events where run_id = $1', [
    runId,
  ]);
  return { events: rows.map((r) => Row.parse(r)), total: counted.rows[0]?.total ?? 0 };
}

/** The last of a ticket, oldest first. */
export async function steeringOfTicket(tx: Read, ticketId: string, limit: number): Promise<SteeringView[]> {
  const { rows } = await prepared(tx, `${select} where s.ticket_id = $1 order by s.number desc limit $2`, [
    ticketId,
    limit,
  ]);
  return rows.map((r) => Row.parse(r)).reverse();
}

/** What a note told the agents of its ticket. */
export async function steeringOfNote(tx: Read, noteId: string): Promise<SteeringView[]> {
  const { rows } = await tx.query(`${select} where s.note_id = $1 order by s.number`, [noteId]);
  return rows.map((r) => Row.parse(r));
}

/** The event's uuid and whether this changed it; null when the run has no such event. */
export async function acknowledge(
  tx: Read,
  runId: string,
  number: number,
): Promise<{ id: string; changed: boolean } | null> {
  const { rows } = await tx.query<{ id: string }>('select id from steering_events where run_id = $1 and number = $2', [
    runId,
    number,
  ]);
  if (!rows[0]) return null;
  const { rowCount } = await tx.query(
    `update steering_events set status = 'acknowledged', acknowledged_at = now(), delivered_at = coalesce(delivered_at, now())
     where id = $1 and status <> 'acknowledged'`,
    [rows[0].id],
  );
  return { id: rows[0].id, changed: rowCount === 1 };
}

/** What a run was told and has not looked at. */
export async function undelivered(tx: Read, runId: string): Promise<{ id: string; number: number; author: string }[]> {
  const { rows } = await tx.query<{ id: string; number: number; author: string }>(
    `select id, number, author from steering_events where run_id = $1 and status = 'pending' order by number`,
    [runId],
  );
  return rows;
}
