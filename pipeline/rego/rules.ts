import type { RecordedDecision } from '../../db/recorded-decisions';
import type { Verdict } from './replay';

/** A rule as people put it together on a page: the first of which all conditions hold decides, else the call is allowed. */
export interface Rule {
  conditions: readonly {
    field: 'risk_score' | 'tool' | 'inference_risk' | 'behavior_risk' | 'anomaly_score';
    operator: 'gt' | 'gte' | 'lt' | 'lte' | 'eq' | 'neq';
    value: number | string;
  }[];
  action: string;
  description?: string | undefined;
}

type Condition = Rule['conditions'][number];

/** Of a call; null: its row does not have it, and the calls with it cannot be judged. */
function valueOf(event: RecordedDecision, field: Condition['field']): number | string | null {
  if (field === 'tool') return event.tool;
  if (field === 'risk_score') return event.risk;
  const screened = event.policy?.input['risk'];
  return field === 'inference_risk' && typeof screened === 'number' ? screened : null;
}

const compare: Record<Condition['operator'], (a: number | string, b: number | string) => boolean> = {
  gt: (a, b) => a > b,
  gte: (a, b) => a >= b,
  lt: (a, b) => a < b,
  lte: (a, b) => a <= b,
  eq: (a, b) => a === b,
  neq: (a, b) => a !== b,
};

export function judgeByRules(rules: readonly Rule[], event: RecordedDecision): Verdict | null {
  for (const { conditions, action, description } of rules) {
    const holds = conditions.map(({ field, operator, value }) => {
      const known = valueOf(event, field);
      return known === null ? null : typeof known === typeof value && compare[operator](known, value);
    });
    if (holds.includes(false)) continue;
    if (holds.includes(null)) return null;
    return { decision: action, reason: description ?? null };
  }
  return { decision: 'allow', reason: null };
}
