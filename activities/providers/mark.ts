import { createHmac, timingSafeEqual } from 'node:crypto';
import { notesWithIds } from '../../db/provider-notes';
import type { Read } from '../../db/tx';
import { saidIn, type RemoteEntry, type RemoteTicket } from '../../domain/provider';

// What tickets and notes of ours are found again by at their provider. Only this installation makes a mark that proves true:
// whoever writes there could otherwise have theirs taken for ours.

const proofOf = (masterKey: Buffer, what: string, tenantId: string, id: string): string =>
  createHmac('sha256', masterKey).update(`${what}:${tenantId}:${id}`).digest('hex').slice(0, 32);

export const markOf = (masterKey: Buffer, tenantId: string, ticketId: string): string =>
  `[wheelhouse:${ticketId}:${proofOf(masterKey, 'provider-mark', tenantId, ticketId)}]`;

export const noteMarkOf = (masterKey: Buffer, tenantId: string, noteId: string): string =>
  `[wheelhouse-note:${noteId}:${proofOf(masterKey, 'provider-note', tenantId, noteId)}]`;

/** What the mark is of, when `right` makes the same of it. */
function provenId(mark: string | null, right: (id: string) => string): string | null {
  const id = /^\[wheelhouse(?:-note)?:([0-9a-f-]{36}):/.exec(mark ?? '')?.[1];
  if (mark === null || id === undefined) return null;
  const [wanted, given] = [Buffer.from(right(id)), Buffer.from(mark)];
  return given.length === wanted.length && timingSafeEqual(given, wanted) ? id : null;
}

/** The ticket that a mark is of; null when it is none of ours. */
export const ticketOfMark = (masterKey: Buffer, tenantId: string, mark: string | null): string | null =>
  provenId(mark, (id) => markOf(masterKey, tenantId, id));

/** The note that a mark is of; null when it is none of ours. */
export const noteOfMark = (masterKey: Buffer, tenantId: string, mark: string | null): string | null =>
  provenId(mark, (id) => noteMarkOf(masterKey, tenantId, id));

/** Without what a way through markup changes. */
const bare = (text: string): string => text.normalize('NFC').replace(/[\s\u200b]/gu, '');

/**
 * What others wrote: our own notes are here already, and steer nobody a second time. An answer that ends with what it quotes
 * of us has our mark as well, and is theirs: ours is what our account wrote, or what says the same as the note does.
 */
export async function withoutOurs(masterKey: Buffer, tx: Read, remote: RemoteTicket): Promise<RemoteTicket> {
  const marked = remote.entries.map((entry) => ({ entry, id: noteOfMark(masterKey, tx.tenantId, entry.mark) }));
  const ids = marked.flatMap(({ id, entry }) => (id === null || entry.byUs ? [] : [id]));
  const ours = new Map((ids.length === 0 ? [] : await notesWithIds(tx, ids)).map((n) => [n.id, n]));
  const isOurs = (id: string, { byUs, text, mark }: RemoteEntry): boolean => {
    const note = ours.get(id);
    return (
      byUs ||
      (note !== undefined && bare(text) === bare(saidIn({ author: note.author, text: note.body }) + (mark ?? '')))
    );
  };
  return {
    ...remote,
    entries: marked.filter(({ entry, id }) => id === null || !isOurs(id, entry)).map((m) => m.entry),
  };
}
