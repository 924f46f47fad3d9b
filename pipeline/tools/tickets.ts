import { z } from 'zod';
import { writeNote } from '../../db/notes';
import { tellProvider } from '../../db/provider-notes';
import { ticketsWith } from '../../db/search';
import { notes } from '../../db/tickets';
import { Invalid } from '../../domain/errors';
import { termsOf } from '../../domain/terms';
import { tool } from '../call';
import { ownTicket } from './own';
import { rank } from './similar';

export const ticketsRelated = tool({
  name: 'tickets.related',
  description: 'Finds other tickets that speak of the same.',
  effect: 'read',
  scope: 'tickets:read',
  content: 'prose',
  args: z.strictObject({ ticket_id: z.int().positive() }),
  target: ({ ticket_id }) => `ticket ${ticket_id}`,
  async run({ ticket_id }, context) {
    const own = await ownTicket(context, ticket_id);
    const terms = termsOf(`${own.title} ${own.description}`, { limit: 40 });
    const found = await context.read((tx) => ticketsWith(tx, own.id, terms, 50));
    const related = rank(terms, found, ({ title, description }) => `${title} ${description}`, 10);
    return {
      tickets: related.map(({ item, score }) => ({ id: item.number, title: item.title, status: item.status, score })),
    };
  },
});

/** Postgres holds no NUL and no half of a surrogate pair. */
const storable = (text: string): string => text.toWellFormed().replaceAll('\u0000', '\uFFFD');

export const ticketsNote = tool({
  name: 'tickets.note',
  description: 'Writes a note on the ticket of the run.',
  effect: 'write',
  scope: 'tickets:note',
  content: 'prose',
  args: z.strictObject({ body: z.string().trim().min(1).max(20_000) }),
  target: () => 'ticket',
  async run({ body }, { call, write }) {
    if (!write) throw new Error('tickets.note writes, and was given nothing to write with');
    if (call.ticketId === null) throw new Invalid('this run has no ticket to note on');
    const key = `${call.owner.id}:${call.owner.step}`;
    const externalRef = `step:${key}`;
    const note = await writeNote(write, {
      ticketId: call.ticketId,
      key,
      source: 'agent',
      author: call.actor.name,
      actor: call.actor,
      body: storable(body),
      externalRef,
    });
    if (note) {
      await tellProvider(write, note, call.actor);
      return { note_id: note.number };
    }
    const [standing] = await notes.list(write, 'where ticket_id = $1 and external_ref = $2', [
      call.ticketId,
      externalRef,
    ]);
    if (!standing) throw new Error(`no note of step ${key}`);
    return { note_id: standing.number };
  },
});
