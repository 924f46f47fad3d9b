import { noteStatement } from '../../../db/notes';
import { ruleFor } from '../../../db/gate-rules';
import { insertOnTicket } from '../../../db/gates';
import { tenantPolicy } from '../../../db/policies';
import type { Write } from '../../../db/tx';
import { NotFound } from '../../../domain/errors';
import type { Gate } from '../../../domain/gate';
import { gateEntry, gateNote, type GateTransition } from '../../../domain/gate-record';
import { isEnded, type Run } from '../../../domain/run';
import { gateStart } from '../../../workflows/start';
import type { Ctx } from '../../kernel';
import { Gone } from '../../temporal';

/** With the people who decide, as of now. */
const ruled = async (tx: Write, draft: Gate): Promise<Gate> => ({
  ...draft,
  rule: await ruleFor(tx, draft, (await tenantPolicy(tx)).fourEyes),
});

/**
 * Writes a gate's first row, with its note and its log entry, on the ticket of that number. Its workflow is started with
 * it, by `startGate`; where that fails, by whoever repeats the request or decides, else by workers/starter.ts.
 * Answers the gate, and whether it stood already: then nothing is written.
 * @throws NotFound when the caller has no such ticket, Invalid for a quorum that cannot be read or never be met
 */
export const openGate = (ctx: Ctx, draft: Gate, ticket: number): Promise<{ gate: Gate; stood: boolean }> =>
  ctx.kernel.store.write(ctx.tenantId, async (tx) => {
    const own = draft.approvalPolicy['quorum'] !== undefined;
    let first = own ? await ruled(tx, draft) : draft;
    const insert = (known: boolean) => insertOnTicket(tx, first, ticket, ctx.principal.ticketId, known);
    let row = await insert(own);
    if (row?.o_status === 'ruled') {
      first = await ruled(tx, draft);
      row = await insert(true);
    }
    if (!row || row.o_status === 'ruled') throw new NotFound(`no ticket ${ticket}`);
    const gate = { ...first, number: row.o_number, ticketId: row.o_ticket, status: row.o_status };
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
