import { ParentClosePolicy, startChild, workflowInfo } from '@temporalio/workflow';
import { agentRun } from './agent-run';
import { workflowId } from './ids';
import { attributes, rows, workflowTaskTimeout } from './kit';

export interface ScheduledRunInput {
  tenantId: string;
  agentId: string;
  queues: { agents: string; integrations: string };
}
export interface ScheduledRunResult {
  runId: string | null;
  /** How the run ended, or why there was none. */
  outcome: string;
}

/**
 * What an agent's Schedule starts: a run of the agent on its own ticket, and this goes on for as long as the run does, so that
 * the Schedule knows. Terminated, it leaves the run alone. An agent that may not run by now gets none, and the log says why.
 */
export async function scheduledRun({ tenantId, agentId, queues }: ScheduledRunInput): Promise<ScheduledRunResult> {
  const { workflowId: key, startTime } = workflowInfo();
  const draft = await rows.draftScheduledRun({ tenantId, agentId, key, at: startTime.toISOString() });
  if (draft.run === null) return { runId: null, outcome: draft.reason };
  const { run, title } = draft;
  const child = await startChild(agentRun, {
    workflowId: workflowId('agentRun', tenantId, run.id),
    args: [{ run, gateTtlMs: draft.gateTtlMs, leaseMs: draft.leaseMs, queues }],
    workflowTaskTimeout,
    parentClosePolicy: ParentClosePolicy.ABANDON,
    staticSummary: title,
    typedSearchAttributes: attributes('agentRun', run),
  });
  const ended = await child.result();
  if (ended.number > 0) return { runId: run.id, outcome: ended.status };
  // Refused before it had a row: somebody set the agent to work on its ticket by hand.
  const reason = 'its ticket has an agent already';
  await rows.skipScheduledRun({ tenantId, agentId, key, reason });
  return { runId: null, outcome: reason };
}
