import type { Gate } from '../domain/gate';
import type { Postmortem } from '../domain/learning';
import type { accessRequest, PreapprovedInput } from './access-request';
import type { approvalGate } from './approval-gate';
import { workflowId, type Kind } from './ids';
import { attributes, workflowTaskTimeout } from './kit';
import type { notifyGate, GateNoticeInput } from './notify-gate';
import type { postmortemSynthesis } from './postmortem-synthesis';
import type { providerSync, ProviderSync } from './provider-sync';
import type { ticketSync, TicketSync } from './ticket-sync';
import type { toolLooks, ToolLooks } from './tool-looks';

export interface EntityRef {
  kind: Kind;
  tenantId: string;
  id: string;
}
/** What it takes to start the workflow of an entity. */
export interface Start<A> {
  ref: EntityRef;
  args: A;
  summary: string;
  /** Null: not shown as a search attribute. */
  status: string | null;
  ticketId: string | null;
  agentId: string | null;
  /** One that was terminated before it had done anything may be started again; `always`: one that ended, too. */
  again?: boolean | 'always';
  /** Where whoever asks it waits longer for an answer than others do. */
  patienceMs?: number;
}

const reusePolicy = (
  again: Start<unknown>['again'],
): 'ALLOW_DUPLICATE' | 'ALLOW_DUPLICATE_FAILED_ONLY' | 'REJECT_DUPLICATE' =>
  again === 'always' ? 'ALLOW_DUPLICATE' : again ? 'ALLOW_DUPLICATE_FAILED_ONLY' : 'REJECT_DUPLICATE';

/** As Temporal's client takes it. An entity has one workflow in its life: who starts it a second time finds the first. */
export const startOptions = <A>(
  { ref, args, summary, again, patienceMs: _, ...shown }: Start<A>,
  taskQueue: string,
) => ({
  workflowId: workflowId(ref.kind, ref.tenantId, ref.id),
  taskQueue,
  args,
  workflowIdConflictPolicy: 'USE_EXISTING' as const,
  workflowIdReusePolicy: reusePolicy(again),
  workflowTaskTimeout,
  staticSummary: summary.slice(0, 200),
  typedSearchAttributes: attributes(ref.kind, { tenantId: ref.tenantId, ...shown }),
});

/** Of a gate whose row stands. `run` is told of its moves. */
export const gateStart = (gate: Gate, run: { id: string } | null): Start<Parameters<typeof approvalGate>> => ({
  ref: { kind: 'approvalGate', tenantId: gate.tenantId, id: gate.id },
  args: [{ gate, tell: run ? [workflowId('agentRun', gate.tenantId, run.id)] : [] }],
  summary: `${gate.action} ${gate.target}`,
  status: null,
  ticketId: gate.ticketId,
  agentId: gate.agentId,
});

/** Of access that a reviewed workflow grants. */
export const preapprovedStart = (input: PreapprovedInput): Start<Parameters<typeof accessRequest>> => ({
  ref: { kind: 'accessRequest', tenantId: input.access.tenantId, id: input.access.id },
  args: [input],
  summary: `${input.access.permission} on ${input.access.resource}`,
  status: input.access.status,
  ticketId: input.access.ticketId,
  agentId: input.access.agentId,
});

/** Of a postmortem that a model is to write. One whose workflow was terminated is written when it is asked for again. */
export const synthesisStart = (
  { tenantId, id, number, ticketId }: Pick<Postmortem, 'tenantId' | 'id' | 'number' | 'ticketId'>,
  agents: string,
): Start<Parameters<typeof postmortemSynthesis>> => ({
  ref: { kind: 'postmortemSynthesis', tenantId, id },
  args: [{ tenantId, postmortemId: id, agents }],
  summary: `Postmortem ${number}`,
  status: 'pending',
  ticketId,
  agentId: null,
  again: true,
});

/** Of a message to a group about a change. */
export const notifyGateStart = (notice: GateNoticeInput, event: string): Start<Parameters<typeof notifyGate>> => ({
  ref: { kind: 'notifyGate', tenantId: notice.tenantId, id: notice.noticeId },
  args: [notice],
  summary: event,
  status: null,
  ticketId: null,
  agentId: null,
});

/** Of a ticket that is to be looked after at its provider; whenever nothing is left to do, its workflow ends. */
export const ticketSyncStart = (sync: TicketSync): Start<Parameters<typeof ticketSync>> => ({
  ref: { kind: 'ticketSync', tenantId: sync.tenantId, id: sync.ticketId },
  args: [sync],
  summary: sync.ref ? `${sync.ref.ticketClass} ${sync.ref.key}` : 'Ticket and its provider',
  status: null,
  ticketId: sync.ticketId,
  agentId: null,
  again: 'always',
});

/** Of all tickets of a tenant's provider; one at a time. */
export const providerSyncStart = (
  sync: ProviderSync & { tenantId: string },
): Start<Parameters<typeof providerSync>> => ({
  ref: { kind: 'providerSync', tenantId: sync.tenantId, id: sync.provider },
  args: [sync],
  summary: `Tickets of ${sync.provider}`,
  status: null,
  ticketId: null,
  agentId: null,
  again: 'always',
  patienceMs: 60_000,
});

/** Of a look that somebody asked for: a repeat finds what it came to. */
export const toolLooksStart = (
  look: ToolLooks & { tenantId: string; asked: string },
): Start<Parameters<typeof toolLooks>> => ({
  ref: { kind: 'toolLooks', tenantId: look.tenantId, id: look.asked },
  args: [look],
  summary: look.toolId === null ? 'All tools' : 'One tool',
  status: null,
  ticketId: null,
  agentId: null,
  again: 'always',
  patienceMs: 30_000,
});
