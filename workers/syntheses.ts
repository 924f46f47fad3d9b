import { WorkflowExecutionAlreadyStartedError, type WorkflowClient } from '@temporalio/client';
import { postmortems } from '../db/learning';
import type { queuesOf } from '../domain/queues';
import type { Store } from '../log/store';
import { startOptions, synthesisStart } from '../workflows/start';
import { oneByOne, type Reader } from './reader';

const sendMs = 5_000;

/** Postmortems that were drafted for a model to write: whoever drafted one may have died before it said so. */
export function syntheses(
  temporal: WorkflowClient,
  queues: ReturnType<typeof queuesOf>,
  store: Store,
  signal: AbortSignal,
): Reader {
  return {
    name: 'syntheses',
    kinds: ['postmortem.drafted'],
    often: {
      pollMs: 1_000,
      longestWaitMs: 30_000,
      trouble: 'postmortems could not be given to a model; they are kept and tried again',
    },
    take: oneByOne(signal, async (tenantId, { subjectId }) => {
      const drafted = await store.read(tenantId, (tx) => postmortems.byId(tx, subjectId));
      if (drafted?.synthesis?.state !== 'pending') return;
      const start = synthesisStart(drafted, queues.agents);
      try {
        await temporal.withDeadline(Date.now() + sendMs, () =>
          temporal.start(start.ref.kind, { ...startOptions<unknown[]>(start, queues.lifecycle) }),
        );
      } catch (e) {
        if (!(e instanceof WorkflowExecutionAlreadyStartedError)) throw e;
      }
    }),
  };
}
