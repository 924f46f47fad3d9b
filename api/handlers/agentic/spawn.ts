import { workingAgent } from '../../../db/agents';
import { fence } from '../../../db/run-queries';
import { runs } from '../../../db/runs';
import { leaseMs } from '../../../domain/access';
import { promptOf } from '../../../domain/agent';
import { Conflict } from '../../../domain/errors';
import type { Actor } from '../../../domain/principal';
import { usualHarness } from '../../../domain/harnesses';
import { isEnded, newRun, type Run } from '../../../domain/run';
import { agentScopes } from '../../../domain/scopes';
import { closedStatuses, type Ticket } from '../../../domain/ticket';
import { agentRun, spawned, stop } from '../../../workflows/agent-run';
import type { Ctx } from '../../kernel';
import { Gone } from '../../temporal';
import { chosen } from './chosen';

export interface Ask {
  /** Of the run: a repeat has the same. */
  id: string;
  harness: string | null;
  model: string | null;
  profileId: string | null;
  prompt: string | null;
  /** Cut down to what an agent may have. */
  scopes: readonly string[];
  /** Of what it may have, what is wanted; null: all of it. */
  wanted: readonly string[] | null;
  by: Actor;
}

const ref = (run: Pick<Run, 'tenantId' | 'id'>) => ({ kind: 'agentRun' as const, tenantId: run.tenantId, id: run.id });

/**
 * Sets an agent to work on a ticket, or finds the one that this request set to work before.
 * @throws Invalid for a harness or a model that is not there, Conflict for a ticket that is closed or has an agent
 */
export async function spawn(ctx: Ctx, ticket: Ticket, ask: Ask): Promise<Run> {
  const harness = ask.harness ?? usualHarness;
  const { agent: name, model: usualModel } = chosen(ctx.kernel.config, harness, ask.model);
  const { existing, working } = await ctx.read(async (tx) => ({
    existing: ctx.repeatable ? await runs.byId(tx, ask.id) : null,
    working: await workingAgent(tx, name),
  }));
  if (existing) return existing;
  if (closedStatuses.includes(ticket.status)) {
    throw new Conflict(`ticket ${ticket.number} is ${ticket.status}`, { status: ticket.status });
  }
  if (!working) throw new Conflict(`the agent ${name} may not work here now`, { agent: name });
  const { agent, definition } = working;
  const may = agentScopes.filter((s) => ask.scopes.includes(s));
  const run = newRun(
    {
      id: ask.id,
      tenantId: ctx.tenantId,
      agentId: agent.id,
      ticketId: ticket.id,
      harness,
      model: ask.model ?? usualModel ?? agent.model,
      profileId: ask.profileId,
      prompt: promptOf(definition, ask.prompt),
      scopes: may.filter((s) => ask.wanted === null || ask.wanted.includes(s)),
      triggerKind: 'assigned',
      definitionVersion: agent.currentVersion || null,
      spawnedBy: ask.by,
    },
    new Date().toISOString(),
  );
  return openRun(ctx, ticket, run);
}

/** A workflow that ended without a row: its opening was refused, and its id is used up. */
export const refusedBefore = (): Conflict =>
  new Conflict('the first request with this Idempotency-Key was refused: ask again with another', {
    field: 'Idempotency-Key',
  });

/** Starts the run's workflow, or finds it. @throws Conflict for a ticket that has an agent */
export async function openRun(ctx: Ctx, ticket: Ticket, run: Run): Promise<Run> {
  const { temporal, config } = ctx.kernel;
  const { agents, integrations } = temporal.queues;
  try {
    return await temporal.open(agentRun, spawned, {
      ref: ref(run),
      args: [{ run, gateTtlMs: config.gateTtlMs, leaseMs, queues: { agents, integrations } }],
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

/**
 * The fence first: from then on no call of the run passes, whatever its workflow does. Then the workflow ends it. One
 * that has ended stays as it is. Answers what stands.
 */
export async function stopRun(ctx: Ctx, run: Run, how: { reason: string; terminate: boolean }): Promise<Run> {
  if (isEnded(run)) return run;
  await ctx.write(async (tx) => {
    if (!(await fence(tx, run.id, how.reason))) return;
    tx.log({
      kind: 'run.stop_requested',
      actor: ctx.actor,
      subject: { kind: 'run', id: run.id },
      ticketId: run.ticketId,
      runId: run.id,
      agentId: run.agentId,
      reason: how.reason,
      body: { agent_id: run.number, terminate: how.terminate },
    });
  });
  try {
    return await ctx.kernel.temporal.update(ref(run), stop, ctx.newId(`stop:${run.id}`), { by: ctx.actor, ...how });
  } catch (e) {
    // It ended by itself meanwhile: the row says how.
    if (!(e instanceof Gone) && !(e instanceof Conflict)) throw e;
    return (await ctx.read((tx) => runs.byId(tx, run.id))) ?? run;
  }
}
