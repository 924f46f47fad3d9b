import { ledger, type ExecutionRow } from '../../db/executions';
import { fenceOf } from '../../db/run-queries';
import { runs } from '../../db/runs';
import { waitsToBeHeard } from '../../db/steering-queries';
import { attachments, steeringEvents, tickets } from '../../db/tickets';
import type { Read } from '../../db/tx';
import type { Brief, Observation } from '../../domain/harness';
import { NotFound } from '../../domain/errors';
import type { Run } from '../../domain/run';
import type { Ticket } from '../../domain/ticket';

export interface Situation {
  run: Run;
  ticket: Ticket;
  brief: Brief;
  observations: Observation[];
  /** The next free step of the ledger. */
  step: number;
  /** Why no call of the run passes any more. */
  fence: string | null;
  /** People have said something that the agent has not been told. */
  said: boolean;
}

export const slugOf = (ticket: Pick<Ticket, 'number'>, agent: number): string =>
  `ticket-${ticket.number}-agent-${agent}`;

const briefOf = async (
  tx: Read,
  ticket: Ticket,
  of: { ownerId: string; prompt: string | null; slug: string },
): Promise<Brief> => {
  const files = await attachments.list(tx, 'where ticket_id = $1 order by number', [ticket.id]);
  // Only what was delivered: an event counts as seen from then on.
  const steering = await steeringEvents.list(tx, `where run_id = $1 and status <> 'pending' order by number`, [
    of.ownerId,
  ]);
  const access = await tx.query<{ system: string; status: string; credentialRef: string | null }>(
    `select coalesce(a.lease ->> 'system', a.resource) as system, a.status, l.credential_ref as "credentialRef"
     from access_requests a left join leases l on l.access_request_id = a.id and l.status = 'active' and l.expires_at > now()
     where a.run_id = $1 order by a.number`,
    [of.ownerId],
  );
  return {
    ticket: {
      id: ticket.id,
      number: ticket.number,
      title: ticket.title,
      description: ticket.description,
      ticketClass: ticket.ticketClass,
      priority: ticket.priority,
    },
    prompt: of.prompt,
    attachments: files.map(({ id, filename, sizeBytes, stored }) => ({ id, filename, sizeBytes, stored })),
    steering: steering.map(({ id, author, source, body }) => ({ id, author, source, body })),
    access: access.rows,
    slug: of.slug,
  };
};

/** What a harness sees of a call, as the ledger holds it. */
const observed = (e: ExecutionRow): Observation => ({
  step: e.step,
  tool: e.tool,
  args: e.args,
  decision: e.decision,
  digest: e.resultDigest,
  result: e.result,
});

const observe = async (tx: Read, ownerId: string): Promise<{ observations: Observation[]; step: number }> => {
  const rows = await ledger(tx, ownerId);
  return { step: (rows.at(-1)?.step ?? -1) + 1, observations: rows.map(observed) };
};

/** The situation one recorded call later; what people say comes in when it is looked at anew. */
export const after = (s: Situation, done: ExecutionRow, counted: Pick<Run, 'steps' | 'progress'>): Situation => ({
  ...s,
  run: { ...s.run, ...counted },
  observations: [...s.observations, observed(done)],
  step: done.step + 1,
});

/** Everything a harness is told, from rows alone: that is why a crash loses nothing. */
export async function situationOfRun(tx: Read, runId: string): Promise<Situation> {
  const run = await runs.byId(tx, runId);
  const ticket = run && (await tickets.byId(tx, run.ticketId));
  if (!run || !ticket) throw new NotFound(`no run ${runId}`);
  const brief = await briefOf(tx, ticket, { ownerId: run.id, prompt: run.prompt, slug: slugOf(ticket, run.number) });
  const said = await waitsToBeHeard(tx, run.id);
  return { run, ticket, brief, said, fence: await fenceOf(tx, run.id), ...(await observe(tx, run.id)) };
}

export async function situationOfTicket(tx: Read, ownerId: string, ticketId: string) {
  const ticket = await tickets.byId(tx, ticketId);
  if (!ticket) throw new NotFound(`no ticket ${ticketId}`);
  const brief = await briefOf(tx, ticket, { ownerId, prompt: null, slug: `ticket-${ticket.number}` });
  return { ticket, brief, ...(await observe(tx, ownerId)) };
}
