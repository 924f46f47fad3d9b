import { executionAt } from '../../../db/executions';
import { gates } from '../../../db/gates';
import { callById, insertCall } from '../../../db/run-calls';
import type { RunView } from '../../../db/run-queries';
import { Conflict, Forbidden, NotFound, Unavailable } from '../../../domain/errors';
import { newGate } from '../../../domain/gate';
import { harnessEntry } from '../../../domain/harnesses';
import { storable } from '../../../domain/storable';
import { callTool } from '../../../workflows/tool-calls';
import type { remoteCalls } from '../../contracts/agentic/remote-calls';
import type { Ctx, Handlers } from '../../kernel';
import { Gone } from '../../temporal';
import { agentOf } from './agents-of';
import { openGate, startGate } from './gate-opener';
import { hidden, isOfRun, ownRun } from './seen';

const mostReason = 2_000;

/** What came of a call, as its ledger has it; null while it is under way: what people have to decide is sealed after it is recorded. */
const cameTo = (ctx: Ctx, callId: string) =>
  ctx.read(async (tx) => {
    const call = await callById(tx, callId);
    const came = call?.step == null ? null : await executionAt(tx, call.runId, call.step);
    return call && came && (came.decision !== 'escalate' || call.seal !== null) ? { call, came } : null;
  });

/** Has people decide about a call that was escalated: exactly it, and once. Answers the number of the change. */
async function asked(
  ctx: Ctx,
  run: RunView,
  call: { seal: string; tool: string; why: string | null },
): Promise<number> {
  const draft = newGate(
    {
      id: ctx.newId('gate'), tenantId: ctx.tenantId, ticketId: null, runId: run.id, agentId: run.agentId, accessRequestId: null,
      action: `call ${call.tool}`, target: call.tool, reason: call.why?.slice(0, mostReason) ?? null, command: null, riskLevel: 'medium',
      approvalPolicy: { requires_human: true }, digest: call.seal, ...agentOf(ctx, run),
    },
    new Date().toISOString(),
    ctx.kernel.config.gateTtlMs,
  ); // prettier-ignore
  const { gate } = await openGate(ctx, draft, run.ticketNumber);
  await startGate(ctx, gate, run);
  return gate.number;
}

export const remoteCallHandlers: Handlers<typeof remoteCalls> = {
  callTool: async ({ params, body }, ctx) => {
    const id = ctx.newId('call');
    const run = await ctx.write(async (tx) => {
      const run = await ownRun(ctx, tx, params.agent_id);
      const gate = body.change_id === undefined ? null : await gates.byNumber(tx, body.change_id);
      if (body.change_id !== undefined && (!gate || hidden(ctx, gate.ticketId))) throw new NotFound(`no change ${body.change_id}`);
      if (!isOfRun(ctx, run))
        throw new Forbidden(`only agent ${run.number} itself has its tools called`, { reason: 'not_the_agent', authenticated: true });
      if (harnessEntry(run.harness)?.kind !== 'remote')
        throw new Conflict(`agent ${run.number} is not elsewhere: it has its tools called here`, { field: 'agent_id' });
      if (gate && gate.runId !== run.id) throw new Conflict(`change ${gate.number} is not agent ${run.number}'s`, { field: 'change_id' });
      const args = storable(body.args);
      await insertCall(tx, { id, runId: run.id, tool: body.tool, args, why: body.why ?? null, gateId: gate?.id ?? null, keyId: ctx.principal.credentialId });
      return run;
    }); // prettier-ignore
    const before = ctx.repeatable ? await cameTo(ctx, id) : null;
    if (!before)
      await ctx.kernel.temporal
        .update({ kind: 'agentRun', tenantId: ctx.tenantId, id: run.id }, callTool, id, { id })
        .catch((e: unknown) => {
          if (e instanceof Gone) throw new Conflict(`agent ${run.number} has ended`, { status: run.status });
          throw e;
        });
    const found = before ?? (await cameTo(ctx, id));
    if (!found)
      throw new Unavailable('the call was not recorded: repeat it with the same Idempotency-Key', { retry: true });
    const { call, came } = found;
    const { step, tool, decision, reasons, result, error } = came;
    const change_id =
      decision === 'escalate' && call.seal !== null ? await asked(ctx, run, { ...call, seal: call.seal }) : null;
    return { agent_id: run.number, step, tool, decision, reasons, result, error, change_id };
  },
};
