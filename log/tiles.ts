import { above, emptyRoot, rootOf, siblingOf, type Recipe, type Sibling } from './merkle';

// A large tree in rows of up to 2^height hashes each. Only what is over a full row below is kept: those hashes never change, so a
// tree grows by writing at its right edge alone, and every size that it ever had is still in it.

/** 256 hashes to a row. */
export const tileHeight = 8;
export const hashLength = 32;

/** The hashes of a row that are there; none when there is no such row. */
export type ReadTile = (level: number, n: number) => Promise<Buffer[]>;

export const hashesIn = (bytes: Buffer): Buffer[] =>
  Array.from({ length: bytes.length / hashLength }, (_, i) => bytes.subarray(i * hashLength, (i + 1) * hashLength));

/** The first `size` leaves of a tree: its root and paths, from one or two rows a level. */
export function tileTree(recipe: Recipe, read: ReadTile, size: number, height = tileHeight) {
  const width = 2 ** height;
  /** Nodes at a level of rows, complete or not. */
  const count = (level: number): number => Math.ceil(size / width ** level);
  const wholeOf = (level: number): number => Math.floor(size / width ** level);

  async function nodes(level: number, n: number): Promise<Buffer[]> {
    const complete = Math.min(width, wholeOf(level) - n * width);
    const kept = (await read(level, n)).slice(0, complete);
    if (kept.length < complete)
      throw new Error(`row ${n} of level ${level} has ${kept.length} hashes, not ${complete}`);
    const hasEdge = count(level) > wholeOf(level) && Math.floor((count(level) - 1) / width) === n;
    return hasEdge ? [...kept, await edge(level)] : kept;
  }
  /** The last node of a level, over a row below that is not full. */
  async function edge(level: number): Promise<Buffer> {
    let below = await nodes(level - 1, count(level) - 1);
    for (let up = 0; up < height; up += 1) below = above(recipe, below);
    return below[0] as Buffer;
  }
  const top = (): number => {
    let level = 0;
    while (count(level) > width) level += 1;
    return level;
  };
  return {
    root: async (): Promise<Buffer> => (size === 0 ? emptyRoot : rootOf(recipe, await nodes(top(), 0))),
    path: async (index: number): Promise<Sibling[]> => {
      const path: Sibling[] = [];
      const highest = top();
      for (let level = 0; level <= highest; level += 1) {
        const place = Math.floor(index / width ** level);
        let row = await nodes(level, Math.floor(place / width));
        let i = place % width;
        for (let up = 0; level === highest ? row.length > 1 : up < height; up += 1, i >>= 1) {
          const sibling = siblingOf(recipe, row, i);
          if (sibling) path.push(sibling);
          row = above(recipe, row);
        }
      }
      return path;
    },
  };
}

/** A row as it is written: its hashes by recipe. */
export interface Tile {
  level: number;
  n: number;
  hashes: Buffer[][];
}

/**
 * Puts leaves behind the `size` that are there. `read` gives what stands by recipe.
 * @returns the rows that are new or longer
 */
export async function grow(
  recipes: readonly Recipe[],
  read: (level: number, n: number) => Promise<Buffer[][]>,
  size: number,
  leaves: readonly Buffer[][],
  height = tileHeight,
): Promise<Tile[]> {
  const width = 2 ** height;
  const open = new Map<number, Tile>();
  const written = new Set<Tile>();
  const rowAt = async (level: number, place: number): Promise<Tile> => {
    const n = Math.floor(place / width);
    const known = open.get(level);
    if (known?.n === n) return known;
    const hashes = place % width ? await read(level, n) : recipes.map(() => []);
    const row = { level, n, hashes: hashes.map((h) => h.slice(0, place % width)) };
    open.set(level, row);
    return row;
  };
  for (const [i, leaf] of leaves.entries()) {
    let put: readonly Buffer[] = leaf;
    for (let level = 0, place = size + i; ; level += 1, place = Math.floor(place / width)) {
      const row = await rowAt(level, place);
      row.hashes.forEach((hashes, r) => hashes.push(put[r] as Buffer));
      written.add(row);
      if ((row.hashes[0]?.length ?? 0) < width) break;
      put = row.hashes.map((hashes, r) => rootOf(recipes[r] as Recipe, hashes));
    }
  }
  return [...written];
}
