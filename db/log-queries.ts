import type { Entry } from '../domain/log';
import { micros } from './instant';
import { prepared } from './prepared';
import type { Read } from './tx';

export const entryColumns = `tenant_id as "tenantId", seq, id, ${micros('at')} as at, kind, actor, subject_kind as "subjectKind",
  subject_id as "subjectId", version, transition, ticket_id as "ticketId", run_id as "runId", agent_id as "agentId", tool,
  decision, reason, request_id as "requestId", correlation_id as "correlationId", body, digest, prev_hash as "prevHash", hash,
  chain_shard as "chainShard", event_prev as "eventPrev", event_hash as "eventHash"`;

export type EntryRow = Entry & Record<string, unknown>;

/** In order, from right after `seq` on. */
export async function entriesAfter(tx: Read, seq: number, limit: number): Promise<Entry[]> {
  const { rows } = await tx.query<EntryRow>(`select ${entryColumns} from log where seq > $1 order by seq limit $2`, [
    seq,
    limit,
  ]);
  return rows;
}

/** Where the log ends; 0 when it is empty. */
export async function lastSeq(tx: Read): Promise<number> {
  const { rows } = await prepared<{ seq: number }>(tx, 'select coalesce(max(seq), 0) as seq from log', []);
  return rows[0]?.seq ?? 0;
}

export async function entryAt(tx: Read, seq: number): Promise<Pick<Entry, 'seq' | 'hash'> | null> {
  const { rows } = await tx.query<{ seq: number; hash: string }>('select seq, hash from log where seq = $1', [seq]);
  return rows[0] ?? null;
}

/** A receipt as it was signed: the very text, and what signed it. */
export interface StoredReceipt {
  entryId: string;
  receipt: string;
  signature: string;
  fingerprint: string;
}
type ReceiptRow = StoredReceipt & Record<string, unknown>;
const receiptColumns = 'r.entry_id as "entryId", r.receipt, r.signature, r.fingerprint';
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** By the entry's id, or by the request id that the entry carries. */
export async function receiptOf(tx: Read, id: string): Promise<StoredReceipt | null> {
  const { rows } = await tx.query<ReceiptRow>(
    `select ${receiptColumns} from log l join receipts r on r.tenant_id = l.tenant_id and r.entry_id = l.id
     where l.id = $1::uuid or l.request_id = $2 limit 1`,
    [uuid.test(id) ? id : null, id],
  );
  return rows[0] ?? null;
}

/** By its id, or by the request id that it carries. */
export async function entryOf(tx: Read, id: string): Promise<Entry | null> {
  const { rows } = await prepared<EntryRow>(
    tx,
    `select ${entryColumns} from log where id = $1::uuid or request_id = $2 order by seq limit 1`,
    [uuid.test(id) ? id : null, id],
  );
  return rows[0] ?? null;
}
