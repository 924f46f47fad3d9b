import { allHandlersFinished, condition, defineUpdate, proxyActivities } from '@temporalio/workflow';
import type { Activities, ToolLook, ToolLooked } from '../activities';
import { onUpdate } from './kit';

export interface ToolLooks extends ToolLook {
  /** Where tool servers and the parts of the installation are spoken to. */
  queue: string;
}

/** Answers what the look came to. */
export const toolsLooked = defineUpdate<ToolLooked[], [id: string]>('toolsLooked');

/** One look at tools: a Schedule's at all of them, or what somebody asked for. Gives how many were looked at. */
export async function toolLooks({ queue, ...look }: ToolLooks): Promise<number> {
  const { lookAtTools } = proxyActivities<Activities>({
    taskQueue: queue,
    startToCloseTimeout: '5 minutes',
    heartbeatTimeout: '10 seconds',
    retry: { initialInterval: '1 second', maximumAttempts: 3 },
  });
  const looked = lookAtTools(look);
  onUpdate(toolsLooked, () => looked);
  const found = await looked;
  await condition(allHandlersFinished);
  return found.length;
}
