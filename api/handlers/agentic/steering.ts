import { steerNote, type Steered } from '../../../db/steer';
import type { Write } from '../../../db/tx';
import type { Note } from '../../../domain/ticket';
import { steer } from '../../../workflows/messages';
import type { Ctx } from '../../kernel';

/** Tells the agents of the ticket what people and providers write. What agents write steers nobody, whatever it calls itself. */
export const steerAgents = (ctx: Ctx, tx: Write, note: Note): Promise<Steered[]> =>
  ctx.principal.kind === 'agent' ? Promise.resolve([]) : steerNote(tx, note, ctx.actor);

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
