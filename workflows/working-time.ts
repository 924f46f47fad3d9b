import { CancellationScope, isCancellation } from '@temporalio/workflow';
import { overTime } from '../domain/remote-task';

export interface WorkingTime {
  /** Does the work, or cancels it when the time is over. @throws Error when it is */
  spend<T>(work: () => Promise<T>): Promise<T>;
  /** Milliseconds that were spent. */
  readonly spent: number;
}

/** A run works for so many minutes and no longer, 0: as long as it likes. What people take to decide does not count. */
export function workingTime(minutes: number, before = 0): WorkingTime {
  let spent = before;
  return {
    get spent() {
      return spent;
    },
    async spend(work) {
      if (minutes === 0) return work();
      const outer = CancellationScope.current();
      const from = Date.now();
      const scope = new CancellationScope({ cancellable: true, timeout: Math.max(1, minutes * 60_000 - spent) });
      try {
        return await scope.run(work);
      } catch (e) {
        if (isCancellation(e) && !outer.consideredCancelled) throw new Error(overTime(Math.round(minutes * 60_000)));
        throw e;
      } finally {
        spent += Date.now() - from;
      }
    },
  };
}
