import { createHash } from 'node:crypto';
import fc from 'fast-check';
import {
  climb,
  climbV1,
  consistencyPath,
  isConsistent,
  pathOf,
  rfc6962,
  rootOf,
  v1,
  type Recipe,
} from '../../log/merkle';
import { grow, tileTree, type Tile } from '../../log/tiles';

// A second implementation, by the words of RFC 9162 §2.1 and of the wire page alone: it shares no line with log/merkle.ts.

const sha = (...parts: Buffer[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();
const [zero, one] = [Buffer.of(0), Buffer.of(1)];
const below = (n: number): number => {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
};
/** MTH(D[n]) */
const mth = (d: Buffer[]): Buffer => {
  if (d.length === 0) return sha();
  if (d.length === 1) return sha(zero, d[0] as Buffer);
  const k = below(d.length);
  return sha(one, mth(d.slice(0, k)), mth(d.slice(k)));
};
/** PATH(m, D[n]) */
const path = (m: number, d: Buffer[]): Buffer[] => {
  if (d.length <= 1) return [];
  const k = below(d.length);
  return m < k ? [...path(m, d.slice(0, k)), mth(d.slice(k))] : [...path(m - k, d.slice(k)), mth(d.slice(0, k))];
};
/** SUBPROOF(m, D[n], b) */
const subproof = (m: number, d: Buffer[], b: boolean): Buffer[] => {
  if (m === d.length) return b ? [] : [mth(d)];
  const k = below(d.length);
  return m <= k
    ? [...subproof(m, d.slice(0, k), b), mth(d.slice(k))]
    : [...subproof(m - k, d.slice(k), false), mth(d.slice(0, k))];
};
/** Pairs level by level, the last of an odd number twice. */
const doubled = (leaves: Buffer[]): Buffer => {
  if (leaves.length <= 1) return leaves[0] ?? sha();
  const full = leaves.length % 2 ? [...leaves, leaves.at(-1) as Buffer] : leaves;
  return doubled(full.flatMap((h, i) => (i % 2 ? [] : [sha(h, full[i + 1] as Buffer)])));
};

const dataOf = (n: number): Buffer[] => Array.from({ length: n }, (_, i) => Buffer.from(`leaf ${i}`));
const sizes = fc.integer({ min: 1, max: 90 });
const inTree = sizes.chain((n) => fc.tuple(fc.constant(n), fc.integer({ min: 0, max: n - 1 })));
const flipped = (h: Buffer): Buffer => Buffer.from(h.map((b, i) => (i === 7 ? b ^ 4 : b)));
const hashesOf = (p: { hash: Buffer }[]): Buffer[] => p.map((s) => s.hash);

test('roots, paths and consistency are those of RFC 9162; one changed hash, and they prove nothing', () => {
  fc.assert(
    fc.property(inTree, fc.nat(), ([n, m], which) => {
      const data = dataOf(n);
      const leaves = data.map((d) => rfc6962.leaf(d));
      const root = rootOf(rfc6962, leaves);
      expect(root).toEqual(mth(data));
      const proof = hashesOf(pathOf(rfc6962, leaves, m));
      expect(proof).toEqual(path(m, data));
      const leaf = leaves[m] as Buffer;
      expect(climb(leaf, m, n, proof)).toEqual(root);
      expect(climb(flipped(leaf), m, n, proof)).not.toEqual(root);
      expect(climb(leaf, m, n, [...proof, root])).toBeNull();
      if (proof.length) {
        const at = which % proof.length;
        expect(
          climb(
            leaf,
            m,
            n,
            proof.map((h, i) => (i === at ? flipped(h) : h)),
          ),
        ).not.toEqual(root);
        expect(climb(leaf, m, n, proof.slice(1)) ?? sha()).not.toEqual(root);
      }
      const first = { size: m + 1, root: mth(data.slice(0, m + 1)) };
      const grown = consistencyPath(leaves, m + 1);
      expect(grown).toEqual(m + 1 === n ? [] : subproof(m + 1, data, true));
      expect(isConsistent(first, { size: n, root }, grown)).toBe(true);
      expect(isConsistent({ ...first, root: flipped(first.root) }, { size: n, root }, grown)).toBe(false);
      expect(isConsistent(first, { size: n, root: flipped(root) }, grown)).toBe(false);
      expect(isConsistent(first, { size: n, root }, [...grown, root])).toBe(false);
    }),
  );
});

test('the recipe of the wire: its roots, and a path that is of no other place or size', () => {
  fc.assert(
    fc.property(inTree, ([n, m]) => {
      const leaves = dataOf(n).map((d) => v1.leaf(d));
      const root = doubled(leaves);
      expect(rootOf(v1, leaves)).toEqual(root);
      const siblings = pathOf(v1, leaves, m);
      const leaf = leaves[m] as Buffer;
      expect(climbV1(leaf, m, n, siblings)).toEqual(root);
      expect(climbV1(flipped(leaf), m, n, siblings) ?? sha()).not.toEqual(root);
      // The doubled leaf: one more that never was is under the same root, and the size that was signed tells.
      if (n % 2 && n > 1) expect(climbV1(leaves[n - 1] as Buffer, n, n, pathOf(v1, leaves, n - 1))).toBeNull();
      if (n > 1) expect(climbV1(leaf, m, n * 2 + 1, siblings)).toBeNull();
    }),
  );
});

test('a tree in rows is the tree, at every size that it ever had, however it grew', async () => {
  const both: Recipe[] = [v1, rfc6962];
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 6 }),
      fc.nat(),
      fc.nat(),
      async (steps, of, place) => {
        const rows = new Map<string, Tile>();
        const read = (level: number, n: number) => rows.get(`${level} ${n}`)?.hashes ?? both.map(() => []);
        const leaves = (n: number, from = 0) =>
          dataOf(n)
            .slice(from)
            .map((d) => both.map((r) => r.leaf(d)));
        let size = 0;
        for (const step of steps) {
          const more = leaves(size + step, size);
          for (const t of await grow(both, (l, n) => Promise.resolve(read(l, n)), size, more, 2)) {
            const before = rows.get(`${t.level} ${t.n}`)?.hashes[0] ?? [];
            expect(t.hashes[0]?.slice(0, before.length)).toEqual(before);
            rows.set(`${t.level} ${t.n}`, t);
          }
          size += step;
        }
        const upto = size ? 1 + (of % size) : 0;
        for (const [r, recipe] of both.entries()) {
          const whole = leaves(upto).map((l) => l[r] as Buffer);
          const tree = tileTree(recipe, (l, n) => Promise.resolve(read(l, n)[r] ?? []), upto, 2);
          expect(await tree.root()).toEqual(rootOf(recipe, whole));
          if (!upto) continue;
          expect(await tree.path(place % upto)).toEqual(pathOf(recipe, whole, place % upto));
        }
      },
    ),
    { numRuns: 60 },
  );
});
