import type { Entry } from '../../../domain/log';
import { perOwner } from '../../../log/shared';
import { actionOf } from '../../../log/chain';

type Data = Record<string, unknown>;
/** One event that an entry is told as; `when`, of the entries of those kinds only these. */
interface Told {
  kinds: RegExp;
  type: string;
  when?: (e: Entry) => boolean;
  data: (e: Entry) => Data;
}

const first = (list: unknown, n: number): unknown[] => (Array.isArray(list) ? list.slice(0, n) : []);
const riskOf = (e: Entry): number => Number(e.body['risk_score'] ?? 0);
const about = (e: Entry): Data => ({ agent_id: e.agentId, tool: e.tool, request_id: e.requestId });
const weighed = (e: Entry): Data => ({ ...about(e), risk: riskOf(e) });
const subject = (e: Entry): Data => ({
  ...about(e),
  ...e.body,
  reason: e.reason,
  decision: e.decision,
  actor: e.actor.name,
  subject: { kind: e.subjectKind, id: e.subjectId },
});
const approval = (e: Entry): Data => ({
  ...about(e),
  ...e.body,
  contract_id: e.subjectId,
  risk_score: e.body['risk_score'] ?? null,
  event_type: e.kind,
  target_kind: e.subjectKind,
  target_id: e.subjectId,
  actor: e.actor.name,
  actor_role: e.actor.kind,
  reason: e.reason,
});

const saidOf = (e: Entry): Data => (e.body['said'] ?? {}) as Data;
const agent = (e: Entry): Data => ({
  ...subject(e),
  agent_id: e.subjectId,
  changed_fields: e.body['changed'] ?? Object.keys(saidOf(e)),
});
const quarantined = (status: unknown): boolean => String(status).toUpperCase() === 'QUARANTINED';
const movedTo = (e: Entry): 'in' | 'out' | null => {
  const { status } = saidOf(e);
  const was = quarantined(e.body['was']);
  if (typeof status !== 'string' || was === quarantined(status)) return null;
  return was ? 'out' : 'in';
};

/** What only the behaviour stage finds (pipeline/screening/behavior.ts). */
const habits = ['behavior_baseline_drift', 'attack_chain_match', 'cross_agent_kill_chain'];
const flagsOf = (e: Entry): unknown[] => first(e.body['findings'], 100).filter((f) => habits.includes(String(f)));

const carriedOut = /^execution\.(allow|monitor|redact)$/;
/** What the feed calls an entry: every line that fits is told, and an entry that none fits has the audit log's word for it. */
const table: readonly Told[] = [
  {
    kinds: carriedOut,
    type: 'tool_executed',
    data: (e) => ({
      ...weighed(e),
      action: e.decision,
      confidence: e.body['confidence'] ?? null,
      signals: e.body['signals'] ?? e.body['findings'] ?? [],
      reasons: first(e.body['reasons'], 3),
    }),
  },
  {
    kinds: /^execution\.(?!allow$|monitor$|redact$)/,
    type: 'policy_decision',
    data: (e) => ({
      ...weighed(e),
      decision: e.decision,
      reason: e.reason,
      findings: first(e.body['findings'], 5),
      reasons: e.body['reasons'] ?? [],
      policy_id: e.body['policy_id'] ?? null,
      status_code: e.decision === 'throttle' ? 429 : 403,
    }),
  },
  {
    kinds: /^execution\./,
    type: 'risk_updated',
    when: (e) => riskOf(e) > 0.5,
    data: (e) => ({ ...weighed(e), action: e.decision }),
  },
  {
    kinds: /^execution\./,
    type: 'behavior_flagged',
    when: (e) => flagsOf(e).length > 0,
    data: (e) => ({ ...about(e), flags: flagsOf(e), attack_chain: flagsOf(e).some((f) => f !== habits[0]) }),
  },
  { kinds: /^gate\.requested$/, type: 'approval_required', data: approval },
  { kinds: /^gate\.(approved|rejected|expired)$/, type: 'approval_resolved', data: approval },
  {
    kinds: /^kill_switch\.(dis)?engaged$/,
    type: 'kill_switch',
    data: (e) => ({
      tenant_id: e.tenantId,
      engaged: e.body['engaged'],
      tenant_wide: e.body['tenant_wide'] ?? true,
      reason: e.reason,
      actor: e.actor.name,
    }),
  },
  { kinds: /^incident\./, type: 'incident_updated', data: (e) => ({ ...subject(e), incident: { id: e.subjectId, ...e.body } }) },
  { kinds: /^agent\.registered$/, type: 'agent_created', data: agent },
  { kinds: /^agent\.deleted$/, type: 'agent_deleted', data: agent },
  { kinds: /^agent\.quarantined$/, type: 'agent_quarantined', data: agent },
  { kinds: /^agent\.quarantine_released$/, type: 'agent_quarantine_released', data: agent },
  { kinds: /^agent\.updated$/, type: 'agent_quarantined', when: (e) => movedTo(e) === 'in', data: agent },
  { kinds: /^agent\.updated$/, type: 'agent_quarantine_released', when: (e) => movedTo(e) === 'out', data: agent },
  { kinds: /^agent\.(updated|defined)$/, type: 'agent_changed', when: (e) => movedTo(e) === null, data: agent },
  { kinds: /^api_key\.revoked$/, type: 'key_revoked', data: subject },
  { kinds: /^quota\.warning$/, type: 'quota_warning', data: (e) => e.body },
]; // prettier-ignore

const frame = (e: Entry, type: string, data: Data, id: string): string => {
  const more = { audit_id: e.id, ticket_id: e.ticketId, run_id: e.runId };
  const event = { tenant_id: e.tenantId, type, data: { ...data, ...more }, ts: Date.parse(e.at) / 1000 };
  return `${id}data: ${JSON.stringify(event)}\n\n`;
};

/** By entry: whoever listens to a tenant in this process is sent the same text. */
const frames = perOwner((e: Entry): string => {
  const told = table.filter(({ kinds, when }) => kinds.test(e.kind) && (when?.(e) ?? true));
  const events = told.length ? told : [{ type: actionOf(e.kind), data: subject }];
  // Only the last names the place: a connection that is cut before it is told all of the entry again.
  return events
    .map(({ type, data }, i) => frame(e, type, data(e), i === events.length - 1 ? `id: ${e.seq}\n` : ''))
    .join('');
});

/** One entry as the feed sends it: unnamed events, the last with its place in the log as id, and everything a reader needs inside. */
export const frameOf: (e: Entry) => string = frames;

export const named = (
  event: 'connected' | 'heartbeat' | 'auth_expired' | 'dropped',
  data: Record<string, unknown>,
  id?: number,
): string => `event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;
