import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { canonical } from '../canonical';
import { climb, climbV1, rfc6962, v1 } from '../merkle';
import { checkReceipt } from '../receipts';
import { ArchivedRoot, hex64, rootError, rootLines, type Find, type Line } from './root';

// An archive as a folder: public_key.pem, receipts/<id>.json, inclusion/<id>.json, roots/<date>.json, each the `data` of an answer.

const bytes = (h: string): Buffer => Buffer.from(h, 'hex');
const Inclusion = z.object({
  root_date: z.iso.date(),
  pending: z.boolean().optional(),
  proof: z
    .object({
      version: z.literal(1),
      leaf: hex64,
      index: z.int().min(0),
      siblings: z.array(z.object({ side: z.enum(['L', 'R']), hash: hex64 })).max(64),
      root: hex64,
      size: z.int().min(1),
    })
    .nullable(),
  rfc6962: z
    .object({ leaf_hash: hex64, index: z.int().min(0), size: z.int().min(1), path: z.array(hex64).max(64) })
    .nullish(),
});
const Enveloped = z.looseObject({ success: z.boolean(), data: z.unknown() });

async function folder(path: string): Promise<Map<string, unknown>> {
  const names = await readdir(path).catch((e: unknown) => {
    if ((e as { code?: unknown }).code === 'ENOENT') return [];
    throw e;
  });
  const files = names.filter((n) => n.endsWith('.json')).sort();
  const read = async (name: string): Promise<[string, unknown]> => {
    const text = await readFile(join(path, name), 'utf8');
    try {
      const value: unknown = JSON.parse(text);
      return [name.slice(0, -5), Enveloped.safeParse(value).data?.data ?? value];
    } catch {
      return [name.slice(0, -5), null]; // what is no JSON is malformed, and called so where it is checked
    }
  };
  const documents = new Map<string, unknown>();
  for (const name of files) documents.set(...(await read(name)));
  return documents;
}

/** Null: the receipt is under the root that was signed for its day, in both recipes. */
function inclusionError(
  receipt: unknown,
  found: unknown,
  roots: ReadonlyMap<string, ArchivedRoot>,
  find: Find,
): string | null {
  if (found === undefined) return 'inclusion_missing';
  const read = Inclusion.safeParse(found);
  if (!read.success) return 'malformed_inclusion';
  const { proof, rfc6962: beside, root_date: day } = read.data;
  if (!proof) return 'pending';
  const text = canonical(receipt);
  const leaf = v1.leaf(text);
  if (leaf.toString('hex') !== proof.leaf) return 'leaf_mismatch';
  const siblings = proof.siblings.map((s) => ({ side: s.side, hash: bytes(s.hash) }));
  if (climbV1(leaf, proof.index, proof.size, siblings)?.toString('hex') !== proof.root) return 'proof_mismatch';
  const root = roots.get(day);
  if (!root) return 'root_missing';
  if (root.root_hash !== proof.root || rootError(root, find)) return 'root_hash_mismatch';
  // The size alone tells a leaf from one that was doubled.
  if (root.leaf_count !== proof.size) return 'leaf_count_mismatch';
  if (!beside) return null;
  const at = climb(rfc6962.leaf(text), beside.index, beside.size, beside.path.map(bytes));
  const signed = (root.signed as { receipt: Record<string, unknown> }).receipt['rfc6962_root'];
  return at?.toString('hex') === signed && beside.index === proof.index && beside.size === proof.size
    ? null
    : 'rfc6962_proof_mismatch';
}

/** Everything that is in the folder; `said` words a receipt. */
export async function archiveLines(
  path: string,
  find: Find,
  witnesses: readonly string[],
  said: (receipt: Record<string, string | number | null>) => string,
): Promise<Line[]> {
  const [receipts, proofs, found] = await Promise.all(
    ['receipts', 'inclusion', 'roots'].map((name) => folder(join(path, name))),
  );
  const lines: Line[] = [];
  const roots = new Map<string, ArchivedRoot>();
  for (const [name, document] of found ?? []) {
    const root = ArchivedRoot.safeParse(document).data;
    if (root?.root_date === name) roots.set(name, root);
    else lines.push({ good: false, text: `malformed_payload  roots/${name}.json` });
  }
  lines.push(...rootLines([...roots.values()], find, witnesses));
  for (const [id, document] of receipts ?? []) {
    const { receipt, error } = checkReceipt(document, find);
    const named = receipt?.['execution_id'] === id || receipt?.['request_id'] === id;
    const wrong = error ?? (named ? inclusionError(document, proofs?.get(id), roots, find) : 'other_receipt');
    const what = receipt ? said(receipt) : `receipts/${id}.json`;
    if (wrong === 'pending') lines.push({ good: true, text: `${what}  (no root covers it yet)` });
    else lines.push({ good: wrong === null, text: wrong ? `${wrong}  ${what}` : what });
  }
  for (const id of proofs?.keys() ?? [])
    if (!receipts?.has(id)) lines.push({ good: false, text: `receipt_missing  inclusion/${id}.json` });
  return lines;
}
