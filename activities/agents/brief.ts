import { ledger, type ExecutionRow } from '../../db/executions';
import { standingTurns } from '../../db/model-turns';
import { standingOf } from '../../db/run-queries';
import { runs } from '../../db/runs';
import { attachments, steeringEvents, tickets } from '../../db/tickets';
import type { Read } from '../../db/tx';
import type { AccessState, Brief, Observation } from '../../domain/harness';
import { NotFound } from '../../domain/errors';
import type { ModelTurn } from '../../domain/model-turn';
import type { Run } from '../../domain/run';
import type { Attachment, SteeringEvent, Ticket } from '../../domain/ticket';

export interface Situation {
  run: Run;
  ticket: Ticket;
  brief: Brief;
  observations: Observation[];
  /** Those of a model that stand, in order. */
  turns: ModelTurn[];
  /** The next free step of the ledger. */
  step: number;
  /** Why no call of the run passes any more. */
  fence: string | null;
  /** People have said something that the agent has not been told. */
  said: boolean;
  /** It has been told something that it has not answered. */
  unanswered: boolean;
}

export const slugOf = (ticket: Pick<Ticket, 'number'>, agent: number): string =>
  `ticket-${ticket.number}-agent-${agent}`;

interface Told {
  ticket: Ticket;
  files: Attachment[];
  steering: SteeringEvent[];
  access: AccessState[];
}

const briefOf = ({ ticket, files, steering, access }: Told, prompt: string | null, slug: string): Brief => ({
  ticket: {
    id: ticket.id,
    number: ticket.number,
    title: ticket.title,
    description: ticket.description,
    ticketClass: ticket.ticketClass,
    priority: ticket.priority,
  },
  prompt,
  attachments: files.map(({ id, filename, sizeBytes, stored }) => ({ id, filename, sizeBytes, stored })),
  steering: steering.map(({ id, author, source, body }) => ({ id, author, source, body })),
  access,
  slug,
});

/** Only what was delivered: an event counts as seen from then on. */
const heardBy = (tx: Read, ownerId: string): Promise<SteeringEvent[]> =>
  steeringEvents.list(tx, `where run_id = $1 and status <> 'pending' order by number`, [ownerId]);

/** What a harness sees of a call, as the ledger holds it. */
const observed = (e: ExecutionRow): Observation => ({
  step: e.step,
  tool: e.tool,
  args: e.args,
  decision: e.decision,
  reasons: e.reasons,
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

/** Everything a harness is told, from rows alone: that is why a crash loses nothing. What can be asked at once is. */
export async function situationOfRun(tx: Read, runId: string): Promise<Situation> {
  const itsTicket = '(select ticket_id from runs where id = $1)';
  const [run, [ticket], files, steering, standing, observed, turns] = await Promise.all([
    runs.byId(tx, runId),
    tickets.list(tx, `where id = ${itsTicket}`, [runId]),
    attachments.list(tx, `where ticket_id = ${itsTicket} order by number`, [runId]),
    heardBy(tx, runId),
    standingOf(tx, runId),
    observe(tx, runId),
    standingTurns(tx, runId),
  ]);
  if (!run || !ticket) throw new NotFound(`no run ${runId}`);
  const { access, ...stands } = standing;
  const told = briefOf({ ticket, files, steering, access }, run.prompt, slugOf(ticket, run.number));
  const brief = { ...told, task: run.taskType };
  return { run, ticket, brief, turns, ...stands, ...observed };
}

export async function situationOfTicket(tx: Read, ownerId: string, ticketId: string) {
  const [ticket, files, observed] = await Promise.all([
    tickets.byId(tx, ticketId),
    attachments.list(tx, 'where ticket_id = $1 order by number', [ticketId]),
    observe(tx, ownerId),
  ]);
  if (!ticket) throw new NotFound(`no ticket ${ticketId}`);
  const brief = briefOf({ ticket, files, steering: [], access: [] }, null, `ticket-${ticket.number}`);
  return { ticket, brief, ...observed };
}
