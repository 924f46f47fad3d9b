import { v5 } from 'uuid';
import { system, type Actor } from '../domain/principal';
import { endedStatuses, type Run } from '../domain/run';
import { signalText, type Signal } from '../domain/signal';
import { steers, type Note, type SteeringEvent } from '../domain/ticket';
import { heldRuns } from './run-queries';
import { runs } from './runs';
import { signalsFor } from './signals';
import { steeringEvents } from './tickets';
import type { Write } from './tx';

/** A steering event that its run has not been told of yet. */
export interface Steered {
  runId: string;
  eventId: string;
}
type Told = Pick<Run, 'id' | 'tenantId' | 'ticketId' | 'agentId'>;
type Said = Pick<SteeringEvent, 'id' | 'noteId' | 'source' | 'author' | 'body' | 'createdAt'>;

/** Something that a run is to hear, with its entry, which the dispatcher sends. Null when it stands already. */
export async function steerRun(
  tx: Write,
  run: Told,
  said: Said,
  by: Actor,
  of: Record<string, unknown>,
): Promise<Steered | null> {
  const event = await steeringEvents.insert(tx, {
    ...said,
    tenantId: run.tenantId,
    number: 0,
    runId: run.id,
    ticketId: run.ticketId,
    status: 'pending',
    deliveredAt: null,
    acknowledgedAt: null,
  });
  if (!event) return null;
  tx.log({
    kind: 'steering.created',
    actor: by,
    subject: { kind: 'run', id: run.id },
    transition: `steering-created:${event.id}`,
    ticketId: run.ticketId,
    runId: run.id,
    agentId: run.agentId,
    body: { event_id: event.id, number: event.number, ...of, source: event.source, author: event.author },
  });
  return { runId: run.id, eventId: event.id };
}

/** As much of a note as an agent is told. */
const mostChars = 2_400;

/**
 * One event for every agent of the note's ticket that has not ended, waiting ones included, with its log entry: the
 * dispatcher sends what stands there. Of a note that steers nobody there is none.
 */
export async function steerNote(tx: Write, note: Note, by: Actor): Promise<Steered[]> {
  if (!steers(note.source, note.author)) return [];
  const steered: Steered[] = [];
  for (const run of await heldRuns(tx, note.ticketId)) {
    const event = await steerRun(
      tx,
      run,
      {
        id: v5(`steering:${note.id}`, run.id),
        noteId: note.id,
        source: note.source,
        author: note.author,
        body: note.body.slice(0, mostChars).toWellFormed(),
        createdAt: note.createdAt,
      },
      by,
      { note_id: note.number },
    );
    if (event) steered.push(event);
  }
  return steered;
}

const tellRun = (tx: Write, run: Told, signal: Signal, by: Actor): Promise<Steered | null> =>
  steerRun(
    tx,
    run,
    {
      id: v5(`signal:${signal.id}`, run.id),
      noteId: null,
      source: 'signal',
      author: signal.createdBy,
      body: signalText(signal),
      createdAt: signal.createdAt,
    },
    by,
    { signal_id: signal.id },
  );

/**
 * Tells a signal to every run of its agent that has not ended. Who writes a signal and who opens a run of the agent take
 * turns on the agent's row (a run's reference holds it as well), so that either the one finds the run or the other the signal.
 */
export async function tellRuns(tx: Write, signal: Signal, by: Actor): Promise<Steered[]> {
  const { rows } = await tx.query<{ id: string }>(
    'select id from agents where name = $1 and deleted_at is null for update',
    [signal.forAgent],
  );
  if (!rows[0]) return [];
  const alive = await runs.list(tx, 'where agent_id = $1 and not status = any($2) order by number for share', [
    rows[0].id,
    endedStatuses,
  ]);
  const told: Steered[] = [];
  for (const run of alive) {
    const steered = await tellRun(tx, run, signal, by);
    if (steered) told.push(steered);
  }
  return told;
}

/** What people said counts as told, from now on: to whoever works in the run, who is about to see it. */
export async function deliver(tx: Write, run: Pick<Run, 'id' | 'ticketId' | 'agentId'>): Promise<void> {
  const { rows } = await tx.query<{ id: string; number: number; author: string }>(
    `update steering_events set status = 'delivered', delivered_at = now() where run_id = $1 and status = 'pending'
     returning id, number, author`,
    [run.id],
  );
  for (const row of rows)
    tx.log({
      kind: 'steering.delivered', actor: system, subject: { kind: 'run', id: run.id }, transition: `steering:${row.id}`,
      ticketId: run.ticketId, runId: run.id, agentId: run.agentId, body: { event_id: row.number, author: row.author },
    }); // prettier-ignore
}

/** As many as one run is told when it begins. */
const most = 100;

/** Tells a run that has just been opened what waits for its agent. */
export async function tellPending(tx: Write, run: Run): Promise<void> {
  for (const signal of await signalsFor(tx, run.agentId, most)) await tellRun(tx, run, signal, run.spawnedBy);
}
