import { v7 } from 'uuid';
import { insights, recommendations, ruleDrafts } from '../../db/insights';
import type { Write } from '../../db/tx';
import { priorityOf } from '../../domain/findings';
import type { Investigation } from '../../domain/investigation';
import { told } from '../../domain/investigator/narrative';
import { NarrativeSchema } from '../../domain/investigator/narrative.schema';
import { cited, type Verdict } from '../../domain/investigator/verdict';
import { weigh } from '../../domain/investigator/weigh';
import { caseOf } from '../agents/case';
import { byRules, writeDecision } from '../agents/decide';

/** The rule's verdict, told by the narrator where there is one; nothing in it is without evidence. */
async function verdictOf(tx: Write, it: Investigation): Promise<Verdict> {
  const { seen, decided } = await caseOf(tx, it.id);
  const rule = weigh(seen);
  const narrative = decided.get('narrative');
  const spoken = narrative?.decidedBy === 'model' ? NarrativeSchema.parse(narrative.decision) : null;
  const verdict = spoken ? told(rule, spoken, seen) : rule;
  const statements = cited(verdict.statements, seen);
  const advice = cited(verdict.advice, seen);
  const dropped = statements.dropped + advice.dropped;
  const limits = dropped
    ? [...verdict.limits, `${dropped} statements cited no evidence, and were dropped.`]
    : verdict.limits;
  return { ...verdict, limits, statements: statements.kept, advice: advice.kept };
}

/**
 * What an investigation of a transaction comes to: its row, and how to write what it found once that row has moved, all in
 * the caller's transaction. One of a ticket has its report already.
 */
export async function conclude(
  tx: Write,
  it: Investigation,
): Promise<{ concluded: Investigation; insert: (() => Promise<void>) | null }> {
  const { transactionId } = it;
  if (transactionId === null) return { concluded: it, insert: null };
  const verdict = await verdictOf(tx, it);
  const { severity, confidence, inconclusive, summary, limits } = verdict;
  const of = { tenantId: it.tenantId, investigationId: it.id };
  const at = it.finishedAt ?? new Date().toISOString();
  const insert = async (): Promise<void> => {
    const { statements, advice, draft } = verdict;
    await writeDecision(
      tx,
      it,
      byRules('weigh', summary, { severity, confidence, inconclusive, statements: statements.length, limits }),
    );
    for (const { type, evidence, ...s } of statements) {
      const made = { ...of, ...s, id: v7(), transactionId, insightType: type, evidence, generatedAt: at };
      await insights.insert(tx, made);
    }
    for (const a of advice) {
      await recommendations.insert(tx, {
        ...of, ...a, id: v7(), transactionId, severity, priority: priorityOf(severity, confidence), status: 'OPEN', createdAt: at,
        decidedBy: null, decidedAt: null, comment: null,
      }); // prettier-ignore
    }
    if (draft) await ruleDrafts.insert(tx, { ...of, ...draft, id: v7(), createdAt: at });
  };
  return { concluded: { ...it, severity, confidence, conclusion: { summary, inconclusive, limits } }, insert };
}
