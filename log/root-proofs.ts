import { dayAt, receiptPlace, tileOf } from '../db/transparency';
import { cosignaturesOf, dayLeaves, rootAt, rootsBetween, type Root } from '../db/transparency-roots';
import type { Read } from '../db/tx';
import { Conflict, NotFound } from '../domain/errors';
import { consistencyPath, emptyDayRoot, pathOf, rfc6962, rootOf, v1, type Sibling } from './merkle';
import { checkReceipt, type ReceiptKey } from './receipts';
import { leafText, treesOf } from './roots';
import { hashesIn } from './tiles';

const hex = (hash: Buffer): string => hash.toString('hex');
const hashesOf = (path: readonly Sibling[]): string[] => path.map((s) => hex(s.hash));

/** A root as it was signed, in the form that is archived. */
export const signedOf = (r: Root) => ({
  receipt: JSON.parse(r.receipt) as Record<string, string | number | null>,
  signature: r.signature,
  algorithm: 'ed25519' as const,
  public_key_fingerprint: r.fingerprint,
});

export interface DayProof {
  index: number;
  size: number;
  path: string[];
  /** The checkpoint, with whoever cosigned it. */
  note: string;
}

/** What puts sealed days under their checkpoints, by day. */
export async function dayProofs(tx: Read, roots: readonly Root[]): Promise<Map<string, DayProof>> {
  const sealed = roots.filter((r) => r.place !== null);
  const [newest] = [...sealed].sort((a, b) => Number(b.place) - Number(a.place));
  if (!newest) return new Map();
  const [leaves, lines] = await Promise.all([
    dayLeaves(tx, Number(newest.place) + 1),
    cosignaturesOf(tx, sealed.map((r) => r.day)),
  ]); // prettier-ignore
  return new Map(
    sealed.map((r) => {
      const [index, size] = [Number(r.place), Number(r.place) + 1];
      const path = hashesOf(pathOf(rfc6962, leaves.slice(0, size), index));
      const cosigned = lines.filter((l) => l.day === r.day).map((l) => l.line);
      return [r.day, { index, size, path, note: [r.checkpoint, ...cosigned].join('') }];
    }),
  );
}

/** @throws NotFound without a receipt of that name; Conflict when it is not the one that was counted */
export async function inclusionOf(tx: Read, id: string) {
  const receipt = await receiptPlace(tx, id);
  if (!receipt) throw new NotFound(`no receipt ${id}`);
  const [root, tile] = await Promise.all([rootAt(tx, receipt.day), tileOf(tx, receipt.day, receipt.seq)]);
  const none = { day: receipt.day, root, v1: null, rfc6962: null };
  if (!root || !tile) return none;
  const text = leafText(receipt);
  const leaf = v1.leaf(text);
  const place = hashesIn(tile.v1).findIndex((h) => h.equals(leaf));
  const index = tile.n * 256 + place;
  if (place < 0) {
    const day = await dayAt(tx, receipt.day);
    if ((day?.lastLeafSeq ?? 0) < receipt.seq) return none; // it has come since the trees grew last
    throw new Conflict(`the receipt ${id} is not the one that its day was counted with`);
  }
  if (index >= root.leafCount) return none;
  const trees = treesOf(tx, receipt.day, root.leafCount, index);
  const [siblings, beside] = await Promise.all([trees.v1.path(index), trees.rfc6962.path(index)]);
  return {
    ...none,
    v1: {
      version: 1 as const,
      leaf: hex(leaf),
      index,
      siblings: siblings.map(({ side, hash }) => ({ side, hash: hex(hash) })),
      root: root.rootHash,
      size: root.leafCount,
    },
    rfc6962: {
      leaf_hash: hex(rfc6962.leaf(text)),
      index,
      size: root.leafCount,
      path: hashesOf(beside),
    },
  };
}

type Find = (fingerprint: string | null) => ReceiptKey | null;
export type RootBreak = 'day_missing' | 'prev_root_hash_mismatch' | 'signature_mismatch' | 'root_hash_mismatch';

/** What is wrong with a kept root by itself: what was signed is not what stands beside it, or not what the tree comes to. */
export async function rootError(tx: Read, root: Root, find: Find): Promise<RootBreak | null> {
  const { receipt, error } = checkReceipt(signedOf(root), find);
  if (error ?? receipt === null) return 'signature_mismatch';
  const trees = treesOf(tx, root.day, root.leafCount);
  const [old, rfc] = root.leafCount
    ? [hex(await trees.v1.root()), hex(await trees.rfc6962.root())]
    : [emptyDayRoot(root.prevRootHash), hex(rootOf(rfc6962, []))];
  const says: Record<string, unknown> = {
    tenant_id: tx.tenantId, root_date: root.day, root_hash: old, prev_root_hash: root.prevRootHash, leaf_count: root.leafCount,
    rfc6962_root: rfc,
  }; // prettier-ignore
  const same = root.rootHash === old && Object.entries(says).every(([field, value]) => receipt?.[field] === value);
  return same ? null : 'root_hash_mismatch';
}

/** The roots between two days in order, each with what is wrong with it; and the proof between their checkpoints. */
export async function chainOf(tx: Read, from: string, to: string, find: Find) {
  const roots = (await rootsBetween(tx, from, to, null)).reverse();
  const chain: { root: Root; break: RootBreak | null }[] = [];
  for (const [i, root] of roots.entries()) {
    const before = roots[i - 1];
    let wrong = await rootError(tx, root, find);
    if (before && Date.parse(root.day) - Date.parse(before.day) !== 86_400_000) wrong = 'day_missing';
    else if (before && root.prevRootHash !== before.rootHash) wrong = 'prev_root_hash_mismatch';
    chain.push({ root, break: wrong });
  }
  const sealed = roots.filter((r) => r.place !== null);
  const [first, last] = [sealed[0], sealed.at(-1)];
  if (!first || !last) return { chain, proof: null };
  const leaves = await dayLeaves(tx, Number(last.place) + 1);
  const size = Number(first.place) + 1;
  return {
    chain,
    proof: {
      first: { size, root: hex(rootOf(rfc6962, leaves.slice(0, size))) },
      second: { size: leaves.length, root: hex(rootOf(rfc6962, leaves)) },
      path: consistencyPath(leaves, size).map(hex),
    },
  };
}
