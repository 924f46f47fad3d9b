import { v5 } from 'uuid';
import type { Actor } from '../domain/principal';
import type { Note } from '../domain/ticket';
import { notes } from './tickets';
import type { Read, Statement } from './tx';

export interface NewNote {
  ticketId: string;
  /** The note's id derives from it, so that a repeat writes nothing. */
  key: string;
  source: string;
  author: string;
  actor: Actor;
  body: string;
  externalRef?: string;
  visibility?: string;
}

/** A note of the control plane or of an agent. */
export const newNote = (tenantId: string, note: NewNote): Note => ({
  id: v5(`note:${note.key}`, note.ticketId),
  tenantId,
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

export const writeNote = (tx: Read, note: NewNote): Promise<Note | null> =>
  notes.insert(tx, newNote(tx.tenantId, note));

/** The same as a statement for the end of a transaction. */
export const noteStatement = (tenantId: string, note: NewNote): Statement => ({
  name: 'write note',
  text: 'select write_note($1)',
  values: [notes.json(newNote(tenantId, note))],
});
