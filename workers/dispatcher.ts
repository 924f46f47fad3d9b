import { WorkflowNotFoundError, type WorkflowClient } from '@temporalio/client';
import type { Logger } from 'pino';
import { workflowId } from '../workflows/ids';
import { steer, taskMoved } from '../workflows/messages';
import { oneByOne, type Reader } from './reader';

const sendMs = 5_000;

/**
 * Tells runs of what was said to them, and of what came of a task elsewhere: every `steering.created` entry as the Signal `steer`,
 * every `task.ended` as `taskMoved`. Who gets one twice ignores the repeat.
 */
export const dispatcher = (temporal: WorkflowClient, logger: Logger, signal: AbortSignal): Reader => ({
  name: 'steering',
  kinds: ['steering.created', 'task.ended'],
  often: {
    pollMs: 500,
    longestWaitMs: 10_000,
    trouble: 'what runs are to hear could not be passed on; it is kept and tried again',
  },
  take: oneByOne(signal, async (tenantId, { kind, subjectId, body, seq }) => {
    const ended = kind === 'task.ended';
    const id = ended ? String(seq) : String(body['event_id']);
    const run = temporal.getHandle(workflowId('agentRun', tenantId, subjectId));
    try {
      await temporal.withDeadline(Date.now() + sendMs, () => run.signal(ended ? taskMoved : steer, { id }));
    } catch (e) {
      if (!(e instanceof WorkflowNotFoundError)) throw e; // it has ended: it needs no telling
      logger.debug({ workflow: run.workflowId, kind, id }, 'the run to tell has ended');
    }
  }),
});
