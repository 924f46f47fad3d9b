import { combine } from '../../pipeline/screening';
import { RISK_WEIGHTS } from '../../domain/risk';
import { compositeRisk } from '../../pipeline/screening/risk';
import { SIGNALS } from '../../pipeline/screening/signals';

describe('composite risk', () => {
  const none = { inference: 0, behavior: 0, anomaly: 0, cost: 0, cross_agent: 0 };
  const quiet = { policy: 'allow', adjustment: 0, responses: [] } as const;

  test('the weights sum to one, every signal is within its scale', () => {
    expect(Object.values<number>(RISK_WEIGHTS).reduce((a, b) => a + b)).toBeCloseTo(1, 3);
    for (const { score } of Object.values(SIGNALS)) expect(score >= 0 && score <= 100).toBe(true);
  });

  test.each([
    [{ ...none }, quiet, 0, 'allow'],
    [{ ...none, behavior: 0.79, inference: 0.2 }, quiet, 0.307, 'monitor'],
    [{ ...none, behavior: 0.79, inference: 0.79 }, quiet, 0.5135, 'throttle'],
    [{ ...none, inference: 0.8 }, quiet, 0.6, 'throttle'],
    [{ inference: 0.79, behavior: 0.79, anomaly: 0.79, cost: 0.79, cross_agent: 0.79 }, quiet, 0.79, 'escalate'],
    [{ ...none, anomaly: 0.95 }, quiet, 0.95, 'kill'],
    [{ ...none }, { ...quiet, adjustment: 5 }, 0.3, 'monitor'],
    [{ ...none, inference: 0.5 }, { ...quiet, adjustment: -5 }, 0, 'allow'],
    [{ ...none }, { ...quiet, policy: 'deny' as const }, 0.7, 'deny'],
    [{ ...none }, { ...quiet, policy: 'escalate' as const }, 0, 'escalate'],
    [{ ...none, inference: 0.6 }, { ...quiet, responses: ['escalate' as const] }, 0.21, 'escalate'],
    [{ ...none, inference: 0.75 }, { ...quiet, responses: ['monitor' as const, 'deny' as const] }, 0.2625, 'deny'],
    [{ ...none, inference: 1 }, { ...quiet, responses: ['quarantine' as const] }, 0.95, 'kill'],
    [{ ...none, cost: Number.NaN }, quiet, 0.95, 'kill'],
  ])('%j with %j is %d: %s', (scores, influence, risk, decision) => {
    const composite = compositeRisk(scores, influence);
    expect(composite.risk).toBeCloseTo(risk, 6);
    expect(composite.decision).toBe(decision);
  });

  test('components over their thresholds are named, and so is what the policy said', () => {
    expect(compositeRisk({ ...none, behavior: 0.6, cost: 0.5 }, { ...quiet, policy: 'deny' }).findings).toEqual([
      'policy_deny',
      'anomalous_behavior_detected',
      'autonomy_max_cost_exceeded',
    ]);
    expect(combine({ risk: 0, signals: [] }, { decision: 'escalate' })).toEqual({
      risk: 0,
      decision: 'escalate',
      findings: ['approval_required'],
    });
  });
});
