import { v7 } from 'uuid';
import { ruleFor } from '../../../db/gate-rules';
import { gates } from '../../../db/gates';
import { tenantPolicy } from '../../../db/policies';
import { DomainError } from '../../../domain/errors';
import { newGate, type Gate, type RiskLevel } from '../../../domain/gate';
import { gateEntry, type GateTransition } from '../../../domain/gate-record';
import { complete } from '../../../workflows/approval-gate';
import type { Call, Execution } from '../../../pipeline/call';
import type { Ctx } from '../../kernel';
import { startGate } from '../agentic/gate-opener';
import { gateRef, send } from '../agentic/gate-sender';

const riskLevelOf = (risk: number): RiskLevel =>
  risk >= 0.9 ? 'critical' : risk >= 0.7 ? 'high' : risk >= 0.5 ? 'medium' : 'low';

/** What people are shown of the arguments; the seal is to all of them. */
const mostShown = 20_000;

/**
 * The gate that this call waits for: the one that is pending for exactly this, else a new one. Its workflow is started at
 * once; where that fails, by workers/starter.ts.
 */
export async function gateFor(ctx: Ctx, call: Call, execution: Execution): Promise<Gate> {
  const { digest, target } = await ctx.kernel.pipeline.sealed(call);
  const at = new Date().toISOString();
  const agent = await ctx.read((tx) =>
    tx.query<{ name: string }>('select name from agents where id = $1', [call.agentId]),
  );
  const draft = newGate(
    {
      id: v7(), tenantId: ctx.tenantId, ticketId: call.ticketId, runId: null, agentId: call.agentId, accessRequestId: null,
      action: call.tool, target: target.slice(0, 2_000), reason: execution.reasons.map((r) => r.message).join('; ') || null,
      command: JSON.stringify(call.args).slice(0, mostShown), riskLevel: riskLevelOf(execution.risk), approvalPolicy: {}, digest,
      requestedBy: { id: call.agentId, kind: 'agent', name: agent.rows[0]?.name ?? 'agent' },
      onBehalfOf: ctx.principal.kind === 'agent' ? null : ctx.actor,
    },
    at,
    ctx.kernel.config.gateTtlMs,
  ); // prettier-ignore
  const gate = await ctx.write(async (tx) => {
    // Those who ask for the same at once ask for one decision.
    await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 52))', [digest]);
    const [pending] = await gates.list(tx, `where digest = $1 and status = 'pending' and expires_at > now() limit 1`, [
      digest,
    ]);
    if (pending) return pending;
    const policy = await tenantPolicy(tx);
    const rule = policy.ruled ? await ruleFor(tx, draft, policy.fourEyes) : null;
    const opening: GateTransition = {
      event: 'open', by: draft.requestedBy, transition: 'open', proof: null, correlationId: ctx.requestId,
    }; // prettier-ignore
    const written = await gates.insert(tx, { ...draft, rule });
    if (!written) throw new Error(`gate ${draft.id} stands already`);
    tx.log(gateEntry(written, opening, null));
    return written;
  });
  await startGate(ctx, gate, null).catch((err: unknown) => {
    if (!(err instanceof DomainError)) throw err;
    ctx.kernel.logger.debug({ err, gate: gate.id }, 'its workflow was not started at once; the worker does it');
  });
  return gate;
}

/** What was approved has been done: nobody waits for that to be written on the change. */
export function completeSoon(ctx: Ctx, gateId: string, execution: Execution): void {
  const { temporal, logger } = ctx.kernel;
  temporal.aside(async () => {
    try {
      const gate = await ctx.read((tx) => gates.byId(tx, gateId));
      if (!gate) return;
      await send(ctx, gate, 'complete', (proof, updateId) =>
        temporal.update(gateRef(ctx, gate), complete, updateId, {
          by: ctx.actor,
          result: `${execution.tool}: execution ${execution.id}`,
          proof,
          correlationId: ctx.requestId,
        }),
      );
    } catch (err) {
      logger.warn({ err, gate: gateId }, 'an approved call was made, and its change does not say so');
    }
  });
}
