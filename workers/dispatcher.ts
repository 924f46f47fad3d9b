import { WorkflowNotFoundError, type WorkflowClient } from '@temporalio/client';
import type { Logger } from 'pino';
import { workflowId } from '../workflows/ids';
import { steer } from '../workflows/messages';
import { oneByOne, type Reader } from './reader';

const sendMs = 5_000;

/** Tells runs of what was said to them: every `steering.created` entry as the Signal `steer`. Who gets it twice ignores the repeat. */
export const dispatcher = (temporal: WorkflowClient, logger: Logger, signal: AbortSignal): Reader => ({
  name: 'steering',
  kinds: ['steering.created'],
  often: {
    pollMs: 500,
    longestWaitMs: 10_000,
    trouble: 'steering could not be passed on; it is kept and tried again',
  },
  take: oneByOne(signal, (tenantId, { subjectId, body }) =>
    send(temporal, logger, workflowId('agentRun', tenantId, subjectId), String(body['event_id'])),
  ),
});

/** A run that has ended needs no telling. */
async function send(temporal: WorkflowClient, logger: Logger, id: string, eventId: string): Promise<void> {
  try {
    await temporal.withDeadline(Date.now() + sendMs, () => temporal.getHandle(id).signal(steer, { id: eventId }));
  } catch (e) {
    if (!(e instanceof WorkflowNotFoundError)) throw e;
    logger.debug({ workflow: id, eventId }, 'the run to steer has ended');
  }
}
