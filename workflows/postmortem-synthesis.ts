import {
  allHandlersFinished, CancellationScope, condition, defineUpdate, proxyActivities,
} from '@temporalio/workflow'; // prettier-ignore
import type { Activities } from '../activities';
import { byOwnRules, cancelledInTemporal, onUpdate, rows, show, wordsOf } from './kit';

export interface SynthesisInput {
  tenantId: string;
  postmortemId: string;
  /** Where models are asked. */
  agents: string;
}

/** Answers when the postmortem is written, by whomever. */
export const synthesised = defineUpdate<void>('synthesised');

/** A model that is busy gets about half a minute; then the rules' text stands. */
const attempts = 5;

/** Has a model write a postmortem that the rules have drafted; whatever comes in between, one of both stands at the end. */
export async function postmortemSynthesis({ agents, ...ref }: SynthesisInput): Promise<void> {
  let written = false;
  onUpdate(synthesised, () => condition(() => written));
  const model = proxyActivities<Activities>({
    taskQueue: agents,
    startToCloseTimeout: '12 minutes',
    scheduleToCloseTimeout: '1 hour',
    heartbeatTimeout: '10 seconds',
    retry: { initialInterval: '1 second', maximumInterval: '30 seconds', maximumAttempts: attempts },
  });
  const asking = new CancellationScope();
  await byOwnRules(
    async () => {
      show('pending', 'A model writes it');
      try {
        await asking.run(() => model.synthesiseWithModel({ ...ref, attempts }));
      } catch (e) {
        const reason = asking.consideredCancelled ? `the synthesis was ${cancelledInTemporal}` : wordsOf(e);
        await rows.synthesiseByRules({ ...ref, reason });
      }
      written = true;
      show('done', 'It is written');
      await condition(allHandlersFinished);
    },
    () => asking.cancel(),
  );
}
