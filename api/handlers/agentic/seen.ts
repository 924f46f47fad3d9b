import { runByNumber, type RunView } from '../../../db/run-queries';
import { lockTicket, ticketByNumber, type TicketView } from '../../../db/ticket-queries';
import type { Read } from '../../../db/tx';
import { Forbidden, NotFound } from '../../../domain/errors';
import type { Ticket } from '../../../domain/ticket';
import type { Ctx } from '../../kernel';

/** A credential of a run sees its own ticket; every other is to it as one that never was. */
export const hidden = (ctx: Ctx, ticketId: string | null): boolean =>
  ctx.principal.ticketId !== null && ctx.principal.ticketId !== ticketId;

/** What an agent wrote counts when people have read it: they, and no agent, say so. @throws Forbidden */
export function assertPerson(ctx: Ctx, why: string): void {
  if (ctx.principal.kind !== 'agent') return;
  throw new Forbidden(why, { reason: 'agent', authenticated: true });
}

/** @throws NotFound, for a foreign ticket as for one that never was */
export async function seenTicket(ctx: Ctx, tx: Read, number: number): Promise<TicketView> {
  const ticket = await ticketByNumber(tx, number);
  if (!ticket || hidden(ctx, ticket.id)) throw new NotFound(`no ticket ${number}`);
  return ticket;
}

/** The ticket, held until the transaction ends. @throws NotFound */
export async function heldTicket(ctx: Ctx, tx: Read, number: number): Promise<Ticket> {
  const { id } = await seenTicket(ctx, tx, number);
  const ticket = await lockTicket(tx, id);
  if (!ticket) throw new NotFound(`no ticket ${number}`);
  return ticket;
}

/** @throws NotFound */
export async function seenRun(ctx: Ctx, tx: Read, number: number): Promise<RunView> {
  const run = await runByNumber(tx, number);
  if (!run || hidden(ctx, run.ticketId)) throw new NotFound(`no agent ${number}`);
  return run;
}

/**
 * Whether the caller, where it is an agent, is the one at work in this run. A run's credential is of that run alone: many
 * runs may be of one agent, on one ticket as well. A key of an agent that is bound to no run is of all its runs.
 */
export const isOfRun = ({ principal }: Ctx, run: Pick<RunView, 'id' | 'agentId'>): boolean =>
  principal.runId === null ? principal.id === run.agentId : principal.runId === run.id;

/** Whether it is an agent that asks, and the run is another's. */
export const isOthers = (ctx: Ctx, run: Pick<RunView, 'id' | 'agentId'>): boolean =>
  (ctx.principal.kind === 'agent' || ctx.principal.runId !== null) && !isOfRun(ctx, run);

/** As `seenRun`, for what a run does for itself: to another's credential it is one that never was. @throws NotFound */
export async function ownRun(ctx: Ctx, tx: Read, number: number): Promise<RunView> {
  const run = await seenRun(ctx, tx, number);
  if (isOthers(ctx, run)) throw new NotFound(`no agent ${number}`);
  return run;
}

/** The agent that a request about a ticket names; null when it names none. @throws NotFound when it works on another ticket */
export async function agentOnTicket(
  ctx: Ctx,
  tx: Read,
  ticket: Pick<Ticket, 'id' | 'number'>,
  number: number | undefined,
): Promise<RunView | null> {
  if (number === undefined) return null;
  const run = await seenRun(ctx, tx, number);
  if (run.ticketId !== ticket.id) throw new NotFound(`no agent ${number} on ticket ${ticket.number}`);
  return run;
}
