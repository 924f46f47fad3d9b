import type { Entry } from '../../../domain/log';
import { actionOf } from '../../../log/chain';

/** What a browser's feed calls an entry; everything else has the audit log's word for it. */
const types: Record<string, string> = {
  'gate.requested': 'approval_required',
  'gate.approved': 'approval_resolved',
  'gate.rejected': 'approval_resolved',
  'gate.expired': 'approval_resolved',
  'kill_switch.engaged': 'kill_switch',
  'kill_switch.disengaged': 'kill_switch',
  'api_key.revoked': 'key_revoked',
};

const carriedOut = new Set(['execution.allow', 'execution.monitor']);

export const typeOf = (kind: string): string =>
  types[kind] ??
  (carriedOut.has(kind) ? 'tool_executed' : kind.startsWith('execution.') ? 'policy_decision' : actionOf(kind));

const first = (list: unknown, n: number): unknown[] => (Array.isArray(list) ? list.slice(0, n) : []);

function dataOf(e: Entry): Record<string, unknown> {
  const common = { agent_id: e.agentId, tool: e.tool, request_id: e.requestId, reason: e.reason };
  const { risk_score: risk, findings, reasons } = e.body;
  switch (typeOf(e.kind)) {
    case 'tool_executed':
      return { ...common, action: e.decision, risk, signals: findings ?? [], reasons: first(reasons, 3) };
    case 'policy_decision':
      return {
        ...common,
        decision: e.decision,
        risk,
        findings: first(findings, 5),
        reasons: first(reasons, 3),
        policy_id: null,
      };
    case 'approval_required':
      return {
        ...common,
        ...e.body,
        event_type: e.kind,
        target_kind: e.subjectKind,
        target_id: e.subjectId,
        actor: e.actor.name,
      };
    case 'approval_resolved':
      return {
        ...common, ...e.body, event_type: e.kind, target_kind: e.subjectKind, target_id: e.subjectId, actor: e.actor.name,
        actor_role: e.actor.kind,
      }; // prettier-ignore
    case 'kill_switch':
      return {
        tenant_id: e.tenantId,
        engaged: e.body['engaged'],
        tenant_wide: true,
        reason: e.reason,
        actor: e.actor.name,
      };
    default:
      return {
        ...common,
        ...e.body,
        decision: e.decision,
        actor: e.actor.name,
        subject: { kind: e.subjectKind, id: e.subjectId },
      };
  }
}

/** One entry as the feed sends it: unnamed, with its place in the log as id, and everything a reader needs inside. */
export const frameOf = (e: Entry): string => {
  const event = {
    tenant_id: e.tenantId,
    type: typeOf(e.kind),
    data: { ...dataOf(e), audit_id: e.id, ticket_id: e.ticketId, run_id: e.runId },
    ts: Date.parse(e.at) / 1000,
  };
  return `id: ${e.seq}\ndata: ${JSON.stringify(event)}\n\n`;
};

export const named = (
  event: 'connected' | 'heartbeat' | 'auth_expired',
  data: Record<string, unknown>,
  id?: number,
): string => `event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;
