import type { Actor } from '../domain/principal';
import { isTold } from '../domain/provider-notes';
import type { Note } from '../domain/ticket';
import { notes } from './tickets';
import type { Read, Write } from './tx';

// Which notes a ticket's provider is to be told, and which it was.

/** Has the provider of the ticket told of a note, where it has one. True: it has, and whoever reads the log sees to it. */
export async function tellProvider(tx: Write, note: Note, by: Actor): Promise<boolean> {
  if (!isTold(note)) return false;
  const { rows } = await tx.query<{ provider: string }>(
    'update ticket_links set notes = true where ticket_id = $1 and provider <> $2 returning provider',
    [note.ticketId, note.source],
  );
  const [link] = rows;
  if (!link) return false;
  tx.log({
    kind: 'ticket.sync_requested',
    actor: by,
    subject: { kind: 'ticket', id: note.ticketId },
    ticketId: note.ticketId,
    body: { provider: link.provider, want: 'note', note_id: note.number },
  });
  return true;
}

/** What was noted since there is a link, and the provider does not have: in the order in which it was written. */
export async function notesToTell(tx: Read, ticketId: string, limit: number): Promise<Note[]> {
  const found = await notes.list(
    tx,
    `where ticket_id = $1 and exists (select from ticket_links l where l.ticket_id = $1
         and ticket_notes.number > l.notes_after and ticket_notes.source <> l.provider)
       and not exists (select from provider_notes p where p.note_id = ticket_notes.id)
     order by number`,
    [ticketId],
  );
  return found.filter(isTold).slice(0, limit);
}

/** False: that is known already. */
export async function noteTold(tx: Read, note: Pick<Note, 'id' | 'ticketId'>): Promise<boolean> {
  const { rowCount } = await tx.query(
    'insert into provider_notes (note_id, tenant_id, ticket_id) values ($1, $2, $3) on conflict do nothing',
    [note.id, tx.tenantId, note.ticketId],
  );
  return rowCount === 1;
}
