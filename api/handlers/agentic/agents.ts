import { listGates } from '../../../db/changes';
import { checkpointsOf } from '../../../db/checkpoints';
import { spendingOf } from '../../../db/model-turns';
import { activeRuns, aliveRuns, listRuns, runCounts, runEntries, runStats } from '../../../db/run-queries';
import { acknowledge, steeringOfRun } from '../../../db/steering-queries';
import { clearAgent } from '../../../db/ticket-queries';
import { NotFound } from '../../../domain/errors';
import { harnessEntry } from '../../../domain/harnesses';
import { reveal } from '../../../log/personal';
import type { agents } from '../../contracts/agentic/agents';
import type { Handlers } from '../../kernel';
import { budgetView } from './model-turn-views';
import { say } from './notes';
import { ownRun, seenRun, seenTicket } from './seen';
import { wantedIn } from './agent-work';
import { spawn, spawnedView, stopRun } from './spawn';
import { agentView, auditView, runStatusesOf, steeringView, taskView } from './ticket-views';
import { changeView } from './views';

const mostAudit = 50;
const mostCheckpoints = 50;
/** Of each task, in a list of many. */
const mostListed = 10;

export const agentHandlers: Handlers<typeof agents> = {
  assignAgent: async ({ params, body }, ctx) => {
    const ticket = await ctx.read((tx) => seenTicket(ctx, tx, params.ticket_id));
    const run = await spawn(ctx, ticket, {
      id: ctx.newId(`run:${ticket.id}`),
      taskType: 'ticket_resolution',
      ...wantedIn(body),
      prompt: body.prompt ?? null,
      scopes: ctx.principal.scopes,
      wanted: body.requested_permissions ?? null,
      by: ctx.actor,
    });
    return spawnedView(run, ticket);
  },

  unassignAgent: async ({ params }, ctx) => {
    const { ticket, working } = await ctx.read(async (tx) => {
      const found = await seenTicket(ctx, tx, params.ticket_id);
      return { ticket: found, working: (await aliveRuns(tx, found.id)).filter((r) => r.taskType !== 'postmortem') };
    });
    for (const run of working) await stopRun(ctx, run, { reason: 'unassigned', terminate: true });
    await ctx.write(async (tx) => {
      if (ticket.runId === null || !(await clearAgent(tx, ticket.id, ticket.runId))) return;
      await say(ctx, tx, ticket, {
        source: 'agent-control-plane',
        author: ctx.actor.name,
        body: `Agent ${ticket.runNumber ?? ''} unassigned by ${ctx.actor.name}`,
      });
      tx.log({
        kind: 'ticket.agent_unassigned',
        actor: ctx.actor,
        subject: { kind: 'ticket', id: ticket.id },
        ticketId: ticket.id,
        runId: ticket.runId,
        body: { agent_id: ticket.runNumber },
      });
    });
    return { status: 'agent_unassigned' as const, ticket_id: ticket.number };
  },

  listAgents: async ({ query }, ctx) => {
    const filter = {
      only: ctx.principal.ticketId,
      statuses: query.status ? [query.status] : null,
      ticket: query.ticket_id ?? null,
      agent: null,
    };
    const { runs, total } = await ctx.read((tx) => listRuns(tx, filter, query.limit, query.offset));
    return { agents: runs.map((r) => agentView(ctx, r)), total };
  },

  listActiveAgents: async (_input, ctx) => {
    const only = ctx.principal.ticketId;
    const { active, counts } = await ctx.read(async (tx) => ({
      active: await activeRuns(tx, only),
      counts: await runCounts(tx, only),
    }));
    const queue_health = { queued_depth: counts.queued, running: counts.running, waiting: counts.waiting };
    return { agents: active.map((r) => agentView(ctx, r)), count: active.length, queue_health };
  },

  agentStats: async (_input, ctx) => {
    const { seconds, ...counts } = await ctx.read((tx) => runStats(tx, ctx.principal.ticketId));
    return { ...counts, avg_duration_seconds: seconds };
  },

  listTasks: ({ query }, ctx) =>
    ctx.read(async (tx) => {
      const filter = {
        only: ctx.principal.ticketId,
        statuses: query.status ? runStatusesOf(query.status) : null,
        ticket: query.ticket_id ?? null,
        agent: query.agent_id ?? null,
      };
      const { runs, total } = await listRuns(tx, filter, query.limit, query.offset);
      const checkpoints = await checkpointsOf(tx, runs.map((r) => r.id), mostListed); // prettier-ignore
      return { tasks: runs.map((r) => taskView(r, checkpoints.get(r.id) ?? [])), total };
    }),

  getAgent: ({ params }, ctx) =>
    ctx.read(async (tx) => {
      const run = await seenRun(ctx, tx, params.agent_id);
      const checkpoints = await checkpointsOf(tx, [run.id], mostCheckpoints);
      const gates = await listGates(tx, { only: null, status: null, agent: run.number, ticket: null }, 100, 0);
      const audit = await reveal(tx, ctx.kernel.keyring, await runEntries(tx, run.id, mostAudit));
      const counted = harnessEntry(run.harness)?.kind === 'model';
      const budget = counted ? budgetView(ctx.kernel.config.runBudget, run, await spendingOf(tx, run.id)) : null;
      return {
        ...agentView(ctx, run),
        budget,
        current_task: taskView(run, checkpoints.get(run.id) ?? []),
        change_requests: gates.map((g) => changeView(ctx, g)),
        audit: audit.map(auditView),
      };
    }),

  listSteering: ({ params, query }, ctx) =>
    ctx.read(async (tx) => {
      const run = await seenRun(ctx, tx, params.agent_id);
      const { events, total } = await steeringOfRun(tx, run.id, query.limit, query.offset);
      return { agent_id: run.number, events: events.map(steeringView), total };
    }),

  acknowledgeSteering: ({ params, body }, ctx) =>
    ctx.write(async (tx) => {
      const run = await ownRun(ctx, tx, params.agent_id);
      const event = await acknowledge(tx, run.id, params.event_id);
      if (!event) throw new NotFound(`no steering event ${params.event_id} of agent ${run.number}`);
      if (event.changed) {
        tx.log({
          kind: 'steering.acknowledged',
          actor: ctx.actor,
          subject: { kind: 'run', id: run.id },
          transition: `acknowledged:${event.id}`,
          ticketId: run.ticketId,
          runId: run.id,
          agentId: run.agentId,
          body: { event_id: params.event_id, label: body.actor ?? null },
        });
      }
      return { status: 'acknowledged' as const, event_id: params.event_id, agent_id: run.number };
    }),

  stopAgent: async ({ params, body }, ctx) => {
    const run = await ctx.read((tx) => seenRun(ctx, tx, params.agent_id));
    const stands = await stopRun(ctx, run, { reason: body.reason, terminate: false });
    return { status: stands.status, agent_id: run.number };
  },
};
