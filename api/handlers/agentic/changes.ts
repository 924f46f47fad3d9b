import { v5 } from 'uuid';
import { gateStats, pageOfGates, pendingGates, type GateView } from '../../../db/changes';
import { gates } from '../../../db/gates';
import { runs } from '../../../db/runs';
import { linkOf } from '../../../db/ticket-links';
import { tickets } from '../../../db/tickets';
import { NotFound, Unavailable } from '../../../domain/errors';
import { isSettled, newGate, type Gate } from '../../../domain/gate';
import { isEnded, type Run } from '../../../domain/run';
import { settledAccess } from '../../../workflows/access-request';
import { complete, decide, type Decided } from '../../../workflows/approval-gate';
import type { changes } from '../../contracts/agentic/changes';
import type { Ctx, Handlers } from '../../kernel';
import { Gone } from '../../temporal';
import { agentOf } from './agents-of';
import { approvalOf } from './approval';
import { findChange as find, findOwnChange as findOwn } from './find-change';
import { openGate, startGate } from './gate-opener';
import { gateRef as ref, send } from './gate-sender';
import { resume } from './resume';
import { closeResult } from './sync';
import { changeStatusView, changeView } from './views';

/** The run of that number, which works on the ticket of that number. @throws NotFound */
async function runOn(ctx: Ctx, ticketNumber: number, runNumber: number): Promise<Run> {
  const { ticket, run } = await ctx.read(async (tx) => ({
    ticket: await tickets.byNumber(tx, ticketNumber),
    run: await runs.byNumber(tx, runNumber),
  }));
  if (!ticket || (ctx.principal.ticketId !== null && ticket.id !== ctx.principal.ticketId))
    throw new NotFound(`no ticket ${ticketNumber}`);
  if (run?.ticketId !== ticket.id) throw new NotFound(`no agent ${runNumber} on ticket ${ticketNumber}`);
  return run;
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

/** As `resumeOf`, of an access that was asked for no agent: the ticket's goes on with its task when none is at work, once a gate. */
async function resumeTicket(ctx: Ctx, gate: Gate): ReturnType<typeof resumeOf> {
  const { ticketId } = gate;
  const ticket = ticketId === null ? null : await ctx.read((tx) => tickets.byId(tx, ticketId));
  if (!ticket) return { status: 'not_applicable', agent_id: null, task_id: null };
  const { status, ...agent } = await resume(ctx, ticket, v5('resume', gate.id));
  return { status: status === 'spawned' ? 'resumed' : status, ...agent };
}

/** What a vote came to that did not decide by itself, or whose answer was lost. */
async function voted(ctx: Ctx, gate: GateView, decided: Decided | null) {
  const now = await find(ctx, gate.number);
  const { missing } = await approvalOf(ctx, now);
  return {
    status: now.status,
    change_id: gate.number,
    ...(decided?.already && { already_voted: true }),
    missing,
  };
}
const waiting = <R extends { status: string }>(resume: R): R =>
  resume.status === 'not_applicable' ? resume : { ...resume, status: 'not_resumed' };

/** Without a key a repeat would ask for another change: who asked must know that this one is there. */
function standsAlready(gate: Gate, e: unknown): never {
  if (!(e instanceof Unavailable)) throw e;
  throw new Unavailable(
    `change ${gate.number} stands and is started when the workflow engine answers: repeat with the same Idempotency-Key only`,
    { retry: true, change_id: gate.number },
  );
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
  getChangeStatus: async ({ params }, ctx) => {
    const gate = await find(ctx, params.change_id);
    return { ...changeStatusView(gate), approval: await approvalOf(ctx, gate) };
  },

  requestChange: async ({ body }, ctx) => {
    const run = body.agent_id === undefined ? null : await runOn(ctx, body.ticket_id, body.agent_id);
    const { requestedBy, onBehalfOf } = agentOf(ctx, run);
    const draft = newGate(
      {
        id: ctx.newId(), tenantId: ctx.tenantId, ticketId: null, runId: run?.id ?? null, agentId: run?.agentId ?? null, accessRequestId: null,
        action: body.action, target: body.target, reason: body.reason ?? null, command: body.command ?? null, riskLevel: body.risk_level,
        approvalPolicy: body.approval_policy, digest: null, requestedBy, onBehalfOf,
      },
      new Date().toISOString(),
      ctx.kernel.config.gateTtlMs,
    ); // prettier-ignore
    const { gate, stood } = await openGate(ctx, draft, body.ticket_id);
    // A repeat: the first may have died before it came to this.
    const row = stood ? await ctx.read((tx) => gates.byId(tx, gate.id)) : gate;
    if (row && !isSettled(row)) await startGate(ctx, row, run).catch((e: unknown) => standsAlready(gate, e));
    return { change_id: gate.number, status: gate.status };
  },

  approveChange: async ({ params, body }, ctx) => {
    const gate = await find(ctx, params.change_id);
    const decision = {
      verdict: 'approve' as const,
      by: ctx.actor,
      label: body.approved_by ?? body.actor ?? null,
      reason: body.reason ?? body.approval_reason ?? null,
    };
    const waits = await resumeOf(ctx, gate);
    const decided = await send(ctx, gate, 'approve', (proof, updateId) =>
      ctx.kernel.temporal.update(ref(ctx, gate), decide, updateId, {
        ...decision,
        proof,
        correlationId: ctx.requestId,
      }),
    );
    const goesOn = (): Promise<typeof waits> =>
      gate.accessRequestId !== null && gate.runId === null ? resumeTicket(ctx, gate) : Promise.resolve(waits);
    if (gate.rule && decided?.status !== 'approved') {
      const standing = await voted(ctx, gate, decided);
      // Approved by now: the answer to the vote that did it may have been lost, and the ticket's agent with it.
      if (standing.status === 'approved') return { ...standing, resume: await goesOn() };
      return { ...standing, resume: standing.status === 'pending' ? waiting(waits) : waits };
    }
    return {
      status: 'approved' as const,
      change_id: gate.number,
      ...(decided?.already && { already_approved: true }),
      resume: await goesOn(),
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
    const decided = await send(ctx, gate, 'reject', (proof, updateId) =>
      ctx.kernel.temporal.update(ref(ctx, gate), decide, updateId, {
        ...decision,
        proof,
        correlationId: ctx.requestId,
      }),
    );
    if (gate.rule && decided?.status !== 'rejected') return voted(ctx, gate, decided);
    return { status: 'rejected' as const, change_id: gate.number };
  },

  completeChange: async ({ params, body }, ctx) => {
    const gate = await findOwn(ctx, params.change_id);
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

const noAccess = (status: string) => ({
  status, access_request_id: null, granted_leases: [], provider_close: { status: 'skipped', reason: 'no_child_ticket' },
}); // prettier-ignore

/** A completed access gate grants the lease, and ends the child ticket, at its provider too: the answer waits for both. */
async function accessSync(ctx: Ctx, gate: Gate) {
  if (gate.accessRequestId === null) return noAccess('not_applicable');
  const access = await ctx.kernel.temporal
    .update({ kind: 'accessRequest', tenantId: ctx.tenantId, id: gate.accessRequestId }, settledAccess, 'settled')
    .catch((e: unknown) => {
      if (e instanceof Gone) return null; // it ended already, as its row says
      throw e;
    });
  if (!access) return noAccess('ended');
  const link = await ctx.read((tx) => linkOf(tx, access.accessTicketId));
  const skipped = { status: 'skipped', reason: link ? 'not_over_yet' : 'provider_not_synced' };
  return {
    status: access.status,
    access_request_id: access.number,
    granted_leases: access.leaseId ? [access.leaseId] : [],
    provider_close: link && access.status !== 'approved' ? await closeResult(ctx, access.accessTicketId) : skipped,
  };
}
