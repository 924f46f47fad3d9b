import type { Attachment } from '../domain/ticket';
import type { Read } from './read';
import { attachments } from './tickets';

/** A page of a ticket's files, newest first, and the numbers of the notes that they belong to. */
export async function attachmentsOf(
  tx: Read,
  ticketId: string,
  limit: number,
  offset: number,
): Promise<{ files: Attachment[]; noteNumbers: Map<string, number>; total: number }> {
  const files = await attachments.list(tx, 'where ticket_id = $1 order by number desc limit $2 offset $3', [
    ticketId,
    limit,
    offset,
  ]);
  const noteIds = files.flatMap((f) => (f.noteId === null ? [] : [f.noteId]));
  const named = await tx.query<{ id: string; number: number }>(
    'select id, number from ticket_notes where id = any($1)',
    [noteIds],
  );
  const counted = await tx.query<{ n: number }>('select count(*)::int as n from attachments where ticket_id = $1', [
    ticketId,
  ]);
  return { files, noteNumbers: new Map(named.rows.map((r) => [r.id, r.number])), total: counted.rows[0]?.n ?? 0 };
}

/** One file of that ticket, by its number. */
export async function attachmentOn(tx: Read, ticketId: string, number: number): Promise<Attachment | null> {
  const [found] = await attachments.list(tx, 'where ticket_id = $1 and number = $2', [ticketId, number]);
  return found ?? null;
}
