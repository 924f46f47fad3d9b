import { aliveRuns, runsOfTicket } from '../../../db/run-queries';
import { runs } from '../../../db/runs';
import { Conflict, Unavailable } from '../../../domain/errors';
import type { Run, TaskType } from '../../../domain/run';
import { closedStatuses, type Ticket } from '../../../domain/ticket';
import type { Ctx } from '../../kernel';
import { spawnAfter } from './spawn';

/** Tasks that an answer of people may further. */
const onTicket: readonly TaskType[] = ['ticket_resolution', 'ad_hoc'];

type Status = 'not_applicable' | 'already_active' | 'spawned' | 'not_resumed';
export interface Resumed {
  status: Status;
  task_id: number | null;
  agent_id: number | null;
}

const told = (status: Status, run: Pick<Run, 'number' | 'taskNumber'> | null): Resumed => ({
  status,
  task_id: run?.taskNumber ?? null,
  agent_id: run?.number ?? null,
});

/**
 * Lets the ticket's agent go on after an answer. One that works or waits has been told already; one that has ended is
 * followed by another with its task, on behalf of whoever set it to work and with no more rights than it had. One that
 * people stopped stays stopped. With an id, what lets it go on does so once: the run of that id is what came of it.
 */
export async function resume(ctx: Ctx, ticket: Ticket, id: string | null = null): Promise<Resumed> {
  const { stands, alive, last } = await ctx.read(async (tx) => ({
    stands: id === null ? null : await runs.byId(tx, id),
    alive: await aliveRuns(tx, ticket.id),
    last: (await runsOfTicket(tx, ticket.id, 20)).find((r) => onTicket.includes(r.taskType)),
  }));
  if (stands) return told('spawned', stands);
  if (alive[0]) return told('already_active', alive[0]);
  if (!last) return told('not_applicable', null);
  const stopped = last.status === 'stopped' || last.status === 'terminated';
  if (stopped || ticket.runId === null || closedStatuses.includes(ticket.status)) return told('not_resumed', last);
  try {
    const { spawnedBy: by, scopes } = last;
    const next = { id: id ?? ctx.newId(`run:${ticket.id}`), by, scopes };
    return told('spawned', await spawnAfter(ctx, ticket, last, next));
  } catch (e) {
    // The answer is recorded whatever comes of the agent; the next one reads it with the ticket.
    if (!(e instanceof Conflict) && !(e instanceof Unavailable)) throw e;
    ctx.kernel.logger.warn({ err: e, ticketId: ticket.id }, 'the agent was not resumed');
    return told('not_resumed', last);
  }
}
