import { noteStatement } from '../../../db/notes';
import { insertOnTicket } from '../../../db/gates';
import { NotFound } from '../../../domain/errors';
import type { Gate } from '../../../domain/gate';
import { gateEntry, gateNote, type GateTransition } from '../../../domain/gate-record';
import { isEnded, type Run } from '../../../domain/run';
import { gateStart } from '../../../workflows/start';
import type { Ctx } from '../../kernel';
import { Gone } from '../../temporal';

/**
 * Writes a gate's first row, with its note and its log entry, on the ticket of that number. Its workflow is started with
 * it, by `startGate`; where that fails, by whoever repeats the request or decides, else by workers/starter.ts.
 * Answers the gate, and whether it stood already: then nothing is written.
 * @throws NotFound when the caller has no such ticket
 */
export const openGate = (ctx: Ctx, draft: Gate, ticket: number): Promise<{ gate: Gate; stood: boolean }> =>
  ctx.kernel.store.write(ctx.tenantId, async (tx) => {
    const row = await insertOnTicket(tx, draft, ticket, ctx.principal.ticketId);
    if (!row) throw new NotFound(`no ticket ${ticket}`);
    const gate = { ...draft, number: row.o_number, ticketId: row.o_ticket, status: row.o_status };
    if (!row.o_stood) {
      const opening: GateTransition = {
        event: 'open', by: draft.requestedBy, transition: 'open', proof: null, correlationId: ctx.requestId,
      }; // prettier-ignore
      const note = gateNote(gate, opening);
      if (note) tx.last(noteStatement(ctx.tenantId, note));
      tx.log(gateEntry(gate, opening, null));
    }
    return { gate, stood: row.o_stood };
  });

/** False: its workflow has ended, however it did. One that runs is left alone. */
export async function startGate(ctx: Ctx, gate: Gate, run: Pick<Run, 'id' | 'status'> | null): Promise<boolean> {
  try {
    await ctx.kernel.temporal.start(gateStart(gate, run && !isEnded(run) ? run : null));
    return true;
  } catch (e) {
    if (e instanceof Gone) return false;
    throw e;
  }
}
