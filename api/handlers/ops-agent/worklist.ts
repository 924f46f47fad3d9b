import { movedBy } from '../../../db/changes';
import { recommendations } from '../../../db/insights';
import { decideRecommendation } from '../../../db/worklist';
import { Conflict, NotFound } from '../../../domain/errors';
import type { Recommendation } from '../../../domain/findings';
import type { Ctx } from '../../kernel';

/**
 * Decides a recommendation, once: of two at the same time the row knows one. A repeat with the same Idempotency-Key finds
 * its own decision.
 * @throws NotFound, Conflict
 */
export function decide(
  ctx: Ctx,
  id: string,
  { action, comment }: { action: 'ACKNOWLEDGED' | 'REJECTED'; comment: string | null },
): Promise<Recommendation> {
  const transition = `decide:${ctx.newId(`decide:${id}`)}`;
  return ctx.write(async (tx) => {
    const decided = await decideRecommendation(tx, id, { status: action, by: ctx.actor, comment });
    if (!decided) {
      const row = await recommendations.byId(tx, id);
      if (!row) throw new NotFound(`no recommendation ${id}`);
      if (ctx.repeatable && (await movedBy(tx, id, transition))) return row;
      throw new Conflict(`the recommendation is ${row.status} already, by ${row.decidedBy?.name}`, {
        status: row.status,
      });
    }
    tx.log({
      kind: action === 'ACKNOWLEDGED' ? 'recommendation.acknowledged' : 'recommendation.rejected',
      actor: ctx.actor,
      subject: { kind: 'recommendation', id },
      version: 2,
      transition,
      body: {
        investigation_id: decided.investigationId,
        transaction_id: decided.transactionId,
        severity: decided.severity,
        title: decided.title,
        comment,
      },
    });
    return decided;
  });
}
