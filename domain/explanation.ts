/** What is on record about an entry, as far as it says why things went as they did. */
export interface Recorded {
  action: string;
  actor: string;
  tool: string | null;
  decision: string;
  reason: string | null;
  risk: number | null;
  findings: readonly string[];
  reasons: readonly { code: string; message: string }[];
  stages: readonly { stage: string; ms: number; outcome: string }[];
  /** The approval that the call brought. */
  approval: { status: string; by: string | null; at: string | null } | null;
}

const outcomes: Record<string, string> = {
  allow: 'was allowed',
  allow_approved: 'was allowed',
  redact: 'was allowed, with its result redacted',
  monitor: 'was allowed, and is watched',
  throttle: 'was put off',
  escalate: 'was held for a person to decide',
  deny: 'was refused',
  block: 'was refused',
  kill: 'was stopped',
  error: 'was carried out and failed',
};
const passed = new Set(['pass', 'allow', 'monitor', 'done', 'ok']);
/** Decisions that no stage stopped. */
const carriedOut = new Set(['allow', 'allow_approved', 'redact', 'monitor', 'error']);

/** Why, in one sentence, from what is on record and nothing else. */
export function explained(r: Recorded): string {
  if (r.action !== 'execute_tool')
    return `${r.action} by ${r.actor} was recorded with the decision ${r.decision}${r.reason === null ? '' : `: ${r.reason}`}.`;
  const outcome = outcomes[r.decision] ?? `came to ${r.decision}`;
  const stopped = carriedOut.has(r.decision) ? undefined : r.stages.find((s) => !passed.has(s.outcome));
  const at = stopped ? ` at the stage ${stopped.stage}` : '';
  const [first, ...others] = r.reasons;
  const more = others.length ? ` (and for ${others.map((o) => o.code).join(', ')})` : '';
  const unasked = r.findings.length ? 'no rule stopped it' : 'nothing spoke against it';
  const why = first ? `${first.message} [${first.code}]${more}` : (r.reason ?? unasked);
  const approval = r.approval
    ? `; it brought an approval that is ${r.approval.status}${r.approval.by === null ? '' : `, by ${r.approval.by}`}`
    : '';
  const risk = r.risk === null ? '' : `; its risk was ${r.risk}`;
  const found = r.findings.length ? `, found were ${r.findings.join(', ')}` : '';
  return `${r.tool ?? 'The call'} ${outcome}${at}: ${why}${approval}${risk}${found}.`;
}

/** The five steps that people know, and the stages that each is made of. */
const steps: readonly [step: string, stages: readonly string[]][] = [
  ['request', ['kill_switch', 'auth', 'rate_limit']],
  ['screening', ['inference_proxy']],
  ['policy', ['policy', 'behavior']],
  ['decision', ['decision', 'autonomy']],
  ['outcome', ['execution', 'output_filter', 'audit']],
];

export interface Step {
  step: string;
  /** When it began. */
  timestamp: string;
  /** What stopped the call there; `pass`, or `skipped` where it did not get. */
  outcome: string;
  duration_ms: number;
}

/** What became of a call, step by step, from when it began. */
export function timelineOf(startedAt: string, stages: Recorded['stages']): Step[] {
  let at = Date.parse(startedAt);
  return steps.map(([step, names]) => {
    const of = stages.filter((s) => names.includes(s.stage));
    const took = of.reduce((ms, s) => ms + s.ms, 0);
    const timestamp = new Date(at).toISOString();
    at += took;
    const outcome = of.length ? (of.find((s) => !passed.has(s.outcome))?.outcome ?? 'pass') : 'skipped';
    return { step, timestamp, outcome, duration_ms: Number(took.toFixed(3)) };
  });
}
