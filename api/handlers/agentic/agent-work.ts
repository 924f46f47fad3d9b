import { beat } from '../../../db/run-queries';
import { runs } from '../../../db/runs';
import { tickets } from '../../../db/tickets';
import type { Write } from '../../../db/tx';
import { Conflict } from '../../../domain/errors';
import { activeStatuses, isEnded, type Run, type TaskType } from '../../../domain/run';
import type { Wanted } from '../../../domain/runtime';
import type { Ticket } from '../../../domain/ticket';
import type { Ask } from '../../../pipeline/drafting';
import type { agentWork } from '../../contracts/agentic/agent-work';
import type { Ctx, Handlers } from '../../kernel';
import { seenRun, seenTicket } from './seen';
import { draftRun, openRun, respawn, spawn, spawnAfter, spawnedView, stopRun } from './spawn';

interface Body {
  harness?: string | null | undefined;
  model?: string | null | undefined;
  profile_id?: string | null | undefined;
  budget_tokens?: number | null | undefined;
  budget_money?: number | null | undefined;
}
export const wantedIn = (body: Body): Wanted => ({
  harness: body.harness ?? null,
  model: body.model ?? null,
  profileId: body.profile_id ?? null,
  budgetTokens: body.budget_tokens ?? null,
  budgetMoney: body.budget_money ?? null,
});

const ask = (
  ctx: Ctx,
  taskType: TaskType,
  body: Body & { requested_permissions?: string[] | undefined },
  prompt: string | null | undefined,
): Omit<Ask, 'id'> => ({
  taskType,
  ...wantedIn(body),
  prompt: prompt ?? null,
  scopes: ctx.principal.scopes,
  wanted: body.requested_permissions ?? null,
  by: ctx.actor,
});

/** The ticket of this request, made of what is said, or found by a repeat. */
async function ticketOf(ctx: Ctx, tx: Write, prompt: string): Promise<Ticket> {
  const id = ctx.newId('ticket');
  const at = new Date().toISOString();
  const [line = ''] = prompt.split('\n', 1);
  const made = await tickets.insert(tx, {
    id, tenantId: ctx.tenantId, number: 0, title: line.trim().slice(0, 240).toWellFormed(), description: prompt,
    ticketClass: 'UserRequest', status: 'new', previousStatus: null, priority: null, assignee: null, assigneeTeam: null,
    owningGroup: null, provider: 'local', providerRef: null, providerSyncStatus: 'local_only', externalUrl: null, parentTicketId: null,
    runId: null, requesterName: null, requesterEmail: null, affectedUserName: null, affectedUserEmail: null,
    securityClassification: 'internal', accessScope: {}, createdBy: ctx.actor, createdByLabel: null, createdAt: at, updatedAt: at,
  }); // prettier-ignore
  if (made) {
    const { ticketClass: ticket_class, status, number: ticket_id } = made;
    const body = { ticket_id, ticket_class, status, label: null };
    tx.log({ kind: 'ticket.created', actor: ctx.actor, subject: { kind: 'ticket', id }, ticketId: id, body });
  }
  const stands = made ?? (await tickets.byId(tx, id));
  if (!stands) throw new Error(`no row for ticket ${id}`);
  return stands;
}

/** Who is to follow a run, at this request's word. */
const successor = (ctx: Ctx, run: Run) => ({
  id: ctx.newId(`after:${run.id}`),
  by: ctx.actor,
  scopes: ctx.principal.scopes,
});

/** Says that a run goes on; null: it has ended. */
const refresh = (ctx: Ctx, run: Run): Promise<Run | null> =>
  ctx.write(async (tx) => {
    const stands = await beat(tx, run.id);
    if (stands)
      tx.log({
        kind: 'run.woken',
        actor: ctx.actor,
        subject: { kind: 'run', id: run.id },
        ticketId: run.ticketId,
        runId: run.id,
        agentId: run.agentId,
        body: { agent_id: run.number, status: stands.status },
      });
    return stands;
  });

const seen = (ctx: Ctx, number: number) =>
  ctx.read(async (tx) => {
    const run = await seenRun(ctx, tx, number);
    return { run, ticket: await seenTicket(ctx, tx, run.ticketNumber) };
  });

const onTicket = async (ctx: Ctx, number: number, asked: Omit<Ask, 'id'>) => {
  const ticket = await ctx.read((tx) => seenTicket(ctx, tx, number));
  return spawnedView(await spawn(ctx, ticket, { id: ctx.newId(`run:${ticket.id}`), ...asked }), ticket);
};

export const agentWorkHandlers: Handlers<typeof agentWork> = {
  spawnAgent: ({ body }, ctx) => onTicket(ctx, body.ticket_id, ask(ctx, body.task_type, body, body.prompt)),
  spawnPostmortem: ({ params, body }, ctx) =>
    onTicket(ctx, params.ticket_id, ask(ctx, 'postmortem', body, body.context)),
  spawnWorkflowBuild: ({ params, body }, ctx) =>
    onTicket(ctx, params.ticket_id, ask(ctx, 'workflow_build', body, body.context)),

  createFromPrompt: async ({ body }, ctx) => {
    const asked = { id: ctx.newId('run'), ...ask(ctx, 'ad_hoc', body, body.prompt) };
    // In one transaction: where no run can be drafted, there is no ticket either.
    const { ticket, stands, draft } = await ctx.write(async (tx) => {
      const made = await ticketOf(ctx, tx, body.prompt);
      const run = ctx.repeatable ? await runs.byId(tx, asked.id) : null;
      return { ticket: made, stands: run, draft: run ?? (await draftRun(ctx, tx, made, asked)) };
    });
    return spawnedView(stands ?? (await openRun(ctx, ticket, draft)), ticket);
  },

  wakeAgent: async ({ params }, ctx) => {
    const { run, ticket } = await seen(ctx, params.agent_id);
    const alive = isEnded(run) ? null : await refresh(ctx, run);
    if (alive)
      return {
        status: 'already_active' as const,
        agent_id: alive.number,
        task_id: alive.taskNumber,
        source_agent_id: run.number,
        message: activeStatuses.includes(alive.status)
          ? `agent ${alive.number} is at work`
          : `agent ${alive.number} waits for people: ${alive.status}`,
      };
    const ended = (await ctx.read((tx) => runs.byId(tx, run.id))) ?? run;
    if (ended.status === 'stopped' || ended.status === 'terminated')
      throw new Conflict(`agent ${run.number} is ${ended.status}: people ended it`, { status: ended.status });
    const next = spawnedView(await spawnAfter(ctx, ticket, ended, successor(ctx, run)), ticket);
    const message = `agent ${next.agent_id} follows agent ${run.number}, which is ${ended.status}`;
    return { ...next, status: 'replacement_spawned' as const, source_agent_id: run.number, message };
  },

  restartAgent: async ({ params }, ctx) => {
    const { run, ticket } = await seen(ctx, params.agent_id);
    const next = await respawn(ctx, ticket, run, successor(ctx, run));
    return { ...spawnedView(next, ticket), source_agent_id: run.number };
  },

  updateAgent: async ({ params, body }, ctx) => {
    const { run } = await seen(ctx, params.agent_id);
    const status = body.status === 'working' ? 'running' : body.status;
    const reason = body.error_message ?? `set to ${status} by hand`;
    const goesOn = status === 'running' && activeStatuses.includes(run.status);
    const by = status === 'finished' || status === 'failed' ? { status } : { terminate: status === 'terminated' };
    const stands = goesOn
      ? await refresh(ctx, run)
      : status === 'running'
        ? null
        : await stopRun(ctx, run, { reason, ...by });
    const now = stands?.status ?? run.status;
    const holds = status === 'running' ? activeStatuses.includes(now) : now === status;
    if (!holds) throw new Conflict(`agent ${run.number} is ${now}`, { status: now });
    return { status: 'updated' as const, agent_id: run.number, new_status: now };
  },
};
