import { activityInfo } from '@temporalio/activity';
import { deletePart, insertPart } from '../../db/promotions';
import { assertPromotable } from '../../domain/learning';
import type { PartName, PartOutcome } from '../../domain/promotion';
import { learn, makers } from '../../pipeline/learning/promotion/lesson';
import type { PromotionRequest } from '../../pipeline/learning/promotion/part';
import type { Deps } from '../deps';

export type { PromotionRequest } from '../../pipeline/learning/promotion/part';
export type { PartName, PartOutcome } from '../../domain/promotion';

/** The promotion that asks is the execution that calls: what it made, only it may take back. */
function thisPromotion(): string {
  const { workflowExecution } = activityInfo();
  if (!workflowExecution) throw new Error('a promotion is made by its workflow');
  return `${workflowExecution.workflowId}/${workflowExecution.runId}`;
}

export const learningActivities = ({ store }: Pick<Deps, 'store'>) => ({
  /** One part in one transaction; a part that is there already is found, whoever made it. @throws Conflict, NotFound */
  promotePart: (request: PromotionRequest, part: PartName): Promise<PartOutcome> =>
    store.write(request.tenantId, async (tx) => {
      const lesson = await learn(tx, request);
      const { postmortem } = lesson;
      assertPromotable(postmortem.status);
      const known = lesson.parts.find((p) => p.part === part);
      // Assets may have been made without closing the postmortem; to close it now is new.
      const closes = part === 'close' && request.markPromoted && postmortem.status === 'approved';
      if (known && !closes) return known.outcome;
      const made = await makers[part].make(tx, lesson);
      if (known) await deletePart(tx, postmortem.id, part);
      await insertPart(tx, postmortem.id, { part, ...made, promotion: thisPromotion() });
      return made.outcome;
    }),

  /** Takes back what this promotion made, and nothing that others wrote or only found; a repeat finds nothing to do. */
  unpromotePart: (request: PromotionRequest, part: PartName): Promise<void> =>
    store.write(request.tenantId, async (tx) => {
      const lesson = await learn(tx, request);
      const known = lesson.parts.find((p) => p.part === part);
      if (known?.promotion !== thisPromotion()) return;
      await makers[part].unmake(tx, lesson, known.undo);
      await deletePart(tx, lesson.postmortem.id, part);
    }),
});
