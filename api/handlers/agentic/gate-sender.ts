import { gateById, movedBy } from '../../../db/changes';
import { Conflict, DomainError } from '../../../domain/errors';
import type { Gate, Verdict } from '../../../domain/gate';
import { signAssertion } from '../../../log/assertion';
import type { Ctx } from '../../kernel';
import { Gone } from '../../temporal';

export const gateRef = (ctx: Ctx, gate: Pick<Gate, 'id'>) => ({
  kind: 'approvalGate' as const,
  tenantId: ctx.tenantId,
  id: gate.id,
});

/** What was refused leaves no history with the workflow that refused it: the log says it. */
async function refuse(ctx: Ctx, gate: Gate, event: string, e: DomainError): Promise<never> {
  // The workflow's recorder has written down what it refused itself (Forbidden); a state that does not allow it, it has not.
  if (e instanceof Conflict) {
    await ctx.write(async (tx) => {
      tx.log({
        kind: 'gate.decision_refused',
        actor: ctx.actor,
        subject: { kind: 'gate', id: gate.id },
        ticketId: gate.ticketId,
        runId: gate.runId,
        agentId: gate.agentId,
        decision: 'deny',
        reason: e.message,
        body: { change_id: gate.number, event, status: gate.status },
      });
      return Promise.resolve();
    });
  }
  throw e;
}

/**
 * Sends a decision or a completion with the proof of who is behind it. Null: it is a repeat of one that was applied and
 * whose answer was lost with its process, perhaps before the workflow's history had it; the log has.
 * @throws Conflict, Forbidden: what the gate refused, written down
 */
export async function send<R>(
  ctx: Ctx,
  gate: Gate,
  event: Verdict | 'complete',
  update: (proof: string, updateId: string) => Promise<R>,
): Promise<R | null> {
  const proof = await signAssertion(ctx.kernel.keyring, {
    by: ctx.actor, tenantId: ctx.tenantId, gateId: gate.id, verdict: event, digest: gate.digest,
  }); // prettier-ignore
  const updateId = ctx.newId(`${event}:${gate.id}`);
  try {
    return await update(proof, updateId);
  } catch (e) {
    const refused = e instanceof Gone || e instanceof Conflict;
    if (refused && (await ctx.read((tx) => movedBy(tx, gate.id, updateId)))) return null;
    if (e instanceof Gone) {
      // The process is over: the row says how it ended.
      const row = (await ctx.read((tx) => gateById(tx, gate.id))) ?? gate;
      const said = { status: row.status, approved_by: row.decidedBy?.name ?? null };
      return refuse(ctx, row, event, new Conflict(`cannot ${event} a change that is ${row.status}`, said));
    }
    if (e instanceof DomainError) return refuse(ctx, gate, event, e);
    throw e;
  }
}
