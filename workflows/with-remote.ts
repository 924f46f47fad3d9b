import { condition } from '@temporalio/workflow';
import { onSignal, rows, textOf } from './kit';
import { throughLaunches, type Around, type LaunchEnd } from './launches';
import { taskMoved } from './messages';
import type { Carried } from './run-input';

/**
 * Offers the work of a run to agents elsewhere, and waits until one of them says what came of it: once for each time that it
 * waits for people. Who holds it, for how long, and what they say is in the row; a message only has it looked at.
 * `renewing`: its history is long enough, and another workflow is to go on.
 */
export function withRemote(
  around: Around,
  from: Pick<Carried, 'launch' | 'tried'>,
  renewing: () => boolean,
): Promise<LaunchEnd> {
  const { tenantId, id: runId } = around.run;
  let told = 0;
  onSignal(
    taskMoved,
    (raw) => (textOf(raw.id) ? { id: textOf(raw.id) ?? '' } : null),
    () => void (told += 1),
  );
  const call = async (offer: number) => {
    for (;;) {
      const heard = told;
      const outcome = await around.next(() => rows.offerTask({ tenantId, runId, offer }));
      if (outcome) return outcome;
      await condition(() => told !== heard || renewing());
      if (renewing()) return 'renew';
    }
  };
  return throughLaunches(around, call, from);
}
