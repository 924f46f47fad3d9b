import { v5 } from 'uuid';
import { plannerDecisions } from '../../db/insights';
import type { Write } from '../../db/tx';
import type { PlannerDecision } from '../../domain/findings';
import type { Investigation } from '../../domain/investigation';
import { digestOf, sha256 } from '../../log/canonical';

export type Decided = Omit<PlannerDecision, 'id' | 'tenantId' | 'investigationId' | 'startedAt' | 'durationMs'> & {
  startedMs: number;
};

/** Writes a decision down, once a phase: what stands there counts. */
export async function writeDecision(tx: Write, it: Investigation, { startedMs, ...decided }: Decided): Promise<void> {
  const written = await plannerDecisions.insert(tx, {
    ...decided,
    id: v5(decided.phase, it.id),
    tenantId: it.tenantId,
    investigationId: it.id,
    startedAt: new Date(startedMs).toISOString(),
    durationMs: Date.now() - startedMs,
  });
  if (!written) return;
  const { phase, decidedBy, reason, model, prompt, answer } = written;
  tx.log({
    kind: 'investigation.decided',
    actor: { id: it.agentId, kind: 'agent', name: 'investigator' },
    subject: { kind: 'investigation', id: it.id },
    transition: `decided:${phase}`,
    ticketId: it.ticketId,
    agentId: it.agentId,
    reason,
    body: {
      phase,
      decided_by: decidedBy,
      model,
      decision_digest: digestOf(written.decision),
      prompt_digest: prompt && digestOf(prompt),
      answer_digest: answer === null ? null : sha256(answer),
    },
  });
}

/** A decision of the rules, or in place of a model that was of no use. */
export const byRules = (
  phase: PlannerDecision['phase'],
  reason: string,
  decision: Record<string, unknown>,
  decidedBy: 'rules' | 'fallback' = 'rules',
): Decided => ({
  phase, decidedBy, reason, decision, model: null, prompt: null, answer: null, startedMs: Date.now(),
}); // prettier-ignore
