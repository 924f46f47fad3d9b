import { z } from 'zod';
import { canonical } from '../canonical';
import { climb, emptyDayRoot, rfc6962 } from '../merkle';
import { noteKey, readCheckpoint, readVerifierKey, signedBy } from '../notes';
import { checkReceipt, type CheckedReceipt, type ReceiptKey } from '../receipts';

// What archives say of days, checked without a server.

/** One thing that was looked at, as a line. */
export interface Line {
  good: boolean;
  text: string;
}
export type Find = (fingerprint: string | null) => ReceiptKey | null;

export const hex64 = z.string().regex(/^[0-9a-f]{64}$/);
const Checkpoint = z.object({ index: z.int().min(0), size: z.int().min(1), path: z.array(hex64), note: z.string() });
/** What `GET /transparency/roots/{date}` answers. */
export const ArchivedRoot = z.object({
  root_date: z.iso.date(),
  root_hash: hex64,
  prev_root_hash: hex64.nullish(),
  leaf_count: z.int().min(0),
  signed: z.unknown(),
  checkpoint: Checkpoint.nullish(),
});
export type ArchivedRoot = z.output<typeof ArchivedRoot>;

const isDayAfter = (a: string, b: string): boolean => Date.parse(b) - Date.parse(a) === 86_400_000;

/** Null: it was signed as it stands, by a key that is known. */
export function rootError(root: ArchivedRoot, find: Find): string | null {
  const { receipt, error }: CheckedReceipt = checkReceipt(root.signed, find);
  if (error ?? !receipt) return error ?? 'malformed_payload';
  if (receipt['kind'] !== 'transparency_root') return 'malformed_payload';
  const says: Record<string, unknown> = {
    root_date: root.root_date,
    root_hash: root.root_hash,
    prev_root_hash: root.prev_root_hash ?? null,
    leaf_count: root.leaf_count,
  };
  if (Object.entries(says).some(([field, value]) => receipt[field] !== value)) return 'root_hash_mismatch';
  return root.leaf_count === 0 && emptyDayRoot(root.prev_root_hash ?? null) !== root.root_hash
    ? 'root_hash_mismatch'
    : null;
}

/** Null: the note is ours, and this root is the leaf that it says. */
function checkpointError(root: ArchivedRoot, find: Find): string | null {
  const { checkpoint } = root;
  if (!checkpoint) return null;
  const note = readCheckpoint(checkpoint.note);
  const signed = root.signed as { public_key_fingerprint?: string; receipt: Record<string, unknown> };
  const key = find(signed.public_key_fingerprint ?? null);
  if (!note || !key) return 'malformed_checkpoint';
  if (!note.origin.endsWith(`/${String(signed.receipt['tenant_id'])}`)) return 'checkpoint_origin_mismatch';
  const ours = noteKey(note.origin, 'log', key.key);
  if (!note.signatures.some((s) => signedBy(note.text, ours, s))) return 'checkpoint_signature_mismatch';
  const leaf = rfc6962.leaf(canonical(root.signed));
  const path = checkpoint.path.map((h) => Buffer.from(h, 'hex'));
  const at = checkpoint.size === note.size ? climb(leaf, checkpoint.index, checkpoint.size, path) : null;
  return at?.equals(note.root) ? null : 'checkpoint_proof_mismatch';
}

/** Each root by itself, on the day before where that is there, and under its checkpoint; the newest by each witness. */
export function rootLines(roots: readonly ArchivedRoot[], find: Find, witnesses: readonly string[]): Line[] {
  const sorted = [...roots].sort((a, b) => (a.root_date < b.root_date ? -1 : 1));
  const lines = sorted.map((root, i): Line => {
    const before = sorted[i - 1];
    const hangs = !before || !isDayAfter(before.root_date, root.root_date) || root.prev_root_hash === before.root_hash;
    const error = rootError(root, find) ?? (hangs ? checkpointError(root, find) : 'prev_root_hash_mismatch');
    const said = `root of ${root.root_date}: ${root.leaf_count} receipts, ${root.root_hash}`;
    return { good: error === null, text: error ? `${error}  ${said}` : said };
  });
  const newest = sorted.findLast((r) => r.checkpoint)?.checkpoint;
  const note = readCheckpoint(newest?.note ?? '');
  const cosigned = witnesses.map(readVerifierKey).map((key): Line => {
    const said = note?.signatures.map((s) => signedBy(note.text, key, s)).find((s) => s !== undefined);
    const what = `checkpoint of size ${note?.size ?? '?'} by ${key.name}`;
    return said
      ? { good: true, text: `${what}, at ${new Date((said.at ?? 0) * 1000).toISOString()}` }
      : { good: false, text: `cosignature_missing  ${what}` };
  });
  return [...lines, ...cosigned];
}

/** A key is known by what it is, not by what it is called; without a name, the first. */
export const knownAs =
  (keys: readonly ReceiptKey[]): Find =>
  (named) =>
    named === null ? (keys[0] ?? null) : (keys.find((k) => k.fingerprint === named.slice(0, 32)) ?? null);
