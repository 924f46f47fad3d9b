import type { Insight, PlannerDecision, Recommendation, RuleDraft } from '../domain/findings';
import type { Investigation } from '../domain/investigation';
import { ledger, type ExecutionRow } from './executions';
import { insights, plannerDecisions, recommendations, ruleDrafts } from './insights';
import { investigations } from './investigations';
import type { Read } from './tx';

/** A move of the investigation itself, as the log has it. */
export interface Move {
  seq: number;
  /** ISO 8601 */
  at: string;
  /** investigation.begun and its like */
  kind: string;
  actor: string;
  reason: string | null;
}

/** Everything that an investigation recorded. Texts are as they came: whoever shows them escapes them. */
export interface Trace {
  investigation: Investigation;
  /** In the order in which they happened. */
  moves: Move[];
  /** Prompt and answer where a model was asked. */
  decisions: PlannerDecision[];
  /** Steps in order, with start, duration, input (`args`), output (`result`) and digests. */
  executions: ExecutionRow[];
  /** The executions that were carried out: what insights and recommendations cite by id. */
  evidence: ExecutionRow[];
  insights: Insight[];
  recommendations: Recommendation[];
  ruleDraft: RuleDraft | null;
}

const carriedOut = (e: ExecutionRow): boolean =>
  (e.decision === 'allow' || e.decision === 'monitor') && e.resultDigest !== null;

async function movesOf(tx: Read, id: string): Promise<Move[]> {
  const { rows } = await tx.query<{ seq: number; at: Date; kind: string; actor: string; reason: string | null }>(
    `select seq, at, kind, actor ->> 'name' as actor, reason from log where subject_id = $1 and version is not null order by seq`,
    [id],
  );
  return rows.map((r) => ({ ...r, at: r.at.toISOString() }));
}

/** Null when there is no such investigation. In one snapshot. */
export async function traceOf(tx: Read, id: string): Promise<Trace | null> {
  const its = 'where investigation_id = $1';
  const [investigation, moves, decisions, executions, found, advised, [ruleDraft]] = await Promise.all([
    investigations.byId(tx, id),
    movesOf(tx, id),
    plannerDecisions.list(tx, `${its} order by started_at, id`, [id]),
    ledger(tx, id),
    insights.list(tx, `${its} order by id`, [id]),
    recommendations.list(tx, `${its} order by priority desc, id`, [id]),
    ruleDrafts.list(tx, its, [id]),
  ]);
  if (!investigation) return null;
  return {
    investigation,
    moves,
    decisions,
    executions,
    evidence: executions.filter(carriedOut),
    insights: found,
    recommendations: advised,
    ruleDraft: ruleDraft ?? null,
  };
}
