import type { KillSwitch } from '../../../db/kill-switch';
import { attackOf } from '../../../domain/attack';
import type { Gate } from '../../../domain/gate';
import type { Call, Execution } from '../../../pipeline/call';
import type { ExecuteAnswer } from '../../contracts/aegis/execution';

/** What is said of a call beside what was recorded of it. */
export interface Beside {
  /** What people are to decide. */
  gate: Gate | null;
  killSwitch: KillSwitch | null;
}
interface Answered {
  status: number;
  body: ExecuteAnswer;
  retryAfterS: number | null;
}

/** Six digits of a second, as verifiers sort them. */
const micro = (iso: string): string => new Date(iso).toISOString().replace(/Z$/, '000+00:00');

/** Bands of the inherent risk. */
const tiers: readonly (readonly [from: number, tier: string])[] = [
  [95, 'quarantine'],
  [70, 'deny'],
  [40, 'escalate'],
  [20, 'monitor'],
  [0, 'allow'],
];
const tierOf = (score: number): string => tiers.find(([from]) => score >= from)?.[1] ?? 'allow';

/** A tool that said no, as this door answers that; anything else of a tool is 502. */
const ofTools: Record<string, number> = { Invalid: 422, NotFound: 404, Conflict: 409, Forbidden: 403, TooLarge: 413 };

function decided(call: Call, requestId: string, e: Execution) {
  const removed = e.reasons.some((r) => r.code === 'secret_removed' || r.code === 'text_withheld');
  return {
    action: removed && (e.decision === 'allow' || e.decision === 'monitor') ? ('redact' as const) : e.decision,
    risk: e.risk,
    risk_score: e.assessment?.riskScore ?? Math.round(e.risk * 100),
    confidence: e.assessment?.confidence ?? 1,
    findings: e.findings,
    reasons: e.findings,
    signals: e.assessment?.signals ?? {},
    tool: e.tool,
    agent_id: call.agentId,
    tenant_id: call.tenantId,
    request_id: requestId,
    audit_id: e.id,
    execution_id: e.id,
    executed_at: micro(e.startedAt),
  };
}

interface Refusal {
  status: number;
  error: string;
  code: string;
  category?: string;
  data?: Record<string, unknown>;
  top?: Record<string, unknown>;
  meta?: Record<string, unknown>;
  retryAfterS?: number;
}

/** One row a kind of refusal: the first that fits says what it is to the caller. */
function refusalOf(call: Call, e: Execution, { gate, killSwitch }: Beside): Refusal {
  const [reason] = e.reasons;
  const code = reason?.code ?? 'denied';
  if (code === 'kill_switch_engaged') {
    const data = {
      engaged_at: killSwitch?.changedAt ?? null,
      engaged_by: killSwitch?.changedBy.name ?? null,
      reason: killSwitch?.reason ?? null,
    };
    return { status: 403, error: 'kill_switch_engaged', code, data };
  }
  if (code === 'agent_quarantined') return { status: 403, error: `agent_quarantined: ${reason?.message ?? ''}`, code };
  if (code === 'decision_timeout') {
    return {
      status: 504, error: 'decision_timeout', code, category: 'timeout',
      data: { deadline_seconds: 1.5 }, top: { detail: reason?.message ?? '' },
    }; // prettier-ignore
  }
  if (code === 'invalid_arguments') {
    const message = reason?.message ?? '';
    const [, field = 'arguments', msg = message] = /^([^:]*): ([\s\S]*)$/.exec(message) ?? [];
    const loc = field === 'arguments' ? ['body', 'arguments'] : ['body', 'arguments', ...field.split('.')];
    return {
      status: 422, error: 'Validation failed', code: 'invalid', meta: { details: [{ type: 'invalid', loc, msg, input: null }] },
    }; // prettier-ignore
  }
  if (e.decision === 'error')
    return { status: ofTools[code] ?? 502, error: e.error ?? 'the tool failed', code: 'tool_failed' };
  if (e.decision === 'throttle') {
    // By the clock of the limit; what its risk throttles may be asked for again in the next window.
    const ms = reason?.retryAfterMs ?? 60_000;
    const about = {
      limit_type: code === 'rate_limited' ? 'tenant_rps' : 'inference_cost',
      reset_at: new Date(Date.now() + ms).toISOString(),
    };
    const retryAfterS = Math.max(1, Math.ceil(ms / 1000));
    return {
      status: 429, error: 'rate_limited', code: 'rate_limited', category: 'quota', data: about, top: about,
      meta: { retry_after_s: retryAfterS }, retryAfterS,
    }; // prettier-ignore
  }
  if (e.decision === 'escalate') {
    return {
      status: 403, error: 'approval_required', code: 'approval_required', category: 'escalation',
      data: { approval_id: gate?.id, change_id: gate?.number },
      meta: { approval_id: gate?.id, change_id: gate?.number },
      top: {
        detail: `people decide on change ${gate?.number ?? '?'}: once it is approved, ask again with X-Aegis-Approval-ID: ${gate?.id ?? '?'}`,
      },
    }; // prettier-ignore
  }
  // Whatever else was found in the part that was read.
  if (e.findings.includes('oversized_input'))
    return { status: 413, error: 'arguments: more than 5000 characters', code: 'too_large' };
  return {
    status: 403, error: 'policy_denied', code: 'policy_denied', data: { action: e.decision === 'kill' ? 'kill' : 'deny' },
  }; // prettier-ignore
}

/** Findings, policy and score, where something weighed the call. */
function weighed(e: Execution): Record<string, unknown> {
  const { assessment: a } = e;
  if (!a) return {};
  const about = {
    tier: tierOf(a.riskScore),
    findings: e.findings,
    policy_id: a.policyId,
    risk_score: a.riskScore,
  };
  const objective = e.reasons[0]?.code ?? e.decision;
  return {
    policy_id: a.policyId,
    risk_score: a.riskScore,
    security: about,
    governance: about,
    ...(a.technique !== null && { mitre: attackOf(a.technique, a.riskScore, objective) }),
  };
}

/** The answer to a call: 200 where it was carried out, else the refusal, with why. */
export function answerOf(call: Call & { requestId: string }, e: Execution, beside: Beside): Answered {
  const { requestId } = call;
  const data = decided(call, requestId, e);
  const meta = { request_id: requestId, stages: e.stages, duration_ms: e.durationMs };
  if (e.decision === 'allow' || e.decision === 'monitor') {
    const body = { success: true as const, data: { ...data, result: e.result ?? null }, error: null, meta };
    return { status: 200, body, retryAfterS: null };
  }
  const r = refusalOf(call, e, beside);
  const [reason] = e.reasons;
  const body = {
    success: false as const,
    data: { ...data, result: null, rule_id: reason?.code, score: e.risk, ...r.data },
    error: r.error,
    meta: { ...meta, code: r.code, ...(r.category !== undefined && { category: r.category }), ...r.meta },
    ...(e.findings.length > 0 && { findings: e.findings }),
    ...(reason && { reason: reason.code, explanation: `${e.tool}: ${e.decision}, because ${reason.message}` }),
    ...weighed(e),
    ...r.top,
  };
  return { status: r.status, body, retryAfterS: r.retryAfterS ?? null };
}
