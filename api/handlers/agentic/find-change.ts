import { gateByNumber, type GateView } from '../../../db/changes';
import { NotFound } from '../../../domain/errors';
import type { Ctx } from '../../kernel';

/** @throws NotFound, for a foreign change as for one that never was */
export async function findChange(ctx: Ctx, number: number): Promise<GateView> {
  const gate = await ctx.kernel.store.readOnce(ctx.tenantId, (tx) => gateByNumber(tx, number));
  const { ticketId } = ctx.principal;
  if (!gate || (ticketId !== null && gate.ticketId !== ticketId)) throw new NotFound(`no change ${number}`);
  return gate;
}
