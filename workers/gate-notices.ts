import { WorkflowExecutionAlreadyStartedError, type WorkflowClient } from '@temporalio/client';
import { anybodyTold, openNotices } from '../db/gate-notices';
import { isNoticeEvent, noticeEvents } from '../domain/gate-notice';
import type { queuesOf } from '../domain/queues';
import type { Store } from '../log/store';
import { notifyGateStart, startOptions } from '../workflows/start';
import { oneByOne, type Reader } from './reader';

const sendMs = 5_000;
const namesOf = (value: unknown): string[] | null => (Array.isArray(value) ? value.map(String) : null);

/** Groups that a change waits for are told as soon as the log says that it was asked for, reminded of or escalated. */
export function gateNoticer(
  temporal: WorkflowClient,
  queues: ReturnType<typeof queuesOf>,
  store: Store,
  signal: AbortSignal,
): Reader {
  const each = oneByOne(signal, async (tenantId, { kind, subjectId: gateId, body }) => {
    if (!isNoticeEvent(kind)) return;
    const n = typeof body['n'] === 'number' ? body['n'] : 1;
    const of = { gateId, event: kind, n, canDecide: namesOf(body['can_decide']) };
    for (const noticeId of await store.write(tenantId, (tx) => openNotices(tx, of))) {
      const start = notifyGateStart({ tenantId, noticeId, queue: queues.integrations }, kind);
      try {
        await temporal.withDeadline(Date.now() + sendMs, () =>
          temporal.start(start.ref.kind, startOptions<unknown[]>(start, queues.lifecycle)),
        );
      } catch (e) {
        // One that was started before, and has ended by now, is not started again.
        if (!(e instanceof WorkflowExecutionAlreadyStartedError)) throw e;
      }
    }
  });
  return {
    name: 'gate notices',
    kinds: noticeEvents,
    often: {
      pollMs: 500,
      longestWaitMs: 10_000,
      trouble: 'groups could not be told of changes that wait for them; it is kept and tried again',
    },
    take: async (tx, entries) => ((await anybodyTold(tx)) ? each(tx, entries) : null),
  };
}
