import { condition, sleep } from '@temporalio/workflow';
import type { CommandOutcome } from '../domain/agent-process';
import type { Run, RunEvent } from '../domain/run';
import { carriedOut } from './approval-gate';
import { workflowId } from './ids';
import { rows, tell } from './kit';
import type { Carried } from './run-input';

/** How a run ends whose agent has nothing more to do. fenced: somebody ended it from outside. renew: it goes on in another workflow. */
export type LaunchEnd =
  | { kind: 'finish'; summary: string }
  | { kind: 'fail'; error: string }
  | { kind: 'fenced'; reason: string }
  | { kind: 'renew'; launch: number; tried: number };

/** A run whose agent is called so works outside of its workflow. */
export interface Elsewhere {
  kind: 'attend' | 'offer';
}

export interface Around {
  run: Pick<Run, 'id' | 'tenantId' | 'runtime'>;
  next: <T>(work: () => Promise<T>) => Promise<T>;
  move: (event: RunEvent, transition: string) => Promise<unknown>;
  /** Grows with everything that a run that waits may have waited for. */
  news: () => number;
}

/** After trouble that passes an agent is called again so often; then its run fails. */
const retries = 3;
/** Whoever is called as often does not come to an end. */
const mostLaunches = 50;

/**
 * Calls an agent, launch after launch: it ends when it waits for people, and is called again when that is over; trouble that
 * passes is waited out. `call` answers what came of one.
 */
export async function throughLaunches(
  { run, next, move, news }: Around,
  call: (launch: number) => Promise<CommandOutcome | 'renew' | null>,
  { launch: first, tried: before }: Pick<Carried, 'launch' | 'tried'> = {},
): Promise<LaunchEnd> {
  const { tenantId, id: runId } = run;
  let tried = before ?? 0;
  for (let launch = first ?? 1; launch <= mostLaunches; launch += 1) {
    const ref = { tenantId, runId, launch };
    const done = await call(launch);
    if (done === 'renew') return { kind: 'renew', launch, tried };
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
