import { verify, type KeyObject } from 'node:crypto';
import { lastSeq, type StoredReceipt } from '../db/log-queries';
import {
  callsWithoutReceipt, copyEntries, furthestReader, place, rawEntries, receiptsWithEntries, type RawEntry, type Seq,
} from '../db/log-verify'; // prettier-ignore
import type { Read } from '../db/tx';
import { canonical } from './canonical';
import { entryDigest, entryHash, eventHash, shardOf, zeros } from './chain';
import type { Keyring } from './keys';
import { receiptText } from './receipts';
import { soundness, type Tails } from './sound';

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

/** The log holds canonical text; what it has from before that is made canonical again. */
const afresh = (json: string): string => canonical(JSON.parse(json));
const madeCanonical = (e: RawEntry): RawEntry => ({ ...e, actor: afresh(e.actor), body: afresh(e.body) });

/**
 * Checks entries that come in order, from what stands before them on: content, both chains, gaps. It trusts no hash that it
 * has not computed, and after a break goes on from what stands, so that one forgery is one finding and not one an entry.
 */
function chainChecker(report: Report, last: Tails): (e: RawEntry) => void {
  return (e) => {
    const said = (error: ViolationCode, expected: string | null = null, actual: string | null = null): void =>
      report({ seq: e.seq, id: e.id, requestId: e.requestId, shard: e.chainShard, error, expected, actual });
    const same = (error: ViolationCode, expected: string | null, actual: string): void => {
      if (expected !== actual) said(error, expected, actual);
    };
    if (e.seq !== last.seq + 1) said('gap', String(last.seq + 1), String(e.seq));
    same('prev_hash_mismatch', last.hash, e.prevHash);
    if (entryDigest(e) !== e.digest)
      same(
        'content_mismatch',
        recomputed(() => entryDigest(madeCanonical(e))),
        e.digest,
      );
    same('hash_mismatch', entryHash(e), e.hash);
    if (e.at <= last.at) said('time_not_rising', last.at, e.at);
    const shard = shardOf(e.requestId);
    if (shard !== e.chainShard) said('shard_mismatch', String(shard), String(e.chainShard));
    same('event_prev_mismatch', last.shards.get(e.chainShard) ?? zeros, e.eventPrev);
    same('event_hash_mismatch', eventHash(e.eventPrev, e), e.eventHash);
    Object.assign(last, { seq: e.seq, at: e.at, hash: e.hash });
    last.shards.set(e.chainShard, e.eventHash);
  };
}

/** Off the event loop: a signature costs more than all the hashes of its entry. */
const signed = ({ receipt, signature }: StoredReceipt, key: KeyObject): Promise<boolean> =>
  new Promise((resolve, reject) => {
    verify(null, Buffer.from(receipt), key, Buffer.from(signature, 'base64url'), (e, good) =>
      e ? reject(e) : resolve(good),
    );
  });

/** Whatever has a receipt, it says what the entry says, in our hand. Null: nothing wrong. */
async function receiptError(
  stored: StoredReceipt & RawEntry,
  keyring: Pick<Keyring, 'find'>,
): Promise<ViolationCode | null> {
  const key = keyring.find(stored.fingerprint);
  if (key?.purpose !== 'receipt') return 'receipt_key_unknown';
  if (!(await signed(stored, key.key))) return 'receipt_signature_mismatch';
  return recomputed(() => receiptText(madeCanonical(stored))) === stored.receipt ? null : 'receipt_mismatch';
}

const of = ({ seq, id, requestId, chainShard }: RawEntry, error: ViolationCode): Violation => ({
  seq, id, requestId, shard: chainShard, error, expected: null, actual: null,
}); // prettier-ignore
const ofNone = (error: ViolationCode): Violation => ({
  seq: null, id: null, requestId: null, shard: null, error, expected: null, actual: null,
}); // prettier-ignore

/** Every receipt has its entry, and every call of a tool its receipt. */
async function checkReceipts(tx: Read, keyring: Pick<Keyring, 'find'>, report: Report): Promise<void> {
  for await (const receipts of receiptsWithEntries(tx, batch)) {
    const errors = await Promise.all(receipts.map(async (r) => (r.id === null ? null : receiptError(r, keyring))));
    receipts.forEach((r, i) => {
      const error = errors[i];
      if (r.id === null) report({ ...ofNone('entry_missing'), id: r.entryId });
      else if (error) report(of(r, error));
    });
  }
  for (const call of await callsWithoutReceipt(tx)) report(of(call, 'receipt_missing'));
}

/** The other trace that an entry leaves outside the log: the place of a reader that has read it. */
async function checkReaders(tx: Read, report: Report): Promise<void> {
  const [end, reader] = [await lastSeq(tx), await furthestReader(tx)];
  if (reader && reader.seq > end) {
    report({ ...ofNone('truncated'), expected: String(reader.seq), actual: String(end) });
  }
}

const mostViolations = 100;
/** Small enough that a batch does not hold up other requests of the process. */
const batch = 500;

export interface Verification {
  rowsChecked: number;
  errorCount: number;
  /** The first hundred. */
  violations: Violation[];
}

/** Most entries are right, and that is told from their bytes; from the first that is not on, those copied with it are read again. */
async function checkEntries(tx: Read, report: Report, most: number): Promise<number> {
  const tails: Tails = { seq: 0, at: '', hash: zeros, shards: new Map() };
  const [vouches, check] = [soundness(tails), chainChecker(report, tails)];
  let checked = 0;
  for (let after: Seq | null = null; ;) {
    const part: { rows: number; sound: boolean; vouched: Seq | null; last: Seq | null } = {
      rows: 0, sound: true, vouched: after, last: after,
    }; // prettier-ignore
    await copyEntries(tx, after, most, (entry) => {
      part.rows += 1;
      part.sound &&= vouches(entry);
      part.last = part.sound ? tails.seq : entry.text(place.seq);
      if (part.sound) part.vouched = tails.seq;
    });
    if (!part.sound && part.last !== null) {
      for await (const entries of rawEntries(tx, part.vouched, part.last, batch)) entries.forEach(check);
    }
    checked += part.rows;
    if (part.rows < most) return checked;
    after = part.last;
  }
}

/**
 * Verifies a tenant's whole log, from the rows alone, in one snapshot and bounded memory. `most` entries are copied by one
 * statement: it has to end before the connection gives up waiting for it.
 */
export async function verifyLog(tx: Read, keyring: Pick<Keyring, 'find'>, most = 10_000): Promise<Verification> {
  const found: Verification = { rowsChecked: 0, errorCount: 0, violations: [] };
  const report: Report = (v) => {
    found.errorCount += 1;
    if (found.violations.length < mostViolations) found.violations.push(v);
  };
  found.rowsChecked = await checkEntries(tx, report, most);
  await checkReceipts(tx, keyring, report);
  await checkReaders(tx, report);
  return found;
}
