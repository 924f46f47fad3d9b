import { gateByNumber, type GateView } from '../../../db/changes';
import { NotFound } from '../../../domain/errors';
import type { Ctx } from '../../kernel';
import { isOfRun } from './seen';

/** @throws NotFound, for a foreign change as for one that never was */
export async function findChange(ctx: Ctx, number: number): Promise<GateView> {
  const gate = await ctx.kernel.store.readOnce(ctx.tenantId, (tx) => gateByNumber(tx, number));
  const { ticketId } = ctx.principal;
  if (!gate || (ticketId !== null && gate.ticketId !== ticketId)) throw new NotFound(`no change ${number}`);
  return gate;
}

/** As `findChange`, for what an agent does about it: of a change of another run's it knows nothing. @throws NotFound */
export async function findOwnChange(ctx: Ctx, number: number): Promise<GateView> {
  const gate = await findChange(ctx, number);
  const { runId, agentId, requestedBy } = gate;
  const { kind, id, runId: boundTo } = ctx.principal;
  // Of no run: a run's credential may do what is asked of its ticket; an agent's own, what it asked for itself.
  const asked = boundTo !== null || agentId === id || requestedBy.id === id;
  const own = runId === null ? asked : agentId !== null && isOfRun(ctx, { id: runId, agentId });
  if (kind === 'agent' && !own) throw new NotFound(`no change ${number}`);
  return gate;
}
