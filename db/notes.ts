import { v5 } from 'uuid';
import type { Actor } from '../domain/principal';
import type { Note } from '../domain/ticket';
import { notes } from './tickets';
import type { Read } from './tx';

/** A note of the control plane or of an agent. Its id derives from `key`, so that a repeat writes nothing. */
export async function writeNote(
  tx: Read,
  note: {
    ticketId: string;
    key: string;
    source: string;
    author: string;
    actor: Actor;
    body: string;
    externalRef?: string;
    visibility?: string;
  },
): Promise<Note | null> {
  return notes.insert(tx, {
    id: v5(`note:${note.key}`, note.ticketId),
    tenantId: tx.tenantId,
    number: 0,
    ticketId: note.ticketId,
    source: note.source,
    author: note.author,
    actor: note.actor,
    body: note.body,
    visibility: note.visibility ?? 'internal',
    externalRef: note.externalRef ?? null,
    createdAt: new Date().toISOString(),
  });
}
