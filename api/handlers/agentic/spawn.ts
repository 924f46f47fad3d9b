import { agentById, workingAgent } from '../../../db/agents';
import { fence } from '../../../db/run-queries';
import { runs } from '../../../db/runs';
import { runtimeOf } from '../../../db/runtime';
import type { Read } from '../../../db/tx';
import { leaseMs } from '../../../domain/access';
import { idleReason, promptOf } from '../../../domain/agent';
import { Conflict } from '../../../domain/errors';
import type { Actor } from '../../../domain/principal';
import { isEnded, newRun, turnRank, type Run, type TaskType } from '../../../domain/run';
import { choose, profileOf, type Chosen, type RuntimeConfig, type Wanted, type Work } from '../../../domain/runtime';
import { agentScopes } from '../../../domain/scopes';
import { closedStatuses, type Ticket } from '../../../domain/ticket';
import { workflowKey } from '../../../domain/workflow-key';
import { modelOf } from '../../../runner/commands';
import { agentRun, conclude, spawned, stop } from '../../../workflows/agent-run';
import type { Ctx } from '../../kernel';
import { Gone } from '../../temporal';
import { chosen } from './chosen';
import { harnessesHere } from './harnesses-here';

/** What a run is to be, beside the ticket that it is on. */
export interface Ask extends Wanted {
  /** Of the run: a repeat has the same. */
  id: string;
  taskType: TaskType;
  prompt: string | null;
  /** Cut down to what an agent may have. */
  scopes: readonly string[];
  /** Of what it may have, what is wanted; null: all of it. */
  wanted: readonly string[] | null;
  by: Actor;
}

const ref = (run: Pick<Run, 'tenantId' | 'id'>) => ({ kind: 'agentRun' as const, tenantId: run.tenantId, id: run.id });

/** The work as the assignments of profiles look at it. */
const workOf = (t: Ticket, taskType: TaskType): Work => ({
  workflow_key: workflowKey({ explicit: null, ticketClass: t.ticketClass, texts: [t.title, t.description] }),
  priority: t.priority,
  provider: t.provider,
  ticket_class: t.ticketClass,
  owning_group: t.owningGroup,
  assignee_team: t.assigneeTeam,
  security_classification: t.securityClassification,
  task_type: taskType,
});

/** What may take the place of a model that a harness does not have: what its profile, the active one and the settings say. */
const modelsFor = (config: RuntimeConfig, { harness, profileId }: Chosen): (string | null)[] => [
  ...[profileId ?? '', config.active_profile].map((id) => {
    const profile = profileOf(config, id);
    return profile?.harness === harness ? profile.model : null;
  }),
  ...(config.default_harness === harness ? [config.default_model] : []),
];

/** What was learned from a ticket is written down when it is closed as well. */
const afterwards: readonly TaskType[] = ['postmortem', 'workflow_build'];

/** @throws Conflict */
function assertOpen(ticket: Ticket, taskType: TaskType): void {
  if (afterwards.includes(taskType) || !closedStatuses.includes(ticket.status)) return;
  throw new Conflict(`ticket ${ticket.number} is ${ticket.status}`, { status: ticket.status });
}

/** The run as it is to be opened. @throws Invalid for a profile or a harness that is not there; Conflict where nobody may work */
export async function draftRun({ kernel }: Ctx, tx: Read, ticket: Ticket, ask: Ask): Promise<Run> {
  const here = await harnessesHere(kernel, tx);
  const { config: runtime } = await runtimeOf(tx);
  const way = choose(runtime, ask, workOf(ticket, ask.taskType), here.available);
  const { agent: name, model: usual } = chosen(kernel.config, here, way.harness, way.model);
  assertOpen(ticket, ask.taskType);
  const working = await workingAgent(tx, name);
  if (!working) throw new Conflict(`the agent ${name} may not work here now`, { agent: name });
  const { agent, definition } = working;
  const may = agentScopes.filter((s) => ask.scopes.includes(s));
  return newRun(
    {
      id: ask.id,
      tenantId: tx.tenantId,
      agentId: agent.id,
      ticketId: ticket.id,
      taskType: ask.taskType,
      harness: way.harness,
      model: modelOf(kernel.config.agents, way.harness, way.model ?? usual ?? agent.model, modelsFor(runtime, way)),
      profileId: way.profileId,
      runtime: way.runtime,
      prompt: promptOf(definition, ask.prompt),
      scopes: may.filter((s) => ask.wanted === null || ask.wanted.includes(s)),
      triggerKind: 'assigned',
      definitionVersion: agent.currentVersion || null,
      spawnedBy: ask.by,
    },
    new Date().toISOString(),
  );
}

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
export async function openRun(ctx: Ctx, ticket: Ticket, run: Run): Promise<Run> {
  const { temporal, config } = ctx.kernel;
  const { agents, integrations, processes } = temporal.queues;
  try {
    return await temporal.open(agentRun, spawned, {
      ref: ref(run),
      args: [{ run, gateTtlMs: config.gateTtlMs, leaseMs, queues: { agents, integrations, processes } }],
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
