import * as crypto from 'node:crypto';

// Merkle trees of two recipes over the same leaves, and their proofs. Nothing here knows of a database or a server.

/** How a tree is hashed. */
export interface Recipe {
  leaf: (data: string | Buffer) => Buffer;
  node: (left: Buffer, right: Buffer) => Buffer;
  /** The last of an odd number is taken twice; else it goes up as it is. */
  doubles: boolean;
}

const sha256 = (data: string | Buffer): Buffer => crypto.hash('sha256', data, 'buffer');
/** What two nodes are hashed as, used over and over: a proof takes thousands of them. */
const [pair, marked] = [Buffer.alloc(64), Buffer.alloc(65, 1)];
const both = (into: Buffer, at: number, left: Buffer, right: Buffer): Buffer => {
  if (left.length !== 32 || right.length !== 32) throw new TypeError('not a sha256 hash');
  left.copy(into, at);
  right.copy(into, at + 32);
  return sha256(into);
};

/** What the published clients of this API can check: leaves and nodes are hashed alike, so a root says nothing without its `leaf_count`. */
export const v1: Recipe = { leaf: sha256, node: (left, right) => both(pair, 0, left, right), doubles: true };
/** RFC 6962 §2.1, RFC 9162 §2.1.1. */
export const rfc6962: Recipe = {
  leaf: (data) => sha256(Buffer.concat([Buffer.of(0), Buffer.from(data)])),
  node: (left, right) => both(marked, 1, left, right),
  doubles: false,
};
/** Of no leaves, in both recipes. */
export const emptyRoot = sha256('');

/** A day without rows hangs on the one before as well: no tree of leaves comes to this. */
export const emptyDayRoot = (prev: string | null): string =>
  v1.leaf(`${prev ?? ''}\ntransparency_empty_epoch_v1\n`).toString('hex');

/** The level above. */
export function above({ node, doubles }: Recipe, nodes: readonly Buffer[]): Buffer[] {
  const up: Buffer[] = [];
  for (let i = 0; i < nodes.length; i += 2) {
    const [left, right] = [nodes[i] as Buffer, nodes[i + 1]];
    if (right) up.push(node(left, right));
    else up.push(doubles ? node(left, left) : left);
  }
  return up;
}

export function rootOf(recipe: Recipe, leaves: readonly Buffer[]): Buffer {
  let nodes = leaves;
  while (nodes.length > 1) nodes = above(recipe, nodes);
  return nodes[0] ?? emptyRoot;
}

export interface Sibling {
  /** Where the sibling stands. */
  side: 'L' | 'R';
  hash: Buffer;
}

/** The sibling of the node at `index` of a level; null when the node goes up as it is. */
export function siblingOf({ doubles }: Recipe, nodes: readonly Buffer[], index: number): Sibling | null {
  if (index % 2) return { side: 'L', hash: nodes[index - 1] as Buffer };
  const right = nodes[index + 1] ?? (doubles ? nodes[index] : undefined);
  return right ? { side: 'R', hash: right } : null;
}

/** From the leaf up. */
export function pathOf(recipe: Recipe, leaves: readonly Buffer[], index: number): Sibling[] {
  const path: Sibling[] = [];
  let nodes = leaves;
  for (let i = index; nodes.length > 1; i >>= 1) {
    const sibling = siblingOf(recipe, nodes, i);
    if (sibling) path.push(sibling);
    nodes = above(recipe, nodes);
  }
  return path;
}

/** The largest power of two below n, which is 2 or more. */
const split = (n: number): number => 2 ** Math.floor(Math.log2(n - 1));

/** RFC 9162 §2.1.4.1: that the tree over `leaves` has grown from that over the first `first` of them. */
export function consistencyPath(leaves: readonly Buffer[], first: number): Buffer[] {
  const sub = (m: number, nodes: readonly Buffer[], whole: boolean): Buffer[] => {
    if (m === nodes.length) return whole ? [] : [rootOf(rfc6962, nodes)];
    const k = split(nodes.length);
    return m <= k
      ? [...sub(m, nodes.slice(0, k), whole), rootOf(rfc6962, nodes.slice(k))]
      : [...sub(m - k, nodes.slice(k), false), rootOf(rfc6962, nodes.slice(0, k))];
  };
  return first === 0 || first === leaves.length ? [] : sub(first, leaves, true);
}

/** How many levels are above the leaves. */
export const heightOf = (size: number): number => (size <= 1 ? 0 : Math.ceil(Math.log2(size)));

/** The root that a v1 path comes to; null when it is not the path of that place in a tree of that size. */
export function climbV1(leaf: Buffer, index: number, size: number, siblings: readonly Sibling[]): Buffer | null {
  if (index < 0 || index >= size || siblings.length !== heightOf(size)) return null;
  let [hash, i, last] = [leaf, index, size - 1];
  for (const { side, hash: sibling } of siblings) {
    if ((side === 'L') !== (i % 2 === 1)) return null;
    // Nothing stands to the right of the last of an odd number: its sibling is itself.
    if (side === 'R' && i === last && !sibling.equals(hash)) return null;
    hash = side === 'L' ? v1.node(sibling, hash) : v1.node(hash, sibling);
    i >>= 1;
    last >>= 1;
  }
  return hash;
}

/** RFC 9162 §2.1.3.2: the root that an inclusion path comes to; null when it cannot be one. */
export function climb(leaf: Buffer, index: number, size: number, path: readonly Buffer[]): Buffer | null {
  if (index < 0 || index >= size) return null;
  let [hash, i, last] = [leaf, index, size - 1];
  for (const sibling of path) {
    if (last === 0) return null;
    if (i % 2 || i === last) {
      hash = rfc6962.node(sibling, hash);
      while (i % 2 === 0 && i !== 0) [i, last] = [i >> 1, last >> 1];
    } else hash = rfc6962.node(hash, sibling);
    [i, last] = [i >> 1, last >> 1];
  }
  return last === 0 ? hash : null;
}

/** RFC 9162 §2.1.4.2: whether a tree of `size` and `root` has grown from one of `first` leaves and `firstRoot`. */
export function isConsistent(
  first: { size: number; root: Buffer },
  second: { size: number; root: Buffer },
  path: readonly Buffer[],
): boolean {
  if (first.size > second.size) return false;
  if (first.size === second.size) return path.length === 0 && first.root.equals(second.root);
  if (first.size === 0) return path.length === 0 && first.root.equals(emptyRoot);
  const all = Number.isInteger(Math.log2(first.size)) ? [first.root, ...path] : [...path];
  let [i, last] = [first.size - 1, second.size - 1];
  while (i % 2) [i, last] = [i >> 1, last >> 1];
  const [start, ...more] = all;
  if (!start) return false;
  let [old, now] = [start, start];
  for (const hash of more) {
    if (last === 0) return false;
    if (i % 2 || i === last) {
      [old, now] = [rfc6962.node(hash, old), rfc6962.node(hash, now)];
      while (i % 2 === 0 && i !== 0) [i, last] = [i >> 1, last >> 1];
    } else now = rfc6962.node(now, hash);
    [i, last] = [i >> 1, last >> 1];
  }
  return last === 0 && old.equals(first.root) && now.equals(second.root);
}
