import { ParentClosePolicy, startChild } from '@temporalio/workflow';
import type { Proposal } from '../activities';
import { newGate, type Gate } from '../domain/gate';
import type { Run } from '../domain/run';
import { approvalGate } from './approval-gate';
import { workflowId } from './ids';
import { attributes, workflowTaskTimeout } from './kit';

/** Has people decide. The gate lives on without who asked, and `tell` hear of its moves. */
export const openGate = (gate: Gate, tell: string[]) =>
  startChild(approvalGate, {
    workflowId: workflowId('approvalGate', gate.tenantId, gate.id),
    args: [{ gate, tell }],
    workflowTaskTimeout,
    parentClosePolicy: ParentClosePolicy.ABANDON,
    staticSummary: `${gate.action} ${gate.target}`,
    typedSearchAttributes: attributes('approvalGate', { ...gate, status: null }),
  });

/** The gate of what a run proposes: sealed to the call by its digest. */
export const proposedGate = (run: Run, id: string, { action, target, reason, digest }: Proposal, at: string, ttlMs: number): Gate =>
  newGate(
    {
      id, tenantId: run.tenantId, ticketId: run.ticketId, runId: run.id, agentId: run.agentId, accessRequestId: null, action, target,
      reason, command: null, riskLevel: 'medium', approvalPolicy: { requires_human: true }, digest,
      requestedBy: { id: run.agentId, kind: 'agent', name: `agent-${run.number}` }, onBehalfOf: run.spawnedBy,
    },
    at,
    ttlMs,
  ); // prettier-ignore

/** Of a proposal that people did not approve. */
export const unpublished = ({ status, decidedBy, decisionReason }: Gate): string =>
  `not published: the change was ${status}${decidedBy ? ` by ${decidedBy.name}` : ''}${decisionReason ? `: ${decisionReason}` : ''}`;
