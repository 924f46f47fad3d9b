import type { Actor } from '../domain/principal';
import { isTold, toldSources } from '../domain/provider-notes';
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

/**
 * What was noted since there is a link, and the provider neither has nor refuses for good: in the order in which it was
 * written, so many at most. As `isTold` says.
 */
export const notesToTell = (tx: Read, ticketId: string, limit: number): Promise<Note[]> =>
  notes.list(
    tx,
    `where ticket_id = $1 and (visibility <> 'internal' or source = any($2))
       and exists (select from ticket_links l where l.ticket_id = $1
         and ticket_notes.number > l.notes_after and ticket_notes.source <> l.provider)
       and not exists (select from provider_notes p
         where p.note_id = ticket_notes.id and (p.told_at is not null or p.given_up_at is not null))
     order by number limit $3`,
    [ticketId, toldSources, limit],
  );

export const notesWithIds = (tx: Read, ids: readonly string[]): Promise<Note[]> =>
  notes.list(tx, 'where id = any($1)', [ids]);

type Told = Pick<Note, 'id' | 'ticketId'>;

/** False: that is known already. */
export async function noteTold(tx: Read, note: Told): Promise<boolean> {
  const { rowCount } = await tx.query(
    `insert into provider_notes (note_id, tenant_id, ticket_id, told_at) values ($1, $2, $3, now())
     on conflict (note_id) do update set told_at = now(), given_up_at = null where provider_notes.told_at is null`,
    [note.id, tx.tenantId, note.ticketId],
  );
  return rowCount === 1;
}

/** How often a note is tried that its provider refuses: with the waits between them, for about an hour. */
const mostRefusals = 12;

/** The provider refused a note once more. True: that was the last time, it is given up. */
export async function noteRefused(tx: Read, note: Told, why: string): Promise<boolean> {
  const { rows } = await tx.query<{ over: boolean }>(
    `insert into provider_notes as p (note_id, tenant_id, ticket_id, refusals, refusal) values ($1, $2, $3, 1, $4)
     on conflict (note_id) do update set refusals = p.refusals + 1, refusal = excluded.refusal,
       given_up_at = case when p.refusals + 1 >= $5 then now() end
     where p.told_at is null returning given_up_at is not null as over`,
    [note.id, tx.tenantId, note.ticketId, why, mostRefusals],
  );
  return rows[0]?.over ?? false;
}
