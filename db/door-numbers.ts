import { prepared } from './prepared';
import type { Read } from './read';

/** The integers by which doors know a run and its ticket. They never change. */
export interface DoorNumbers {
  agent: number | null;
  task: number | null;
  ticket: number | null;
}

export async function doorNumbers(
  tx: Read,
  of: { runId: string | null; ticketId: string | null },
): Promise<DoorNumbers> {
  const { rows } = await prepared<{ [K in keyof DoorNumbers]: DoorNumbers[K] }>(
    tx,
    `select r.number as agent, r.task_number as task, t.number as ticket
     from (select $1::uuid as run_id, $2::uuid as ticket_id) e
     left join runs r on r.id = e.run_id left join tickets t on t.id = coalesce(e.ticket_id, r.ticket_id)`,
    [of.runId, of.ticketId],
  );
  return rows[0] ?? { agent: null, task: null, ticket: null };
}
