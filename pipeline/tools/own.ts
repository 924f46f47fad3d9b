import { attachments, tickets } from '../../db/tickets';
import { NotFound } from '../../domain/errors';
import type { Ticket } from '../../domain/ticket';
import type { ToolContext } from '../call';

type Looking = Pick<ToolContext, 'read' | 'call'>;

/** The ticket that a call is about: its own, by the number that arguments name. @throws NotFound */
export async function ownTicket(context: Looking, number: number): Promise<Ticket> {
  const { ticketId } = context.call;
  const ticket = ticketId === null ? null : await context.read((tx) => tickets.byId(tx, ticketId));
  if (ticket?.number !== number)
    throw new NotFound(`ticket_id: ${number} is not the ticket of this run`, { field: 'ticket_id' });
  return ticket;
}

/** A file on the call's own ticket whose bytes are here. @throws NotFound, which says no more of files of others */
export async function ownFile(context: Looking, id: string): Promise<{ sha256: string; sizeBytes: number }> {
  const file = await context.read((tx) => attachments.byId(tx, id));
  if (
    file === null ||
    file.ticketId !== context.call.ticketId ||
    !file.stored ||
    file.sha256 === null ||
    file.sizeBytes === null
  ) {
    throw new NotFound(`attachment_id: the ticket has no stored attachment ${id}`, { field: 'attachment_id' });
  }
  return { sha256: file.sha256, sizeBytes: file.sizeBytes };
}
