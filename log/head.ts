import type { KeyObject } from 'node:crypto';
import { entryAt, lastSeq } from '../db/log-queries';
import type { Read } from '../db/tx';
import { headForm } from '../domain/log';
import { canonical } from './canonical';
import { verifyText, type Keyring } from './keys';

// Where a log ended, signed. Kept outside of the database, it shows what nothing inside of it can: that the log was taken
// back to an earlier state, or written anew from some entry on.

const text = (tenantId: string, seq: number, hash: string): string =>
  canonical({ version: 1, type: 'log_head', tenant_id: tenantId, seq, hash });

/** What a head says of a tenant's log; null when the key that it names (`find`) has not signed that. */
export function readHead(
  head: string,
  tenantId: string,
  find: (fingerprint: string) => KeyObject | null,
): { seq: number; hash: string } | null {
  const [, number = '', hash = '', fingerprint = '', signature = ''] = headForm.exec(head) ?? [];
  const key = find(fingerprint);
  const seq = Number(number);
  return key && verifyText(key, text(tenantId, seq, hash), signature) ? { seq, hash } : null;
}

/** Null while the log is empty. What it tells must be on disk (`untilOnDisk`) before it is handed out. */
export async function signHead(tx: Read, keyring: Pick<Keyring, 'sign'>): Promise<string | null> {
  const last = await entryAt(tx, await lastSeq(tx));
  if (!last) return null;
  const { signature, fingerprint } = keyring.sign('receipt', text(tx.tenantId, last.seq, last.hash));
  return [last.seq, last.hash, fingerprint, signature].join('.');
}

export interface HeadViolation {
  seq: number | null;
  /** It is not ours; the log ends before it; the log says something else there. */
  error: 'head_unknown' | 'rolled_back' | 'rewritten';
  expected: string | null;
  actual: string | null;
}

/** Null: the log still holds what it held when the head was signed. Needs a log that verifies. */
export async function checkHead(tx: Read, keyring: Pick<Keyring, 'find'>, head: string): Promise<HeadViolation | null> {
  const said = readHead(head, tx.tenantId, (fingerprint) => {
    const key = keyring.find(fingerprint);
    return key?.purpose === 'receipt' ? key.key : null;
  });
  if (!said) return { seq: null, error: 'head_unknown', expected: null, actual: null };
  const { seq, hash } = said;
  const stands = await entryAt(tx, seq);
  if (!stands) return { seq, error: 'rolled_back', expected: hash, actual: null };
  return stands.hash === hash ? null : { seq, error: 'rewritten', expected: hash, actual: stands.hash };
}
