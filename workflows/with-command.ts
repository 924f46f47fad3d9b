import { condition, proxyActivities, sleep } from '@temporalio/workflow';
import type { Activities } from '../activities';
import type { Run, RunEvent } from '../domain/run';
import { carriedOut } from './approval-gate';
import { workflowId } from './ids';
import { rows, tell } from './kit';

/** How a run ends whose command has nothing more to do. stopped: somebody ended it from outside. */
export type CommandEnd =
  { kind: 'finish'; summary: string } | { kind: 'fail'; error: string } | { kind: 'fenced'; reason: string };

interface Around {
  run: Pick<Run, 'id' | 'tenantId' | 'runtime'>;
  /** Where commands are waited for. */
  queue: string;
  next: <T>(work: () => Promise<T>) => Promise<T>;
  move: (event: RunEvent, transition: string) => Promise<unknown>;
  /** Grows with everything that a run that waits may have waited for. */
  news: () => number;
}

/** After trouble of its model's a command is called again so often; then its run fails. */
const retries = 3;
/** Whoever is called as often does not come to an end. */
const mostLaunches = 50;

/**
 * Stays with the command of a run, launch after launch: it ends when it waits for people, and is called again when that is
 * over; trouble that passes is waited out.
 */
export async function withCommand({ run, queue, next, move, news }: Around): Promise<CommandEnd> {
  const { tenantId, id: runId, runtime } = run;
  const wanted = runtime && {
    timeoutMinutes: runtime.timeout_minutes,
    effort: runtime.reasoning_effort,
    fast: runtime.fast_mode,
  };
  // As long as a command may run: its supervisor knows how long that is, and a worker that died is noticed by its heartbeat.
  const { attendCommand } = proxyActivities<Activities>({
    taskQueue: queue,
    startToCloseTimeout: '30 days',
    heartbeatTimeout: '10 seconds',
    retry: { initialInterval: '1 second', maximumInterval: '10 seconds' },
  });
  let tried = 0;
  for (let launch = 1; launch <= mostLaunches; launch += 1) {
    const ref = { tenantId, runId, launch };
    const done = await attendCommand({ ...ref, ...wanted });
    switch (done?.is) {
      case undefined:
      case 'stopped':
        return { kind: 'fenced', reason: done?.why ?? 'its command was ended' };
      case 'failed':
        return { kind: 'fail', error: done.error };
      case 'finished': {
        const gates = await next(() => rows.approvedByCommand(ref));
        for (const g of gates) await tell(workflowId('approvalGate', tenantId, g.gateId), carriedOut, g.completion);
        return { kind: 'finish', summary: done.result };
      }
      case 'again':
        tried += 1;
        if (tried > retries) return { kind: 'fail', error: `${done.why} (${retries} more attempts met the same)` };
        await sleep(done.afterMs);
        break;
      case 'waiting': {
        tried = 0;
        await move({ type: 'wait', for: done.for }, `wait:${launch}`);
        for (;;) {
          const heard = news();
          if (!(await next(() => rows.commandWaits({ ...ref, for: done.for })))) break;
          await condition(() => news() !== heard);
        }
        await move({ type: 'start' }, `resume:${launch}`);
      }
    }
  }
  return { kind: 'fail', error: `its command was called ${mostLaunches} times and came to no end` };
}
