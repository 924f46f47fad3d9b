import { WorkflowExecutionAlreadyStartedError, type WorkflowClient } from '@temporalio/client';
import { evaluateRules } from '../activities/lifecycle/alerts';
import type { queuesOf } from '../domain/queues';
import type { notifyAlert } from '../workflows';
import { startOptions, type Start } from '../workflows/start';
import { oneByOne, type Reader } from './reader';

const sendMs = 5_000;
const often = { pollMs: 250, longestWaitMs: 10_000 };

/** The rules of an agent are evaluated as soon as the log says that a run of it ended: who wrote that entry does not wait. */
export const alertRules: Reader = {
  name: 'alerts',
  kinds: [
    'run.finished', 'run.failed', 'run.stopped', 'run.terminated',
    'reported_run.completed', 'reported_run.failed', 'reported_run.skipped', 'reported_run.updated',
  ],
  often: { ...often, trouble: 'alert rules could not be evaluated for runs that ended; they are looked at again' },
  async take(tx, entries) {
    const ids = entries.flatMap((e) => (e.kind.startsWith('run.') && e.agentId !== null ? [e.agentId] : []));
    const { rows } = await tx.query<{ name: string }>('select name from agents where id = any($1)', [ids]);
    const reported = entries.flatMap(({ body: { agent_name: name } }) => (typeof name === 'string' ? [name] : []));
    await evaluateRules(tx, [...new Set([...rows.map((r) => r.name), ...reported])]);
    return null;
  },
}; // prettier-ignore

/** Whoever is to be told of an alert is told as soon as the log says that it fired. */
export const alertNotices = (
  temporal: WorkflowClient,
  queues: ReturnType<typeof queuesOf>,
  signal: AbortSignal,
): Reader => ({
  name: 'alert notices',
  kinds: ['alert.fired'],
  often: { ...often, trouble: 'notifications of alerts could not be started; they are kept and tried again' },
  take: oneByOne(signal, async (tenantId, { subjectId, body }) => {
    if (body['notify'] !== 'webhook') return;
    const start: Start<Parameters<typeof notifyAlert>> = {
      ref: { kind: 'notifyAlert', tenantId, id: subjectId },
      args: [{ tenantId, alertId: subjectId, queue: queues.integrations }],
      summary: `${String(body['rule_type'])} ${String(body['agent_name'])}`,
      status: null,
      ticketId: null,
      agentId: null,
    };
    try {
      await temporal.withDeadline(Date.now() + sendMs, () =>
        temporal.start<typeof notifyAlert>(start.ref.kind, startOptions(start, queues.lifecycle)),
      );
    } catch (e) {
      // One that was started before, and has ended by now, is not started again.
      if (!(e instanceof WorkflowExecutionAlreadyStartedError)) throw e;
    }
  }),
});
