import { gateById, movedBy } from '../../../db/changes';
import { gates } from '../../../db/gates';
import { runs } from '../../../db/runs';
import { Conflict, DomainError } from '../../../domain/errors';
import { isSettled, type Gate, type Verdict } from '../../../domain/gate';
import type { Run } from '../../../domain/run';
import { signAssertion } from '../../../log/assertion';
import type { Ctx } from '../../kernel';
import { Gone } from '../../temporal';
import { startGate } from './gate-opener';

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

const runOf = async (ctx: Ctx, { runId }: Gate): Promise<Run | null> =>
  runId === null ? null : ctx.read((tx) => runs.byId(tx, runId));

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
  const proof = signAssertion(ctx.kernel.keyring, {
    by: ctx.actor, tenantId: ctx.tenantId, gateId: gate.id, verdict: event, digest: gate.digest,
  }); // prettier-ignore
  const updateId = ctx.newId(`${event}:${gate.id}`);
  const started = async (e: unknown): Promise<R> => {
    const row = e instanceof Gone ? await ctx.read((tx) => gates.byId(tx, gate.id)) : null;
    // Its row was written, and the start that follows it never came; a workflow that was terminated is not started again.
    if (!row || isSettled(row) || !(await startGate(ctx, row, await runOf(ctx, row)))) throw e;
    return update(proof, updateId);
  };
  try {
    return await update(proof, updateId).catch(started);
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
