import { movedBy } from '../../../db/changes';
import { blueprints } from '../../../db/learning';
import { pipelines } from '../../../db/pipelines';
import { runs } from '../../../db/runs';
import { leaseMs } from '../../../domain/access';
import { assertRunnable } from '../../../domain/blueprint';
import { Conflict, NotFound } from '../../../domain/errors';
import { newPipeline, type Pipeline } from '../../../domain/pipeline';
import { agentScopes } from '../../../domain/scopes';
import { closedStatuses } from '../../../domain/ticket';
import { end, opened, pipelineRun, type End } from '../../../workflows/pipeline-run';
import type { Ctx } from '../../kernel';
import { Gone } from '../../temporal';
import { planOf } from './learning-views';
import { hidden, seenTicket } from './seen';
import { refusedBefore } from './spawn';
import { none } from './workflow-writes';

const ref = (p: Pick<Pipeline, 'tenantId' | 'id'>) => ({
  kind: 'pipelineRun' as const,
  tenantId: p.tenantId,
  id: p.id,
});

interface Asked {
  ticket_id?: number | undefined;
  agent_id?: number | undefined;
  task_id?: number | undefined;
  status?: 'queued' | 'running' | undefined;
}

/** The pipeline that a request asks for, or the one that it asked for before. @throws NotFound, Conflict */
const draftOf = (ctx: Ctx, number: number, asked: Asked): Promise<{ draft: Pipeline } | { stands: Pipeline }> =>
  ctx.read(async (tx) => {
    const id = ctx.newId('pipeline');
    const stands = ctx.repeatable ? await pipelines.byId(tx, id) : null;
    if (stands) return { stands };
    const blueprint = await blueprints.byNumber(tx, number);
    if (!blueprint) throw none(number);
    const ticket = asked.ticket_id === undefined ? null : await seenTicket(ctx, tx, asked.ticket_id);
    const { agent_id: agent = null, task_id: task = null } = asked;
    const [named] = agent === null && task === null ? [] : await runs.list(
      tx, 'where ($1::int is null or number = $1) and ($2::int is null or task_number = $2)', [agent, task]); // prettier-ignore
    const run = named && !hidden(ctx, named.ticketId) ? named : undefined;
    if (!run && (agent !== null || task !== null)) throw new NotFound(`no agent ${agent ?? `of task ${task}`}`);
    if (run && ticket && run.ticketId !== ticket.id)
      throw new NotFound(`no agent ${run.number} on ticket ${ticket.number}`);
    assertRunnable(blueprint);
    const reported = run !== undefined || asked.status === 'running';
    if (ticket && !reported && closedStatuses.includes(ticket.status))
      throw new Conflict(`ticket ${ticket.number} is ${ticket.status}`, { status: ticket.status });
    const draft = newPipeline(
      {
        id, tenantId: ctx.tenantId, name: blueprint.name, blueprintId: blueprint.id, blueprintVersion: blueprint.version,
        ticketId: ticket?.id ?? run?.ticketId ?? null, carriedOutBy: reported ? 'reported' : 'runs', runId: run?.id ?? null,
        scopes: agentScopes.filter((s) => ctx.principal.scopes.includes(s)), startedBy: ctx.actor, createdAt: new Date().toISOString(),
      },
      reported ? [] : planOf(blueprint),
    ); // prettier-ignore
    return { draft: asked.status === 'running' ? { ...draft, status: 'running', startedAt: draft.createdAt } : draft };
  });

/** Runs a workflow, or finds the run that this request started before. @throws NotFound, Conflict */
export async function startRun(ctx: Ctx, number: number, asked: Asked): Promise<Pick<Pipeline, 'number'>> {
  const of = await draftOf(ctx, number, asked);
  return 'stands' in of ? of.stands : openPipeline(ctx, of.draft, `Run of workflow ${number}: ${of.draft.name}`);
}

/** Starts the workflow of a pipeline, or finds it. @throws Conflict */
export async function openPipeline(ctx: Ctx, draft: Pipeline, summary: string): Promise<Pick<Pipeline, 'number'>> {
  const { temporal, config } = ctx.kernel;
  const { agents, integrations } = temporal.queues;
  try {
    return await temporal.open(pipelineRun, opened, {
      ref: ref(draft),
      args: [{ pipeline: draft, gateTtlMs: config.gateTtlMs, leaseMs, queues: { agents, integrations } }],
      summary,
      status: draft.status,
      ticketId: draft.ticketId,
      agentId: null,
    });
  } catch (e) {
    if (!(e instanceof Gone)) throw e;
    // Over already: it was quick, or it was refused and left no row.
    const row = await ctx.read((tx) => pipelines.byId(tx, draft.id));
    if (row) return row;
    throw refusedBefore();
  }
}

/** Ends a run; of two who do so at once, one. @throws Conflict naming the state that stands */
export async function endRun(ctx: Ctx, run: Pipeline, how: Omit<End, 'transition'>): Promise<void> {
  const transition = `end:${ctx.newId(`end:${run.id}`)}`;
  try {
    await ctx.kernel.temporal.update(ref(run), end, transition, { ...how, transition });
  } catch (e) {
    // A worker that died on it may have others adopt what it wrote: the row says whose the end was.
    if (!(e instanceof Gone) && !(e instanceof Conflict)) throw e;
    const { row, mine } = await ctx.read(async (tx) => ({
      row: await pipelines.byId(tx, run.id),
      mine: await movedBy(tx, run.id, transition),
    }));
    if (!mine) throw new Conflict(`the run is already ${row?.status}`, { status: row?.status ?? null });
  }
}
