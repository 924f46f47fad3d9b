import { defineUpdate } from '@temporalio/workflow';
import type { Activities } from '../activities';
import { Conflict } from '../domain/errors';
import { isEnded, type Run } from '../domain/run';
import { carriedOut } from './approval-gate';
import { workflowId } from './ids';
import { inTurn, onUpdate, tell } from './kit';

/** Carries out a tool call that was asked for, and written down, over HTTP: its answer is in the ledger. */
export const callTool = defineUpdate<null, [{ id: string }]>('callTool');

export interface Calls {
  /** How many were carried out. */
  made(): number;
  /** None is under way. */
  idle(): boolean;
}

/** Hears of the tool calls of an agent elsewhere: one after the other, each at the next step of its run. */
export function hearCalls(of: {
  ready: Promise<unknown>;
  run: () => Run;
  count: (counted: Pick<Run, 'steps' | 'progress'>) => void;
  runCall: Activities['runCall'];
}): Calls {
  const next = inTurn();
  let made = 0;
  let underWay = 0;
  const carryOut = async (callId: string): Promise<null> => {
    const { tenantId, id: runId, steps: step, status } = of.run();
    if (isEnded(of.run())) throw new Conflict(`the agent is already ${status}`, { status });
    const { done, ...counted } = await of.runCall({ tenantId, runId, callId, step });
    of.count(counted);
    made += 1;
    if (done) await tell(workflowId('approvalGate', tenantId, done.gateId), carriedOut, done.completion);
    return null;
  };
  onUpdate(callTool, async ({ id }) => {
    underWay += 1;
    try {
      await of.ready;
      return await next(() => carryOut(id));
    } finally {
      underWay -= 1;
    }
  });
  return { made: () => made, idle: () => underWay === 0 };
}
