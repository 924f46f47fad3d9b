import type { Insight } from '../domain/findings';
import { InsightSchema, PlannerDecisionSchema, RecommendationSchema, RuleDraftSchema } from '../domain/findings.schema';
import { entity } from './entity';
import { executionsOf, type ExecutionRow } from './executions';
import type { Read } from './tx';

export const plannerDecisions = entity('planner_decisions', PlannerDecisionSchema, [], ['prompt']);
export const insights = entity('insights', InsightSchema, []);
export const recommendations = entity('recommendations', RecommendationSchema, []);
export const ruleDrafts = entity('rule_drafts', RuleDraftSchema, [], ['conditions']);

/** Newest first, each with the executions that it rests on. */
export async function insightsOf(
  tx: Read,
  transactionId: string,
  limit: number,
): Promise<{ insight: Insight; evidence: ExecutionRow[] }[]> {
  const found = await insights.list(tx, 'where transaction_id = $1 order by id desc limit $2', [transactionId, limit]);
  const observed = new Map(
    (
      await executionsOf(
        tx,
        found.flatMap((i) => i.evidence),
      )
    ).map((e) => [e.id, e]),
  );
  return found.map((insight) => ({ insight, evidence: insight.evidence.flatMap((id) => observed.get(id) ?? []) }));
}
