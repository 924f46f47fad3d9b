import type { Ticket, TicketStatus } from './ticket';

/**
 * Any known status may follow any other. What is put aside while people are asked stays put aside: asking twice keeps
 * the first.
 */
export function withStatus(ticket: Ticket, status: TicketStatus): Ticket {
  if (status !== 'awaiting_user_response') return { ...ticket, status, previousStatus: null };
  return ticket.status === status ? ticket : { ...ticket, status, previousStatus: ticket.status };
}

/** The answer came: back to what was put aside. One that waits for no answer stays as it is. */
export function answered(ticket: Ticket): Ticket {
  if (ticket.status !== 'awaiting_user_response') return ticket;
  return { ...ticket, status: ticket.previousStatus ?? 'in_progress', previousStatus: null };
}

/** Names that other systems give to the classes here; one that is unknown says by its words what it is. */
const classNames: Record<string, string> = {
  change: 'RoutineChange',
  servicerequest: 'UserRequest',
  task: 'UserRequest',
  story: 'UserRequest',
  bug: 'Incident',
};
export const ticketClasses = ['Incident', 'UserRequest', 'RoutineChange', 'NormalChange', 'EmergencyChange'] as const;

export function ticketClassOf(given: string): string {
  const name = given.toLowerCase().replace(/[\s_-]+/g, '');
  const known = ticketClasses.find((c) => c.toLowerCase() === name) ?? classNames[name];
  if (known) return known;
  if (/phish|alert|edr|incident/.test(name)) return 'Incident';
  return /change|deploy/.test(name) ? 'RoutineChange' : 'UserRequest';
}
