import type { ExecutionRow } from '../../../db/executions';
import type { Trace } from '../../../db/traces';
import type { PlannerDecision } from '../../../domain/findings';
import { subjectOf } from '../../../domain/investigation';
import type { TraceDocument, TraceStep } from '../../../domain/trace';

const kindOf = { plan: 'plan', weigh: 'weigh', narrative: 'conclude' } as const satisfies Record<
  PlannerDecision['phase'],
  TraceStep['kind']
>;
const titles: Record<PlannerDecision['phase'], string> = {
  plan: 'What to look at',
  weigh: 'What it comes to',
  narrative: 'How it is told',
};

const nothing = { parent: null, by: null, why: null, state: 'ok', input: null, output: null, decision: null, prompt: null, answer: null, digest: null, error: null } as const; // prettier-ignore

/** A decision, and below it the question to the model, where one was asked: its time is the decision's. */
function decided(d: PlannerDecision): TraceStep[] {
  const { id, startedAt, durationMs, prompt, answer } = d;
  const of = { ...nothing, startedAt, durationMs };
  const own: TraceStep = {
    ...of,
    id,
    kind: kindOf[d.phase],
    title: titles[d.phase],
    by: d.decidedBy,
    why: d.reason,
    decision: d.decision,
  };
  if (prompt === null) return [own];
  const title = d.model ?? 'model';
  const state = d.decidedBy === 'fallback' ? 'failed' : 'ok';
  return [own, { ...of, id: `${id}/model`, parent: id, kind: 'model', title, by: d.model, state, prompt, answer }];
}

const stateOf = (e: ExecutionRow): TraceStep['state'] => {
  if (e.error !== null || e.decision === 'error') return 'failed';
  return e.decision === 'allow' || e.decision === 'monitor' ? 'ok' : 'refused';
};

const called = (e: ExecutionRow, parent: string | null): TraceStep => ({
  ...nothing,
  id: e.id,
  parent,
  kind: 'tool',
  title: e.tool,
  by: e.tool,
  why: e.why,
  state: stateOf(e),
  startedAt: e.startedAt,
  durationMs: e.durationMs,
  input: e.args,
  output: e.result,
  decision: { decision: e.decision, risk: e.risk, reasons: e.reasons, findings: e.findings, stages: e.stages },
  digest: e.resultDigest,
  error: e.error,
});

/** What was recorded of an investigation, as its page shows it: calls stand below the plan that they follow from. */
export function traceDocument(t: Trace): TraceDocument {
  const { investigation: it } = t;
  const { summary, limits } = it.conclusion ?? {};
  const plan = t.decisions.find(({ phase }) => phase === 'plan')?.id ?? null;
  const steps = [...t.decisions.flatMap(decided), ...t.executions.map((e) => called(e, plan))];
  return {
    id: it.id,
    subject: subjectOf(it),
    mode: it.mode,
    status: it.status,
    attempt: it.attempt,
    severity: it.severity,
    confidence: it.confidence,
    startedAt: it.createdAt,
    finishedAt: it.finishedAt,
    summary: typeof summary === 'string' ? summary : null,
    error: it.error,
    limits: Array.isArray(limits) ? limits.filter((l): l is string => typeof l === 'string') : [],
    moves: t.moves.map(({ at, kind, actor, reason }) => ({ at, what: kind, by: actor, reason })),
    // What began at the same time stays in its order: a decision before its calls.
    steps: steps.toSorted((a, b) => Date.parse(a.startedAt) - Date.parse(b.startedAt)),
    evidence: t.evidence.map((e) => ({ id: e.id, kind: e.tool, digest: e.resultDigest ?? '' })),
    insights: t.insights.map((i) => ({
      id: i.id,
      type: i.insightType,
      severity: i.severity,
      summary: i.summary,
      confidence: i.confidence,
      evidence: i.evidence,
    })),
    recommendations: t.recommendations.map((r) => ({
      id: r.id,
      type: r.type,
      title: r.title,
      impact: r.impact,
      severity: r.severity,
      status: r.status,
      evidence: r.evidence,
      decidedBy: r.decidedBy?.name ?? null,
      decidedAt: r.decidedAt,
      comment: r.comment,
    })),
    ruleDraft: t.ruleDraft,
  };
}
