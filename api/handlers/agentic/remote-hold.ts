import { end } from '../../../db/remote-leases';
import { heldOffer } from '../../../db/remote-tasks';
import { beat, standingOf } from '../../../db/run-queries';
import { runs } from '../../../db/runs';
import { steeringOfRun } from '../../../db/steering-queries';
import type { Read, Write } from '../../../db/tx';
import type { CommandOutcome } from '../../../domain/agent-process';
import { Conflict, NotFound } from '../../../domain/errors';
import { holdOf, type Hold, type RemoteTask } from '../../../domain/remote-task';
import { isEnded, type Run } from '../../../domain/run';
import { canonical } from '../../../log/canonical';
import { taskMoved } from '../../../workflows/messages';
import type { Ctx } from '../../kernel';
import { hidden } from './seen';
import { steeringView } from './ticket-views';

/** A task, and the run that it is of; both rows are held. */
export interface Held {
  task: RemoteTask;
  run: Run;
}

const inWords: Record<Exclude<Hold, 'holds'>, (task: RemoteTask, number: number) => string> = {
  never: (_task, n) => `token: no claim of task ${n} was given it`,
  fenced: (t, n) => `task ${n} was claimed again${t.worker === null ? '' : ` by ${t.worker}`}: you hold it no more`,
  foreign: (t, n) => `task ${n} is held by ${t.holder?.name ?? 'another'}`,
  over: (t, n) => `task ${n} is over: ${t.outcome?.is ?? 'ended'}`,
  offered: (_task, n) => `the lease of task ${n} ran out, and it is offered again: claim it`,
  late: (t, n) => `the lease of task ${n} ran out at ${t.leaseUntil ?? ''}: claim it again`,
};

const refused = (hold: Exclude<Hold, 'holds'>, task: RemoteTask, number: number): Conflict =>
  new Conflict(inWords[hold](task, number), {
    field: 'token',
    reason: hold,
    token: task.token,
    held_by: task.endedAt === null ? (task.worker ?? task.holder?.name ?? null) : null,
    outcome: task.outcome?.is ?? null,
  });

export interface Holding {
  /** The integer by which the door knows the task. */
  number: number;
  token: number;
  /** What they come to say: who only listens is told of its end, and who says again how it ended is not refused. */
  says: CommandOutcome | 'listening' | 'working';
}

/**
 * The task as its holder has it, of the run that is seen as it.
 * @throws NotFound; Conflict, naming why they hold it no more
 */
export async function asHolder(
  ctx: Ctx,
  tx: Write,
  seen: Pick<Run, 'id' | 'ticketId'> | null,
  { number, token, says }: Holding,
): Promise<Held> {
  if (!seen || hidden(ctx, seen.ticketId)) throw new NotFound(`no task ${number}`);
  // A sign of life; and the run is held before its task is.
  await beat(tx, seen.id);
  const run = await runs.byId(tx, seen.id);
  const offer = await heldOffer(tx, seen.id);
  if (!run || !offer) throw new Conflict(`task ${number} is not worked on elsewhere`, { field: 'task_id', reason: 'here' });
  const { task, late } = offer;
  const hold = holdOf(task, { by: ctx.principal.id, token }, late);
  const told = hold === 'over' && (says === 'listening' || (says !== 'working' && isSame(task.outcome, says)));
  if (hold !== 'holds' && !told) throw refused(hold, task, number);
  if (hold === 'holds' && says !== 'listening') {
    const { fence } = await standingOf(tx, run.id);
    if (fence !== null || isEnded(run))
      throw new Conflict(`agent ${run.number} is stopped: ${fence ?? run.error ?? run.status}`, { field: 'token', reason: 'stopped' });
  }
  return { task, run };
} // prettier-ignore

/** What its holder says, by which it ends; said again in the same words, it stands. @throws as asHolder */
export async function endHeld(
  ctx: Ctx,
  tx: Write,
  seen: Pick<Run, 'id' | 'ticketId'> | null,
  { number, token, outcome }: Omit<Holding, 'says'> & { outcome: CommandOutcome },
): Promise<Held> {
  const held = await asHolder(ctx, tx, seen, { number, token, says: outcome });
  if (held.task.endedAt === null) await end(tx, held.run, held.task, outcome, ctx.actor);
  return { ...held, task: over(held.task, outcome) };
}
export const over = (task: RemoteTask, outcome: CommandOutcome): RemoteTask => ({ ...task, leaseUntil: null, outcome });

const isSame = (a: CommandOutcome | null, b: CommandOutcome): boolean => canonical(a) === canonical(b);

const mostSaid = 50;

/** What whoever holds a task is to know by now. */
export async function heldView(tx: Read, { task, run }: Held) {
  const [{ fence }, { events }] = await Promise.all([standingOf(tx, run.id), steeringOfRun(tx, run.id, mostSaid, 0)]);
  const { outcome } = task;
  const stopped = outcome?.is === 'stopped' ? outcome.why : null;
  const { rows } = await tx.query<{ number: number }>('select number from tickets where id = $1', [run.ticketId]);
  return {
    task_id: run.taskNumber,
    agent_id: run.number,
    ticket_id: rows[0]?.number ?? 0,
    offer: task.offer,
    token: task.token,
    lease_until: outcome === null ? task.leaseUntil : null,
    stop: fence ?? stopped,
    waits_for: outcome?.is === 'waiting' ? outcome.for : null,
    steering: events.filter((e) => e.status !== 'acknowledged').reverse().map(steeringView),
  }; // prettier-ignore
}

/** The short way, after the commit. Nobody waits for it: what it does not reach, the dispatcher does. */
export function passOnEnd(ctx: Ctx, run: Pick<Run, 'id'>): void {
  const { temporal, logger } = ctx.kernel;
  temporal
    .signal({ kind: 'agentRun', tenantId: ctx.tenantId, id: run.id }, taskMoved, { id: ctx.requestId })
    .catch((err: unknown) => {
      logger.debug({ err, runId: run.id }, 'the end of a task was not told at once; the dispatcher tells it');
    });
}
