import {
  dayAt, firstDay, holdLog, holdTrees, leavesAfter, markOf, movedTrees, putDay, putTile, tileAt, today, type Day, type Leaf,
} from '../db/transparency'; // prettier-ignore
import { dayLeaves, lastSealed, putRoot, rootAt, type Root } from '../db/transparency-roots';
import { moveCursor } from '../db/cursors';
import type { Read, Write } from '../db/tx';
import { system, type Actor } from '../domain/principal';
import { canonical } from './canonical';
import type { Keyring } from './keys';
import { emptyDayRoot, rfc6962, rootOf, v1 } from './merkle';
import { checkpointText, noteKey, signNote } from './notes';
import type { Store } from './store';
import { grow, hashesIn, tileTree } from './tiles';

// A root a day (UTC) over the tenant's receipts, in the order of the log, signed and chained to the day before. Trees grow behind the
// log; a day that is over is sealed under the log's lock, and its root is the next leaf of the tree of days, whose checkpoints go out.

export interface RootKit {
  store: Pick<Store, 'write'>;
  keyring: Pick<Keyring, 'sign' | 'current'>;
  /** What checkpoints begin with, before the tenant. */
  origin: string;
}
/** Entries of the log that one transaction takes into the trees. */
const window = 5_000;

/** What is hashed for a leaf: the four fields of `GET /receipts/{id}`, as canonical JSON. */
export const leafText = ({ receipt, signature, fingerprint }: Omit<Leaf, 'seq' | 'day'>): string =>
  `{"algorithm":"ed25519","public_key_fingerprint":"${fingerprint}","receipt":${receipt},"signature":"${signature}"}`;
const signedText = leafText;
const recipes = [v1, rfc6962] as const;

const noDay = (day: string): Day => ({ day, leafCount: 0, firstLeafSeq: null, lastLeafSeq: null, lastSeq: 0 });

/** Takes the next entries into their days' trees. Answers whether there may be more. Needs `holdTrees`. */
async function growOn(tx: Read, from: number): Promise<{ upto: number; more: boolean }> {
  const { leaves, ends } = await leavesAfter(tx, from, window);
  for (const { day, seq } of ends) {
    const before = (await dayAt(tx, day)) ?? noDay(day);
    const own = leaves.filter((l) => l.day === day);
    const hashes = own.map((l) => {
      const text = leafText(l);
      return recipes.map((r) => r.leaf(text));
    });
    const read = async (level: number, n: number): Promise<Buffer[][]> => {
      const row = await tileAt(tx, day, level, n);
      return [row?.v1, row?.rfc6962].map((bytes) => hashesIn(bytes ?? Buffer.alloc(0)));
    };
    for (const {
      level,
      n,
      hashes: [old = [], rfc = []],
    } of await grow(recipes, read, before.leafCount, hashes)) {
      const first = level === 0 ? (own[n * 256 - before.leafCount]?.seq ?? null) : null;
      await putTile(tx, day, { level, n, v1: Buffer.concat(old), rfc6962: Buffer.concat(rfc), firstSeq: first });
    }
    await putDay(tx, {
      day,
      leafCount: before.leafCount + own.length,
      firstLeafSeq: before.firstLeafSeq ?? own[0]?.seq ?? null,
      lastLeafSeq: own.at(-1)?.seq ?? before.lastLeafSeq,
      lastSeq: seq,
    });
  }
  const upto = ends.at(-1)?.seq ?? from;
  if (upto > from) await moveCursor(tx, movedTrees, upto);
  return { upto, more: upto === from + window };
}

/** Brings the trees up to the log's end, a window a transaction. */
export async function growTrees(
  { store }: Pick<RootKit, 'store'>,
  tenantId: string,
  signal?: AbortSignal,
): Promise<void> {
  const next = () => store.write(tenantId, async (tx) => growOn(tx, await holdTrees(tx)));
  while (!signal?.aborted && (await next()).more);
}

/** The rest of it, where the trees are held, so that nothing gets in between. */
async function growWhole(tx: Read): Promise<number> {
  let at = { upto: await holdTrees(tx), more: true };
  while (at.more) at = await growOn(tx, at.upto);
  return at.upto;
}

/** A day's tree as it is read again: rows are asked for once, those of the way up from `index` together. */
export function treesOf(tx: Read, day: string, size: number, index = 0) {
  const rows = new Map<string, ReturnType<typeof tileAt>>();
  const ask = (level: number, n: number): ReturnType<typeof tileAt> => {
    const key = `${level} ${n}`;
    const asked = rows.get(key) ?? tileAt(tx, day, level, n);
    asked.catch(() => undefined); // thrown where it is awaited
    rows.set(key, asked);
    return asked;
  };
  for (let level = 0, [place, last] = [index, size - 1]; last >= 0; level += 1) {
    [place, last] = [Math.floor(place / 256), Math.floor(last / 256)];
    void ask(level, place);
    void ask(level, last); // nodes at the edge are made from it
    if (last === 0) break;
  }
  const reads = (column: 'v1' | 'rfc6962') => async (level: number, n: number) =>
    hashesIn((await ask(level, n))?.[column] ?? Buffer.alloc(0));
  return { v1: tileTree(v1, reads('v1'), size), rfc6962: tileTree(rfc6962, reads('rfc6962'), size) };
}

const dayAfter = (day: string, days = 1): string =>
  new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);

/** The root of a day as the trees are. */
async function rootOfDay(tx: Read, day: string, upto: number, sealing: boolean) {
  const { leafCount, firstLeafSeq, lastLeafSeq, lastSeq: end } = (await dayAt(tx, day)) ?? noDay(day);
  const prev = await lastSealed(tx);
  if (prev && dayAfter(prev.day) !== day) throw new Error(`a root of ${day} cannot hang on that of ${prev.day}`);
  const trees = treesOf(tx, day, leafCount);
  const prevRootHash = prev?.rootHash ?? null;
  const root_hash = leafCount ? (await trees.v1.root()).toString('hex') : emptyDayRoot(prevRootHash);
  const before = JSON.parse(prev?.receipt ?? '{}') as { log_seq?: number };
  const last = await markOf(tx, end || before.log_seq || upto);
  return {
    version: 4,
    kind: 'transparency_root',
    tenant_id: tx.tenantId,
    root_date: day,
    root_hash,
    prev_root_hash: prevRootHash,
    leaf_count: leafCount,
    leaf_range_start_id: firstLeafSeq === null ? null : (await markOf(tx, firstLeafSeq)).id,
    leaf_range_end_id: lastLeafSeq === null ? null : (await markOf(tx, lastLeafSeq)).id,
    window_end: sealing ? `${dayAfter(day)}T00:00:00.000000+00:00` : (await markOf(tx, upto)).at,
    rfc6962_root: (await trees.rfc6962.root()).toString('hex'),
    // The whole log up to there hangs on it, entries without a receipt too.
    log_seq: end || before.log_seq || upto,
    log_hash: last.hash,
  };
}

/** Signs and stores it; of a day that is sealed, with its place in the tree of days. */
async function store(tx: Write, kit: RootKit, day: string, upto: number, by: Actor, sealing: boolean): Promise<Root> {
  const said = await rootOfDay(tx, day, upto, sealing);
  const receipt = canonical(said);
  const { signature, fingerprint } = kit.keyring.sign('receipt', receipt);
  const leaf = rfc6962.leaf(signedText({ receipt, signature, fingerprint }));
  const days = sealing ? [...(await dayLeaves(tx, null)), leaf] : null;
  const root = await putRoot(tx, {
    day,
    rootHash: said.root_hash,
    prevRootHash: said.prev_root_hash,
    rfc6962Root: said.rfc6962_root,
    leafCount: said.leaf_count,
    firstId: said.leaf_range_start_id,
    lastId: said.leaf_range_end_id,
    windowEnd: said.window_end,
    receipt,
    signature,
    fingerprint,
    place: days && days.length - 1,
    dayLeaf: days && leaf.toString('hex'),
    checkpoint: days && checkpointOver(kit, tx.tenantId, days),
  });
  tx.log({
    kind: sealing ? 'transparency.root_sealed' : 'transparency.root_computed',
    actor: by,
    subject: { kind: 'transparency_root', id: day },
    body: { root_date: day, root_hash: said.root_hash, leaf_count: said.leaf_count },
  });
  return root;
}

export const originOf = (kit: Pick<RootKit, 'origin'>, tenantId: string): string => `${kit.origin}/${tenantId}`;
export const logKey = (kit: Pick<RootKit, 'origin' | 'keyring'>, tenantId: string) =>
  noteKey(originOf(kit, tenantId), 'log', kit.keyring.current('receipt').key);

function checkpointOver(kit: RootKit, tenantId: string, days: readonly Buffer[]): string {
  const text = checkpointText({ origin: originOf(kit, tenantId), size: days.length, root: rootOf(rfc6962, days) });
  return signNote(text, logKey(kit, tenantId), (t) =>
    Buffer.from(kit.keyring.sign('receipt', t).signature, 'base64url'),
  );
}

/** The next day to seal, when it is `now`; null when there is none. */
async function nextDay(tx: Read, now: string): Promise<string | null> {
  const last = await lastSealed(tx);
  const day = last ? dayAfter(last.day) : await firstDay(tx);
  return day !== null && day < now ? day : null;
}

/**
 * Seals every day that is over, in order, quiet ones too. The last of it is under the log's lock: whoever appends afterwards does
 * so on the day on which the entry of the seal stands.
 */
export async function sealDays(
  kit: RootKit,
  tenantId: string,
  by: Actor = system,
  signal?: AbortSignal,
): Promise<void> {
  await growTrees(kit, tenantId, signal);
  const next = () =>
    kit.store.write(tenantId, async (tx) => {
      await holdTrees(tx);
      await holdLog(tx);
      const upto = await growWhole(tx);
      const day = await nextDay(tx, await today(tx));
      return day === null ? null : store(tx, kit, day, upto, by, true);
    });
  while (!signal?.aborted && (await next()));
}

/** The root of the day that goes on, over what is there by now; null while the log is empty. */
export async function computeToday(kit: RootKit, tenantId: string, by: Actor): Promise<Root | null> {
  await sealDays(kit, tenantId, by);
  const root = await kit.store.write(tenantId, async (tx) => {
    const upto = await growWhole(tx);
    if (upto === 0) return null;
    const day = await today(tx); // asked once: it may be midnight at any moment
    if ((await nextDay(tx, day)) !== null) return 'over';
    const stands = await rootAt(tx, day);
    // As it was signed, while nothing has come that it would have to count.
    const { leafCount } = (await dayAt(tx, day)) ?? noDay(day);
    return stands && stands.leafCount === leafCount ? stands : store(tx, kit, day, upto, by, false);
  });
  return root === 'over' ? computeToday(kit, tenantId, by) : root;
}
