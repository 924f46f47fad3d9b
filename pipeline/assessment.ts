import type { Assessment, Decision } from './call';
import type { State } from './stages';

/** Where the decision table begins another decision. */
const thresholds = [0.3, 0.5, 0.7, 0.9];
/** The width of its bands. */
const band = 0.2;

/** 1 where a rule decided; else half for any risk at all, and the more the further it is from the next threshold. */
function confidenceOf(risk: number, byRule: boolean): number {
  if (byRule) return 1;
  const nearest = Math.min(...thresholds.map((t) => Math.abs(t - risk)));
  return Math.round((0.5 + 0.5 * Math.min(1, nearest / band)) * 1000) / 1000;
}

/** Null for a call that was stopped before anything weighed it. */
export function assess(state: State, decision: Decision): Assessment | null {
  const { screening, policy } = state;
  const { reasons: _, ...measured } = state.behavior;
  const signals = { ...state.signals, ...measured };
  if (!screening) return null;
  const hard = screening.signals.some((s) => s.response === 'deny' || s.response === 'quarantine');
  const byPolicy = policy !== null && policy.decision !== 'allow';
  const [heaviest] = screening.signals;
  return {
    riskScore: screening.riskScore,
    confidence: confidenceOf(state.risk, hard || byPolicy || decision === 'error'),
    signals,
    policyId: hard && !byPolicy ? 'wheelhouse.screening' : (policy?.policyId ?? 'wheelhouse.screening'),
    policyVersion: policy?.version ?? '',
    technique: heaviest?.technique ?? null,
  };
}
