import { heldRuns } from '../../../db/run-queries';
import { steerRun, type Steered } from '../../../db/steer';
import type { Write } from '../../../db/tx';
import { steers, type Note } from '../../../domain/ticket';
import { steer } from '../../../workflows/messages';
import type { Ctx } from '../../kernel';

/** As much of a note as an agent is told. */
const mostChars = 2_400;

/**
 * One event for every agent of the ticket that has not ended, waiting ones included, with its log entry: the dispatcher
 * sends what stands there. What agents write steers nobody, whatever it calls itself.
 */
export async function steerAgents(ctx: Ctx, tx: Write, note: Note): Promise<Steered[]> {
  if (ctx.principal.kind === 'agent' || !steers(note.source, note.author)) return [];
  const steered: Steered[] = [];
  for (const run of await heldRuns(tx, note.ticketId)) {
    const event = await steerRun(
      tx,
      run,
      {
        id: ctx.newId(`steering:${note.id}:${run.id}`),
        noteId: note.id,
        source: note.source,
        author: note.author,
        body: note.body.slice(0, mostChars).toWellFormed(),
        createdAt: note.createdAt,
      },
      ctx.actor,
      { note_id: note.number },
    );
    if (event) steered.push(event);
  }
  return steered;
}

/** The short way, after the commit. Nobody waits for it: what it does not reach, the dispatcher does. */
export function passOn(ctx: Ctx, steered: readonly Steered[]): void {
  const { temporal, logger } = ctx.kernel;
  for (const { runId, eventId } of steered) {
    temporal
      .signal({ kind: 'agentRun', tenantId: ctx.tenantId, id: runId }, steer, { id: eventId })
      .catch((err: unknown) => {
        logger.debug({ err, runId, eventId }, 'steering was not sent at once; the dispatcher sends it');
      });
  }
}
