import type { AuditNote } from '../domain/audit-note';
import { micros } from './instant';
import { prepared } from './prepared';
import type { Read } from './tx';

const columns = `id, entry_id as "entryId", note_type as "noteType", body, author, ${micros('created_at')} as "createdAt"`;
type Row = { [K in keyof AuditNote]: AuditNote[K] };

/** As they were said, oldest first. */
export async function notesOfEntry(tx: Read, entryId: string): Promise<AuditNote[]> {
  const { rows } = await prepared<Row>(
    tx,
    `select ${columns} from audit_notes where entry_id = $1 order by created_at, id limit 1000`,
    [entryId],
  );
  return rows;
}

/** The note as it stands; `isNew` is false for one that was written before under its id. */
export async function addAuditNote(
  tx: Read,
  n: Omit<AuditNote, 'createdAt'>,
): Promise<{ note: AuditNote; isNew: boolean }> {
  const added = await tx.query<Row>(
    `insert into audit_notes (id, tenant_id, entry_id, note_type, body, author) values ($1, $2, $3, $4, $5, $6)
     on conflict (id) do nothing returning ${columns}`,
    [n.id, tx.tenantId, n.entryId, n.noteType, n.body, n.author],
  );
  if (added.rows[0]) return { note: added.rows[0], isNew: true };
  const { rows } = await tx.query<Row>(`select ${columns} from audit_notes where id = $1`, [n.id]);
  if (!rows[0]) throw new Error(`the note ${n.id} is neither new nor there`);
  return { note: rows[0], isNew: false };
}
