import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Read } from '../../db/tx';
import { Conflict, Invalid } from '../../domain/errors';
import type { NewEntry } from '../../domain/log';
import type { Actor } from '../../domain/principal';
import type { Store } from '../../log/store';
import { errnoOf } from '../errno';
import { copyTree, summarise, type TreeSummary } from './tree';

/** A public address: what stands under `/published/<slug>/`. */
export const slugPattern = /^[a-z0-9][a-z0-9-]{0,62}$/;

export interface PublishDeps {
  store: Pick<Store, 'write'>;
  dataDir: string;
  publicUrl: string | null;
}

export interface Publication {
  tenantId: string;
  slug: string;
  /** Whose address it is: only this run may publish under the slug again. */
  runId: string;
  ticketId: string;
  agentId: string | null;
  actor: Actor;
  /** Names this effect: a repeat after a crash has the same, `<owner>-<step>`. */
  effect: string;
}

export interface Published {
  slug: string;
  url: string;
  file_count: number;
  total_bytes: number;
  digest: string;
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function syncTree(path: string): Promise<void> {
  const found = await readdir(path, { withFileTypes: true, recursive: true });
  for (const folder of found.filter((f) => f.isDirectory())) await syncFolder(join(folder.parentPath, folder.name));
  await syncFolder(path);
}

/** One at a time for a slug, whatever process and whatever tenant it is. */
const lockSlug = (tx: Read, slug: string) =>
  tx.query(`select pg_advisory_xact_lock(hashtextextended('publish:' || $1, 0))`, [slug]);

/** Takes the address, or finds it taken by the same run. True when the row changed. @throws Conflict */
async function claim(tx: Read, { slug, tenantId, runId, ticketId }: Publication, tree: TreeSummary): Promise<boolean> {
  const { rowCount: inserted } = await tx.query(
    `insert into publications (slug, tenant_id, run_id, ticket_id, digest, file_count, total_bytes)
     values ($1, $2, $3, $4, $5, $6, $7) on conflict (slug) do nothing`,
    [slug, tenantId, runId, ticketId, tree.digest, tree.fileCount, tree.totalBytes],
  );
  if (inserted) return true;
  // Another tenant's row does not exist for us: no row of our own run means that the slug is somebody else's.
  const { rows } = await tx.query<{ digest: string }>(
    'select digest from publications where slug = $1 and run_id = $2',
    [slug, runId],
  );
  if (!rows[0]) throw new Conflict(`slug: ${slug} is taken`, { field: 'slug' });
  if (rows[0].digest === tree.digest) return false;
  await tx.query('update publications set digest = $2, file_count = $3, total_bytes = $4, published_at = now() where slug = $1', [
    slug, tree.digest, tree.fileCount, tree.totalBytes,
  ]); // prettier-ignore
  return true;
}

const entryOf = (p: Publication, kind: string, tree: TreeSummary): NewEntry => ({
  kind,
  actor: p.actor,
  subject: { kind: 'publication', id: p.slug },
  ticketId: p.ticketId,
  runId: p.runId,
  agentId: p.agentId,
  body: { slug: p.slug, digest: tree.digest, file_count: tree.fileCount, total_bytes: tree.totalBytes },
});

/** Puts what is staged in the place of what stands. A repeat finds it there already. */
async function swap(staged: string, standing: string, digest: string): Promise<void> {
  if ((await summarise(standing))?.digest !== digest) {
    const old = `${staged}.old`;
    await rm(old, { recursive: true, force: true });
    await rename(standing, old).catch((e: unknown) => {
      if (errnoOf(e) !== 'ENOENT') throw e; // nothing stands there yet
    });
    await rename(staged, standing);
    await syncFolder(join(standing, '..'));
    await rm(old, { recursive: true, force: true });
  }
  await rm(staged, { recursive: true, force: true });
}

/**
 * Publishes what `stage` writes into an empty folder. The address is taken and written down before anything can be seen
 * under it, and what is seen is whole: a crash at any point is made good by a repeat.
 * @throws Invalid for a slug that is none, Conflict for one that is another run's
 */
async function publish(
  deps: PublishDeps,
  p: Publication,
  stage: (folder: string) => Promise<void>,
): Promise<Published> {
  if (!slugPattern.test(p.slug))
    throw new Invalid('slug: small letters, digits and hyphens, at most 63', { field: 'slug' });
  const base = join(deps.dataDir, 'published');
  const staged = join(base, '.staging', p.effect);
  const tree = await deps.store.write(p.tenantId, async (tx) => {
    await lockSlug(tx, p.slug);
    await rm(staged, { recursive: true, force: true });
    await mkdir(staged, { recursive: true });
    try {
      await stage(staged);
      await syncTree(staged);
      const summary = await summarise(staged);
      if (!summary) throw new Error(`${staged} is gone`);
      if (await claim(tx, p, summary)) tx.log(entryOf(p, 'publication.claimed', summary));
      return summary;
    } catch (e) {
      await rm(staged, { recursive: true, force: true });
      throw e;
    }
  });
  await deps.store.write(p.tenantId, async (tx) => {
    await lockSlug(tx, p.slug);
    const { rows } = await tx.query<{ digest: string }>(
      'select digest from publications where slug = $1 and run_id = $2',
      [p.slug, p.runId],
    );
    if (rows[0]?.digest !== tree.digest)
      throw new Conflict(`slug: ${p.slug} was published anew meanwhile`, { field: 'slug' });
    await swap(staged, join(base, p.slug), tree.digest);
    const transition = `${p.effect}:${tree.digest}`;
    const { rowCount } = await tx.query('select 1 from log where subject_id = $1 and transition = $2', [
      p.slug,
      transition,
    ]);
    if (!rowCount) tx.log({ ...entryOf(p, 'publication.published', tree), transition });
  });
  const path = `/published/${p.slug}/`;
  return {
    slug: p.slug,
    url: deps.publicUrl === null ? path : deps.publicUrl.replace(/\/$/, '') + path,
    file_count: tree.fileCount,
    total_bytes: tree.totalBytes,
    digest: tree.digest,
  };
}

/** Publishes a static tree out of a work folder; see `copyTree` for what it may hold. */
export const publishTree = (
  deps: PublishDeps,
  p: Publication,
  source: { root: string; dir: string },
): Promise<Published> => publish(deps, p, (folder) => copyTree(source, folder));

/** Publishes one page. */
export const publishPage = (deps: PublishDeps, p: Publication, html: string): Promise<Published> =>
  publish(deps, p, async (folder) => {
    const file = await open(join(folder, 'index.html'), 'wx', 0o644);
    try {
      await file.writeFile(html);
      await file.sync();
    } finally {
      await file.close();
    }
  });
