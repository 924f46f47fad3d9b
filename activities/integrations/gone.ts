import { WorkflowNotFoundError, type WorkflowClient } from '@temporalio/client';

/** What Temporal says of a workflow: it runs, it has ended, or it is not known (any more). */
export async function isGone(temporal: WorkflowClient, id: string): Promise<'ended' | 'unknown' | null> {
  try {
    return (await temporal.getHandle(id).describe()).status.name === 'RUNNING' ? null : 'ended';
  } catch (e) {
    if (e instanceof WorkflowNotFoundError) return 'unknown';
    throw e;
  }
}
