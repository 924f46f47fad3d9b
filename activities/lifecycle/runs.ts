import { writeNote } from '../../db/notes';
import { tellProvider } from '../../db/provider-notes';
import { end as endOffer } from '../../db/remote-leases';
import { heldOffer } from '../../db/remote-tasks';
import { fence } from '../../db/run-queries';
import { runs } from '../../db/runs';
import { tellPending } from '../../db/steer';
import { undelivered } from '../../db/steering-queries';
import { tickets } from '../../db/tickets';
import { insertOrder } from '../../db/task-orders';
import { holdTurns, turns } from '../../db/turns';
import type { Write } from '../../db/tx';
import { Conflict } from '../../domain/errors';
import type { Gate } from '../../domain/gate';
import { harnessEntry } from '../../domain/harnesses';
import { system, type Actor } from '../../domain/principal';
import { isEnded, type Run, type RunEvent } from '../../domain/run';
import type { TaskOrder } from '../../domain/task-order';
import { closedStatuses } from '../../domain/ticket';
import type { Deps } from '../deps';
import { leaveBehind } from './left-behind';
import { attemptAfter, standingAfter } from './attempts';
import { otherwise, stands } from './record';

export interface RunTransition {
  /** Null: the run is spawned. */
  event: RunEvent | null;
  transition: string;
  /** The gate that it follows from, as the workflow was told of it. */
  told?: Gate;
  /** Of a run that is spawned for a task. */
  order?: TaskOrder;
}
export interface RecordedRun {
  run: Run;
  applied: boolean;
  /** It is not its turn: nothing was written. */
  queued?: true;
  /** It failed, and this is the next attempt at its task: it stands, and its workflow is to be started. */
  next?: { run: Run; order: TaskOrder };
  /** There when the gate's row says something else than what was told: nothing was written. */
  otherwise?: { gate: Gate | null };
}

/** Whether a model writes what the agent did not. */
type Learning = Pick<Deps['learning'], 'model'>;

const kindOf = (event: RunEvent | null): string => {
  switch (event?.type) {
    case undefined:
      return 'run.spawned';
    case 'start':
      return 'run.started';
    case 'wait':
      return 'run.waiting';
    case 'finish':
      return 'run.finished';
    case 'fail':
      return 'run.failed';
    case 'stop':
      return event.terminate ? 'run.terminated' : 'run.stopped';
  }
};

export const agentActor = (run: Pick<Run, 'agentId' | 'number'>): Actor => ({
  id: run.agentId,
  kind: 'agent',
  name: `agent-${run.number}`,
});

/** What a run's move does to its ticket: a spawn sets it to work, a wait shows, and nothing reopens or closes it. */
async function moveTicket(tx: Write, run: Run, event: RunEvent | null): Promise<void> {
  if (run.taskType === 'postmortem') return;
  const status = event === null || event.type === 'start' ? 'in_progress' : event.type === 'wait' ? event.for : null;
  if (!status) return;
  await tx.query(
    `update tickets set run_id = $2, status = $3, updated_at = now()
     where id = $1 and not status = any($4) and (run_id is distinct from $2 or status <> $3)`,
    [run.ticketId, run.id, status, closedStatuses],
  );
}

/** Steps are counted as they are recorded, perhaps after the workflow looked: the count never goes back. */
async function counted(tx: Write, next: Run): Promise<Run> {
  const { rows } = await tx.query<Pick<Run, 'steps' | 'progress'>>(
    'select steps, progress from runs where id = $1 for update',
    [next.id],
  );
  const [row] = rows;
  return row
    ? { ...next, steps: Math.max(row.steps, next.steps), progress: Math.max(row.progress, next.progress) }
    : next;
}

/** What people said and the agent did not hear before it ended is written down: nobody is left to hear it. */
async function writeDownUnheard(tx: Write, run: Run): Promise<void> {
  for (const event of await undelivered(tx, run.id)) {
    tx.log({
      kind: 'steering.undelivered',
      actor: system,
      subject: { kind: 'run', id: run.id },
      transition: `undelivered:${event.id}`,
      ticketId: run.ticketId,
      runId: run.id,
      agentId: run.agentId,
      reason: `the agent was ${run.status} before it looked`,
      body: { event_id: event.number, author: event.author },
    });
  }
}

/** Whoever works on it elsewhere is told with the next thing that they say. */
async function withdrawOffer(tx: Write, run: Run, by: Actor): Promise<void> {
  const offer = await heldOffer(tx, run.id);
  if (offer?.task.endedAt === null) await endOffer(tx, run, offer.task, { is: 'stopped', why: run.error ?? run.status }, by);
} // prettier-ignore

/** The run, where it is spawned and others come first. One that has begun before has had its turn. */
async function waitsItsTurn(tx: Write, id: string): Promise<Run | null> {
  await holdTurns(tx);
  const run = await runs.byId(tx, id);
  return run?.status === 'spawned' && !(await turns(tx, id)).includes(id) ? run : null;
}

async function writeRun(
  tx: Write,
  next: Run,
  t: RunTransition,
  learning: Learning,
): Promise<Pick<RecordedRun, 'run' | 'next'> | null> {
  const written = await (t.event === null ? runs.insert(tx, next) : runs.move(tx, await counted(tx, next)));
  if (!written) return null;
  if (t.event === null) await tellPending(tx, written);
  if (t.order) await insertOrder(tx, written, t.order);
  await moveTicket(tx, written, t.event);
  const said = t.event !== null && 'by' in t.event ? t.event.by : undefined;
  const by = said ?? (t.event === null ? written.spawnedBy : agentActor(written));
  const again = t.event?.type === 'fail' && said === undefined ? await attemptAfter(tx, written) : null;
  if (isEnded(written)) {
    await writeDownUnheard(tx, written);
    // An attempt at a slow step may still be under way.
    if (t.event?.type === 'fail') await fence(tx, written.id, t.event.error);
    await leaveBehind(tx, written, agentActor(written), learning);
    if (harnessEntry(written.harness)?.kind === 'remote') await withdrawOffer(tx, written, by);
    const note = await writeNote(tx, {
      ticketId: written.ticketId,
      key: `${written.id}:${written.version}`,
      source: 'agent',
      author: `agent-${written.number}`,
      actor: by,
      body: `Agent ${written.number} ${written.status}: ${written.result ?? written.error ?? ''}`,
      externalRef: `agent:${written.number}`,
    });
    if (note) await tellProvider(tx, note, by);
  }
  tx.log({
    kind: kindOf(t.event),
    actor: by,
    subject: { kind: 'run', id: written.id },
    version: written.version,
    transition: t.transition,
    ticketId: written.ticketId,
    runId: written.id,
    agentId: written.agentId,
    decision: t.event?.type === 'fail' ? 'error' : 'allow',
    reason: written.error,
    body: {
      agent_id: written.number,
      task_id: written.taskNumber,
      status: written.status,
      harness: written.harness,
      model: written.model,
      profile_id: written.profileId,
      steps: written.steps,
      spawned_by: written.spawnedBy.name,
      result: written.result,
      ...(again && { attempt: again.order.attempt - 1, next_attempt_at: again.order.runAt }),
    },
  });
  const opened =
    again && (await writeRun(tx, again.run, { event: null, transition: 'open', order: again.order }, learning));
  return { run: written, ...(again && opened && { next: { run: opened.run, order: again.order } }) };
}

export const runActivities = ({ store, learning }: Pick<Deps, 'store'> & { learning: Learning }) => ({
  /** @throws Conflict when the ticket has an agent already */
  recordRun: (next: Run, t: RunTransition): Promise<RecordedRun> =>
    store.write(next.tenantId, async (tx) => {
      const not = await otherwise(tx, t.told);
      const stood = not && (await runs.byId(tx, next.id));
      if (not && stood) return { run: stood, applied: false, otherwise: not };
      const waits = t.event?.type === 'start' && !t.told ? await waitsItsTurn(tx, next.id) : null;
      if (waits) return { run: waits, applied: false, queued: true };
      const written = await writeRun(tx, next, t, learning);
      if (written) return { ...written, applied: true };
      const run = await runs.byId(tx, next.id);
      if (run) {
        const after = await standingAfter(tx, run);
        return { run, applied: await stands(tx, next.id, next.version, t.transition), ...(after && { next: after }) };
      }
      const ticket = await tickets.byId(tx, next.ticketId);
      const [other] = await runs.list(
        tx,
        `where ticket_id = $1 and task_type = $2 and status not in ('finished', 'failed', 'stopped', 'terminated')`,
        [next.ticketId, next.taskType],
      );
      throw new Conflict(`ticket ${ticket?.number} already has agent ${other?.number}, which is ${other?.status}`, {
        agent_id: other?.number ?? null,
        status: other?.status ?? null,
      });
    }),

  /** A run whose workflow is gone without having said so. False when its row has moved on. */
  abandonRun: (run: Run): Promise<boolean> =>
    store.write(run.tenantId, async (tx) => {
      const event: RunEvent = { type: 'stop', by: system, reason: 'its workflow was terminated', terminate: true };
      // The database's: the clock of a worker may be wrong, and the sweep has no workflow time of its own to give.
      const { rows } = await tx.query<{ at: Date }>('select now() as at');
      const at = (rows[0]?.at ?? new Date()).toISOString();
      const written = await writeRun(
        tx,
        { ...run, status: 'terminated', error: event.reason, finishedAt: at, version: run.version + 1 },
        { event, transition: 'abandoned' },
        learning,
      );
      return written !== null;
    }),
});
