import { agentById } from '../../../db/agents';
import { fence } from '../../../db/run-queries';
import { runs } from '../../../db/runs';
import type { Read } from '../../../db/tx';
import { leaseMs } from '../../../domain/access';
import { idleReason } from '../../../domain/agent';
import { Conflict } from '../../../domain/errors';
import type { Actor } from '../../../domain/principal';
import { isEnded, newRun, turnRank, type Run } from '../../../domain/run';
import type { TaskOrder } from '../../../domain/task-order';
import type { Ticket } from '../../../domain/ticket';
import { assertOpen, draftRun as draft, type Ask } from '../../../pipeline/drafting';
import { modelOf } from '../../../runner/commands';
import { agentRun, conclude, spawned, stop } from '../../../workflows/agent-run';
import type { Ctx } from '../../kernel';
import { Gone } from '../../temporal';
import { harnessesHere, settingsOf } from './harnesses-here';

const ref = (run: Pick<Run, 'tenantId' | 'id'>) => ({ kind: 'agentRun' as const, tenantId: run.tenantId, id: run.id });

/** The run as it is to be opened. @throws Invalid, Conflict as `pipeline/drafting.ts` says */
export const draftRun = async ({ kernel }: Ctx, tx: Read, ticket: Ticket, ask: Ask): Promise<Run> =>
  draft(settingsOf(kernel), await harnessesHere(kernel, tx), tx, ticket, ask);

/** Who is to follow a run, and in whose name. */
export interface Successor {
  id: string;
  by: Actor;
  /** It has no more rights than the one before, nor than these. */
  scopes: readonly string[];
}

/** A run with the task of one before: what that was given and told. @throws Conflict */
async function draftAfter(
  { kernel }: Ctx,
  tx: Read,
  ticket: Ticket,
  last: Run,
  { id, by, scopes }: Successor,
): Promise<Run> {
  if (last.taskType === 'pipeline_step')
    throw new Conflict(`agent ${last.number} carries out a step: its workflow tries it again`, { status: last.status });
  const agent = await agentById(tx, last.agentId);
  const idle = agent ? idleReason(agent) : 'its agent is deleted';
  if (idle !== null) throw new Conflict(idle, { status: last.status });
  if (!(await harnessesHere(kernel, tx)).available.includes(last.harness))
    throw new Conflict(`${last.harness} cannot work here now`, { status: last.status });
  assertOpen(ticket, last.taskType);
  const { tenantId, agentId, ticketId, taskType, harness, profileId, runtime, prompt, definitionVersion } = last;
  const model = modelOf(kernel.config.agents, harness, last.model);
  return newRun(
    {
      id, tenantId, agentId, ticketId, taskType, harness, model, profileId, runtime, prompt, definitionVersion,
      scopes: last.scopes.filter((s) => scopes.includes(s)), triggerKind: 'assigned', spawnedBy: by,
    },
    new Date().toISOString(),
  ); // prettier-ignore
}

/** What this request opened before, or what it is to open now, after what goes before that. */
async function openOnce(
  ctx: Ctx,
  ticket: Ticket,
  id: string,
  draft: (tx: Read) => Promise<Run>,
  first: () => Promise<unknown> = () => Promise.resolve(),
): Promise<Run> {
  const { stands, drafted } = await ctx.read(async (tx) => {
    const run = ctx.repeatable ? await runs.byId(tx, id) : null;
    return run ? { stands: run, drafted: null } : { stands: null, drafted: await draft(tx) };
  });
  if (stands) return stands;
  await first();
  return openRun(ctx, ticket, drafted);
}

/**
 * Sets an agent to work on a ticket, or finds the one that this request set to work before.
 * @throws Invalid for a harness or a profile that is not there, Conflict for a ticket that is closed or has an agent
 */
export const spawn = (ctx: Ctx, ticket: Ticket, ask: Ask): Promise<Run> =>
  openOnce(ctx, ticket, ask.id, (tx) => draftRun(ctx, tx, ticket, ask));

/** Sets another to work with the task of one that has ended. @throws Conflict */
export const spawnAfter = (ctx: Ctx, ticket: Ticket, last: Run, next: Successor): Promise<Run> =>
  openOnce(ctx, ticket, next.id, (tx) => draftAfter(ctx, tx, ticket, last, next));

/** The same in place of one that may be at work: it is terminated when it is certain that another may follow. @throws Conflict */
export const respawn = (ctx: Ctx, ticket: Ticket, last: Run, next: Successor): Promise<Run> =>
  openOnce(
    ctx,
    ticket,
    next.id,
    (tx) => draftAfter(ctx, tx, ticket, last, next),
    () => stopRun(ctx, last, { reason: 'restarted', terminate: true }),
  );

export const spawnedView = (run: Run, ticket: Ticket) => ({
  status: 'spawned' as const,
  agent_id: run.number,
  task_id: run.taskNumber,
  ticket_id: ticket.number,
  model: run.model,
  harness: run.harness,
  profile_id: run.profileId,
  priority_rank: turnRank(ticket.priority, run.taskType),
});

/** A workflow that ended without a row: its opening was refused, and its id is used up. */
export const refusedBefore = (): Conflict =>
  new Conflict('the first request with this Idempotency-Key was refused: ask again with another', {
    field: 'Idempotency-Key',
  });

/** Starts the run's workflow, or finds it. @throws Conflict for a ticket that has an agent */
export async function openRun(ctx: Ctx, ticket: Ticket, run: Run, order?: TaskOrder): Promise<Run> {
  const { temporal, config } = ctx.kernel;
  const { agents, integrations, processes } = temporal.queues;
  try {
    return await temporal.open(agentRun, spawned, {
      ref: ref(run),
      args: [
        {
          run,
          ...(order && { order }),
          gateTtlMs: config.gateTtlMs,
          leaseMs,
          queues: { agents, integrations, processes },
        },
      ],
      summary: `Agent on ticket ${ticket.number}: ${ticket.title}`,
      status: run.status,
      ticketId: ticket.id,
      agentId: run.agentId,
    });
  } catch (e) {
    if (!(e instanceof Gone)) throw e;
    // Over already: it was quick, or it was refused and left no row.
    const row = await ctx.read((tx) => runs.byId(tx, run.id));
    if (row) return row;
    throw refusedBefore();
  }
}

/** How a run is ended from outside. */
export type Ending = { reason: string; terminate: boolean } | { reason: string; status: 'finished' | 'failed' };

/**
 * The fence first: from then on no call of the run passes, whatever its workflow does. Then the workflow ends it. One that
 * has ended stays as it is. Answers what stands.
 */
export async function stopRun(ctx: Ctx, run: Run, how: Ending): Promise<Run> {
  if (isEnded(run)) return run;
  const { reason, ...as } = how;
  await ctx.write(async (tx) => {
    if (!(await fence(tx, run.id, reason))) return;
    tx.log({
      kind: 'run.stop_requested',
      actor: ctx.actor,
      subject: { kind: 'run', id: run.id },
      ticketId: run.ticketId,
      runId: run.id,
      agentId: run.agentId,
      reason,
      body: { agent_id: run.number, ...as },
    });
  });
  const { temporal } = ctx.kernel;
  const id = ctx.newId(`stop:${run.id}`);
  try {
    return 'status' in how
      ? await temporal.update(ref(run), conclude, id, { by: ctx.actor, ...how })
      : await temporal.update(ref(run), stop, id, { by: ctx.actor, ...how });
  } catch (e) {
    // It ended by itself meanwhile: the row says how.
    if (!(e instanceof Gone) && !(e instanceof Conflict)) throw e;
    return (await ctx.read((tx) => runs.byId(tx, run.id))) ?? run;
  }
}
