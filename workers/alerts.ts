import { WorkflowExecutionAlreadyStartedError, type WorkflowClient } from '@temporalio/client';
import type { Logger } from 'pino';
import { evaluateRules } from '../activities/lifecycle/alerts';
import { entriesFrom, moveCursor, takeCursor, tenantsBehind, type ReadEntry } from '../db/cursors';
import { untilOnDisk, type Write } from '../db/tx';
import type { queuesOf } from '../domain/queues';
import type { Store } from '../log/store';
import type { notifyAlert } from '../workflows';
import { startOptions, type Start } from '../workflows/start';
import { keepLooking } from './loop';

export interface Alerting {
  store: Store;
  temporal: WorkflowClient;
  queues: ReturnType<typeof queuesOf>;
  logger: Logger;
  /** Aborted when the worker ends. */
  signal: AbortSignal;
}

/** Somebody who goes through every tenant's log, in order, and remembers how far. */
interface Reader {
  name: string;
  kinds: readonly string[];
  trouble: string;
  /** Of one window, in the transaction in which the cursor moves behind it. @throws what keeps it where it is */
  take: (a: Alerting, tx: Write, entries: readonly ReadEntry[]) => Promise<void>;
}

/** Entries of the log that one transaction looks through. */
const window = 2_000;
const sendMs = 5_000;

const ends: Reader = {
  name: 'alerts',
  kinds: [
    'run.finished', 'run.failed', 'run.stopped', 'run.terminated',
    'reported_run.completed', 'reported_run.failed', 'reported_run.skipped', 'reported_run.updated',
  ],
  trouble: 'alert rules could not be evaluated for runs that ended; they are looked at again',
  async take(_a, tx, entries) {
    const ids = entries.flatMap((e) => (e.kind.startsWith('run.') && e.agentId !== null ? [e.agentId] : []));
    const { rows } = await tx.query<{ name: string }>('select name from agents where id = any($1)', [ids]);
    const reported = entries.flatMap(({ body: { agent_name: name } }) => (typeof name === 'string' ? [name] : []));
    await evaluateRules(tx, [...new Set([...rows.map((r) => r.name), ...reported])]);
  },
}; // prettier-ignore

const notices: Reader = {
  name: 'alert notices',
  kinds: ['alert.fired'],
  trouble: 'notifications of alerts could not be started; they are kept and tried again',
  async take(a, tx, entries) {
    const toTell = entries.filter(({ body }) => body['notify'] === 'webhook');
    if (toTell.length) await untilOnDisk(a.store.pool);
    for (const { subjectId, body } of toTell) {
      a.signal.throwIfAborted();
      const start: Start<Parameters<typeof notifyAlert>> = {
        ref: { kind: 'notifyAlert', tenantId: tx.tenantId, id: subjectId },
        args: [{ tenantId: tx.tenantId, alertId: subjectId, queue: a.queues.integrations }],
        summary: `${String(body['rule_type'])} ${String(body['agent_name'])}`,
        status: null,
        ticketId: null,
        agentId: null,
      };
      await startOnce(a, start);
    }
  },
};

/** One that was started before, and has ended by now, is not started again. */
async function startOnce({ temporal, queues }: Alerting, start: Start<Parameters<typeof notifyAlert>>): Promise<void> {
  try {
    await temporal.withDeadline(Date.now() + sendMs, () =>
      temporal.start<typeof notifyAlert>(start.ref.kind, startOptions(start, queues.lifecycle)),
    );
  } catch (e) {
    if (!(e instanceof WorkflowExecutionAlreadyStartedError)) throw e;
  }
}

/** One window of one tenant's log. True when there is more. */
const readOn = (a: Alerting, tenantId: string, { name, kinds, take }: Reader): Promise<boolean> =>
  a.store.write(tenantId, async (tx) => {
    const from = await takeCursor(tx, name);
    if (from === null) return false; // another worker is at it
    const { entries, end, last } = await entriesFrom(tx, from, kinds, window);
    if (entries.length) await take(a, tx, entries);
    await moveCursor(tx, name, end);
    return end < last;
  });

/**
 * The rules of an agent are evaluated as soon as the log says that a run of it ended, and whoever is to be told of an alert
 * is told as soon as the log says that it fired: neither keeps the one who wrote that entry waiting, nor is lost with a
 * process. Ends when `signal` is aborted, and never for another reason: trouble is waited out.
 */
export const keepAlerting = async (a: Alerting): Promise<void> => {
  await Promise.all(
    [ends, notices].map((reader) =>
      keepLooking({ pollMs: 250, longestWaitMs: 10_000, trouble: reader.trouble }, a.logger, a.signal, async () => {
        for (const tenantId of await tenantsBehind(a.store.pool, reader.name))
          while (!a.signal.aborted && (await readOn(a, tenantId, reader)));
      }),
    ),
  );
};
