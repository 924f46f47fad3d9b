import { ledger } from '../../db/executions';
import { plannerDecisions } from '../../db/insights';
import type { Read } from '../../db/tx';
import type { Phase, PlannerDecision } from '../../domain/findings';
import type { Seen } from '../../domain/investigator/verdict';

/** What an investigation of a transaction has decided and seen so far, from rows alone. */
export interface Case {
  decided: ReadonlyMap<Phase, PlannerDecision>;
  seen: Seen[];
  /** The next free step of the ledger. */
  step: number;
}

export async function caseOf(tx: Read, investigationId: string): Promise<Case> {
  const [decisions, steps] = await Promise.all([
    plannerDecisions.list(tx, 'where investigation_id = $1', [investigationId]),
    ledger(tx, investigationId),
  ]);
  return {
    decided: new Map(decisions.map((d) => [d.phase, d])),
    seen: steps.map(({ id, tool, decision, resultDigest, result }) => ({
      id,
      tool,
      decision,
      digest: resultDigest,
      result,
    })),
    step: (steps.at(-1)?.step ?? -1) + 1,
  };
}
