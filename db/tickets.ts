import { AttachmentSchema, NoteSchema, SteeringEventSchema, TicketSchema } from '../domain/ticket.schema';
import { entity } from './entity';

export const tickets = entity('tickets', TicketSchema, ['number']);
export const notes = entity('ticket_notes', NoteSchema, ['number']);
export const attachments = entity('attachments', AttachmentSchema, ['number']);
export const steeringEvents = entity('steering_events', SteeringEventSchema, ['number']);
