import type { GateView } from '../../../db/changes';
import { workflowId } from '../../../workflows/ids';
import type { Ctx } from '../../kernel';

// The domain as this door's wire has it.

export const changeStatusView = (g: GateView) => ({
  id: g.number,
  status: g.status,
  approved_by: g.decidedBy?.name ?? null,
  approved_at: g.decidedAt,
  rejected_reason: g.status === 'rejected' ? g.decisionReason : null,
  result: g.result,
  action: g.action,
  target: g.target,
  risk_level: g.riskLevel,
  requested_at: g.requestedAt,
  expires_at: g.expiresAt,
});

export const changeView = (ctx: Ctx, g: GateView) => ({
  ...changeStatusView(g),
  agent_id: g.runNumber,
  ticket_id: g.ticketNumber,
  reason: g.reason,
  command: g.command,
  approval_policy: g.approvalPolicy,
  digest: g.digest,
  requested_by: g.requestedBy.name,
  on_behalf_of: g.onBehalfOf?.name ?? null,
  workflow_id: workflowId('approvalGate', g.tenantId, g.id),
  workflow_url: ctx.kernel.temporal.link({ kind: 'approvalGate', tenantId: g.tenantId, id: g.id }),
});
