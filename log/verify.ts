import { verify, type KeyObject } from 'node:crypto';
import {
  entriesAfter, furthestReader, lastSeq, receiptsOf, receiptsWithoutEntry, type StoredReceipt,
} from '../db/log-queries'; // prettier-ignore
import type { Read } from '../db/tx';
import type { Entry } from '../domain/log';
import { entryDigest, entryHash, eventHash, shardOf, zeros } from './chain';
import type { Keyring } from './keys';
import { receiptText } from './receipts';

export type ViolationCode =
  | 'gap' | 'prev_hash_mismatch' | 'content_mismatch' | 'hash_mismatch' | 'time_not_rising' | 'shard_mismatch'
  | 'event_prev_mismatch' | 'event_hash_mismatch' | 'receipt_missing' | 'receipt_mismatch' | 'receipt_key_unknown'
  | 'receipt_signature_mismatch' | 'entry_missing' | 'truncated'; // prettier-ignore

export interface Violation {
  seq: number | null;
  /** The entry's id. */
  id: string | null;
  requestId: string | null;
  shard: number | null;
  error: ViolationCode;
  expected: string | null;
  actual: string | null;
}
type Report = (v: Violation) => void;

/** What follows from the entry alone, or null when it holds what canonical JSON has no form for: then it was not written by us. */
function recomputed<T>(from: () => T): T | null {
  try {
    return from();
  } catch {
    return null;
  }
}

/**
 * Checks entries that come in order, from the first on: content, both chains, gaps. It trusts no hash that it has not
 * computed, and after a break goes on from what stands, so that one forgery is one finding and not one an entry.
 */
export function chainChecker(report: Report): (e: Entry) => void {
  let last: Pick<Entry, 'seq' | 'at' | 'hash'> = { seq: 0, at: '', hash: zeros };
  const shards = new Map<number, string>();
  return (e) => {
    const said = (error: ViolationCode, expected: string | null = null, actual: string | null = null): void =>
      report({ seq: e.seq, id: e.id, requestId: e.requestId, shard: e.chainShard, error, expected, actual });
    const same = (error: ViolationCode, expected: string | null, actual: string): void => {
      if (expected !== actual) said(error, expected, actual);
    };
    const shardTail = shards.get(e.chainShard) ?? zeros;
    if (e.seq !== last.seq + 1) said('gap', String(last.seq + 1), String(e.seq));
    same('prev_hash_mismatch', last.hash, e.prevHash);
    same('content_mismatch', recomputed(() => entryDigest(e)), e.digest); // prettier-ignore
    same('hash_mismatch', entryHash(e), e.hash);
    if (e.at <= last.at) said('time_not_rising', last.at, e.at);
    same('shard_mismatch', String(shardOf(e.requestId)), String(e.chainShard));
    same('event_prev_mismatch', shardTail, e.eventPrev);
    same('event_hash_mismatch', eventHash(e.eventPrev, e), e.eventHash);
    last = e;
    shards.set(e.chainShard, e.eventHash);
  };
}

/** Off the event loop: a signature costs more than all the hashes of its entry. */
const signed = ({ receipt, signature }: StoredReceipt, key: KeyObject): Promise<boolean> =>
  new Promise((resolve, reject) => {
    verify(null, Buffer.from(receipt), key, Buffer.from(signature, 'base64url'), (e, good) =>
      e ? reject(e) : resolve(good),
    );
  });

/** A governed call always has a receipt; whatever has one, it says what the entry says, in our hand. Null: nothing wrong. */
async function receiptError(
  e: Entry,
  stored: StoredReceipt | undefined,
  keyring: Pick<Keyring, 'find'>,
): Promise<ViolationCode | null> {
  if (!stored) return e.kind.startsWith('execution.') ? 'receipt_missing' : null;
  const key = keyring.find(stored.fingerprint);
  if (key?.purpose !== 'receipt') return 'receipt_key_unknown';
  if (!(await signed(stored, key.key))) return 'receipt_signature_mismatch';
  return recomputed(() => receiptText(e)) === stored.receipt ? null : 'receipt_mismatch';
}

/** Two kinds of trace that an entry leaves outside the log: a receipt, and the place of a reader that has read it. */
async function checkTail(tx: Read, report: Report): Promise<void> {
  const missing = { seq: null, requestId: null, shard: null, expected: null, actual: null };
  for (const id of await receiptsWithoutEntry(tx, mostViolations)) report({ ...missing, id, error: 'entry_missing' });
  const [end, reader] = [await lastSeq(tx), await furthestReader(tx)];
  if (reader && reader.seq > end) {
    report({ ...missing, id: null, error: 'truncated', expected: String(reader.seq), actual: String(end) });
  }
}

const mostViolations = 100;
/** Small enough that a batch does not hold up other requests of the process. */
const batch = 200;

export interface Verification {
  rowsChecked: number;
  errorCount: number;
  /** The first hundred. */
  violations: Violation[];
}

/** Verifies a tenant's whole log, from the rows alone, in one snapshot and bounded memory. */
export async function verifyLog(tx: Read, keyring: Pick<Keyring, 'find'>): Promise<Verification> {
  const found: Verification = { rowsChecked: 0, errorCount: 0, violations: [] };
  const report: Report = (v) => {
    found.errorCount += 1;
    if (found.violations.length < mostViolations) found.violations.push(v);
  };
  const check = chainChecker(report);
  for (let seq = Number.MIN_SAFE_INTEGER; ;) {
    const entries = await entriesAfter(tx, seq, batch);
    const receipts = new Map((await receiptsOf(tx, entries.map((e) => e.id))).map((r) => [r.entryId, r])); // prettier-ignore
    entries.forEach(check);
    const errors = await Promise.all(entries.map((e) => receiptError(e, receipts.get(e.id), keyring)));
    entries.forEach((e, i) => {
      const error = errors[i];
      const { seq: at, id, requestId, chainShard: shard } = e;
      if (error) report({ seq: at, id, requestId, shard, error, expected: null, actual: null });
    });
    found.rowsChecked += entries.length;
    const last = entries.at(-1);
    if (!last || entries.length < batch) break;
    seq = last.seq;
  }
  await checkTail(tx, report);
  return found;
}
