import type { Actor } from './principal';

export const noteTypes = ['analysis', 'false_positive', 'confirmed_threat', 'escalated'] as const;
export type AuditNoteType = (typeof noteTypes)[number];

/** What somebody says about an entry of the log; never changed. */
export interface AuditNote {
  id: string;
  entryId: string;
  noteType: AuditNoteType;
  body: string;
  author: Actor;
  createdAt: string;
}
