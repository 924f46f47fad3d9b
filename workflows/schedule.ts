import type { ScheduleOptions, ScheduleOptionsStartWorkflowAction } from '@temporalio/client';
import type { Agent, WantedSchedule } from '../domain/agent';
import { workflowId } from './ids';
import { attributes, workflowTaskTimeout } from './kit';
import type { scheduledRun } from './scheduled-run';

type Action = ScheduleOptionsStartWorkflowAction<typeof scheduledRun>;

/** A run that was missed because Temporal was away is made up for when it is back by then. */
const catchupWindow = '10 minutes';

/** The agent's uuid says all: whoever has the row can find its Schedule. */
export const scheduleId = (tenantId: string, agentId: string): string => `agent:${tenantId}:${agentId}`;

/** What a Schedule of Temporal says of an agent, but for its times: one at a time, and while one goes on, the next is left out. */
export function scheduleOf(
  agent: Agent,
  wanted: WantedSchedule,
  queues: { lifecycle: string; agents: string; integrations: string },
): Omit<ScheduleOptions<Action>, 'spec' | 'action' | 'state' | 'scheduleId'> & {
  action: Action;
  state: { paused: boolean; note: string };
} {
  const { tenantId, id: agentId } = agent;
  const { lifecycle, ...others } = queues;
  const typedSearchAttributes = attributes('scheduledRun', { tenantId, agentId, status: null, ticketId: null });
  return {
    policies: { overlap: 'SKIP', catchupWindow },
    state: { paused: wanted.paused, note: `${agent.name} (${agent.status.toLowerCase()}): ${wanted.expression}` },
    typedSearchAttributes,
    action: {
      type: 'startWorkflow',
      workflowType: 'scheduledRun',
      workflowId: workflowId('scheduledRun', tenantId, agentId),
      taskQueue: lifecycle,
      args: [{ tenantId, agentId, queues: others }],
      workflowTaskTimeout,
      staticSummary: `Scheduled run of ${agent.name}`,
      typedSearchAttributes,
    },
  };
}
