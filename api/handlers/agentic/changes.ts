import { gateById, gateByNumber, gateStats, pageOfGates, pendingGates, type GateView } from '../../../db/changes';
import { runs } from '../../../db/runs';
import { tickets } from '../../../db/tickets';
import { NotFound } from '../../../domain/errors';
import { newGate, type Gate } from '../../../domain/gate';
import { isEnded } from '../../../domain/run';
import { settledAccess } from '../../../workflows/access-request';
import { approvalGate, complete, decide, opened } from '../../../workflows/approval-gate';
import { workflowId } from '../../../workflows/ids';
import type { changes } from '../../contracts/agentic/changes';
import type { Ctx, Handlers } from '../../kernel';
import { Gone } from '../../temporal';
import { agentOf } from './agents-of';
import { gateRef as ref, send } from './gate-sender';
import { changeStatusView, changeView } from './views';

/** @throws NotFound, for a foreign gate as for one that never was */
async function find(ctx: Ctx, number: number): Promise<GateView> {
  const gate = await ctx.read((tx) => gateByNumber(tx, number));
  if (!gate || (ctx.principal.ticketId !== null && gate.ticketId !== ctx.principal.ticketId))
    throw new NotFound(`no change ${number}`);
  return gate;
}

/** How the run that waited for the gate goes on. */
async function resumeOf(
  ctx: Ctx,
  gate: Gate,
): Promise<{ status: string; agent_id: number | null; task_id: number | null }> {
  const run = gate.runId === null ? null : await ctx.read((tx) => runs.byId(tx, gate.runId ?? ''));
  if (!run) return { status: 'not_applicable', agent_id: null, task_id: null };
  const status = isEnded(run) ? 'not_resumed' : run.status === 'pending_approval' ? 'resumed' : 'already_active';
  return { status, agent_id: run.number, task_id: run.taskNumber };
}

export const changeHandlers: Handlers<typeof changes> = {
  listChanges: async ({ query }, ctx) => {
    const { ticketId: only } = ctx.principal;
    const filter = {
      only,
      status: query.status ?? null,
      agent: query.agent_id ?? null,
      ticket: query.ticket_id ?? null,
    };
    const { gates, total, pending } = await ctx.read((tx) => pageOfGates(tx, filter, query.limit, query.offset));
    return { changes: gates.map((g) => changeView(ctx, g)), total, pending };
  },
  listPendingChanges: async (_input, ctx) => {
    const list = await ctx.read((tx) => pendingGates(tx, ctx.principal.ticketId));
    return {
      changes: list.map((g) => ({
        ...changeView(ctx, g),
        waiting_seconds: Math.max(0, Math.floor((Date.now() - Date.parse(g.requestedAt)) / 1000)),
      })),
      count: list.length,
    };
  },
  changeStats: (_input, ctx) => ctx.read((tx) => gateStats(tx, ctx.principal.ticketId)),
  getChange: async ({ params }, ctx) => changeView(ctx, await find(ctx, params.change_id)),
  getChangeStatus: async ({ params }, ctx) => changeStatusView(await find(ctx, params.change_id)),

  requestChange: async ({ body }, ctx) => {
    const id = ctx.newId();
    const { existing, ticket, run } = await ctx.read(async (tx) => ({
      existing: await gateById(tx, id),
      ticket: await tickets.byNumber(tx, body.ticket_id),
      run: body.agent_id === undefined ? null : await runs.byNumber(tx, body.agent_id),
    }));
    if (existing) return { change_id: existing.number, status: existing.status };
    if (!ticket || (ctx.principal.ticketId !== null && ticket.id !== ctx.principal.ticketId))
      throw new NotFound(`no ticket ${body.ticket_id}`);
    if (body.agent_id !== undefined && (!run || run.ticketId !== ticket.id))
      throw new NotFound(`no agent ${body.agent_id} on ticket ${body.ticket_id}`);
    const { requestedBy, onBehalfOf } = agentOf(ctx, run);
    const gate = newGate(
      {
        id, tenantId: ctx.tenantId, ticketId: ticket.id, runId: run?.id ?? null, agentId: run?.agentId ?? null, accessRequestId: null,
        action: body.action, target: body.target, reason: body.reason ?? null, command: body.command ?? null, riskLevel: body.risk_level,
        approvalPolicy: body.approval_policy, digest: null, requestedBy, onBehalfOf,
      },
      new Date().toISOString(),
      ctx.kernel.config.gateTtlMs,
    ); // prettier-ignore
    const stands = await ctx.kernel.temporal.open(approvalGate, opened, {
      ref: ref(ctx, gate),
      args: [{ gate, tell: run && !isEnded(run) ? [workflowId('agentRun', ctx.tenantId, run.id)] : [] }],
      summary: `${gate.action} ${gate.target}`,
      status: gate.status,
      ticketId: gate.ticketId,
      agentId: gate.agentId,
    });
    return { change_id: stands.number, status: stands.status };
  },

  approveChange: async ({ params, body }, ctx) => {
    const gate = await find(ctx, params.change_id);
    const decision = {
      verdict: 'approve' as const,
      by: ctx.actor,
      label: body.approved_by ?? body.actor ?? null,
      reason: body.reason ?? body.approval_reason ?? null,
    };
    const resume = await resumeOf(ctx, gate);
    const decided = await send(ctx, gate, 'approve', (proof, updateId) =>
      ctx.kernel.temporal.update(ref(ctx, gate), decide, updateId, {
        ...decision,
        proof,
        correlationId: ctx.requestId,
      }),
    );
    return {
      status: 'approved' as const,
      change_id: gate.number,
      ...(decided?.already && { already_approved: true }),
      resume,
    };
  },

  rejectChange: async ({ params, body }, ctx) => {
    const gate = await find(ctx, params.change_id);
    const decision = {
      verdict: 'reject' as const,
      by: ctx.actor,
      label: body.rejected_by ?? body.actor ?? null,
      reason: body.reason ?? null,
    };
    await send(ctx, gate, 'reject', (proof, updateId) =>
      ctx.kernel.temporal.update(ref(ctx, gate), decide, updateId, {
        ...decision,
        proof,
        correlationId: ctx.requestId,
      }),
    );
    return { status: 'rejected' as const, change_id: gate.number };
  },

  completeChange: async ({ params, body }, ctx) => {
    const gate = await find(ctx, params.change_id);
    const result = body.result ?? body.evidence ?? body.output ?? '';
    await send(ctx, gate, 'complete', (proof, updateId) =>
      ctx.kernel.temporal.update(ref(ctx, gate), complete, updateId, {
        by: ctx.actor,
        result,
        proof,
        correlationId: ctx.requestId,
      }),
    );
    return { status: 'completed' as const, change_id: gate.number, access_sync: await accessSync(ctx, gate) };
  },
};

/** A completed access gate grants the lease: the answer waits for it. */
async function accessSync(
  ctx: Ctx,
  gate: Gate,
): Promise<{ status: string; access_request_id: number | null; granted_leases: string[] }> {
  if (gate.accessRequestId === null) return { status: 'not_applicable', access_request_id: null, granted_leases: [] };
  const access = await ctx.kernel.temporal
    .update({ kind: 'accessRequest', tenantId: ctx.tenantId, id: gate.accessRequestId }, settledAccess, 'settled')
    .catch((e: unknown) => {
      if (e instanceof Gone) return null; // it ended already, as its row says
      throw e;
    });
  if (!access) return { status: 'ended', access_request_id: null, granted_leases: [] };
  return {
    status: access.status,
    access_request_id: access.number,
    granted_leases: access.leaseId ? [access.leaseId] : [],
  };
}
