import { tickets } from '../generated/open.js';
import { Listing } from '../listing.js';
import type { CallOptions } from '../wire.js';
import { Group, type Answer, type Body, type Filter } from './group.js';
import { offsets } from './offsets.js';

export type Ticket = Answer<'GET', '/api/tickets/{ticket_id}'>;
export type TicketFilter = Omit<Filter<'/api/tickets'>, 'offset'>;
export type ListedTicket = Answer<'GET', '/api/tickets'>['tickets'][number];
export type NewTicket = Body<'POST', '/api/tickets'>;
export type NewNote = Body<'POST', '/api/tickets/{ticket_id}/notes'>;
export type StatusChange = Body<'POST', '/api/tickets/{ticket_id}/status'>;

/** The work that people see. */
export class Tickets extends Group {
  protected override readonly open = tickets;

  /** Newest first unless sorted. */
  list(filter: TicketFilter = {}, options?: CallOptions): Listing<ListedTicket> {
    return new Listing(
      offsets(async (page) => {
        const answer = await this.whole('GET', '/api/tickets', { query: { ...filter, ...page } }, options);
        return { items: answer.tickets, total: answer.total };
      }, filter.limit),
    );
  }
  get(id: number, options?: CallOptions): Promise<Ticket> {
    return this.whole('GET', '/api/tickets/{ticket_id}', { path: { ticket_id: id } }, options);
  }
  /** An agent is assigned at once when an enabled rule says so; `autoAssign: false` leaves it to you. */
  create(ticket: NewTicket, options?: CallOptions): Promise<Answer<'POST', '/api/tickets'>> {
    return this.whole('POST', '/api/tickets', { body: ticket }, options);
  }
  /** @returns the id of the note, and which agent hears it */
  addNote(id: number, note: NewNote, options?: CallOptions): Promise<Answer<'POST', '/api/tickets/{ticket_id}/notes'>> {
    return this.whole('POST', '/api/tickets/{ticket_id}/notes', { path: { ticket_id: id }, body: note }, options);
  }
  setStatus(
    id: number,
    change: StatusChange,
    options?: CallOptions,
  ): Promise<Answer<'POST', '/api/tickets/{ticket_id}/status'>> {
    return this.whole('POST', '/api/tickets/{ticket_id}/status', { path: { ticket_id: id }, body: change }, options);
  }
  /** Sets an agent to work on it. @throws ConflictError when one works on it already */
  assignAgent(
    id: number,
    work: Body<'POST', '/api/tickets/{ticket_id}/assign-agent'> = {},
    options?: CallOptions,
  ): Promise<Answer<'POST', '/api/tickets/{ticket_id}/assign-agent'>> {
    return this.whole(
      'POST',
      '/api/tickets/{ticket_id}/assign-agent',
      { path: { ticket_id: id }, body: work },
      options,
    );
  }
}
