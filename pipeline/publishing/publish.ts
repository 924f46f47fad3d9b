import { Readable } from 'node:stream';
import {
  claimSlug,
  deployedBefore,
  deployedOtherwise,
  goLive,
  insertDeployment,
  lockEffect,
  lockSlug,
  type NewDeployment,
} from '../../db/deployments';
import { holdFiles } from '../../db/files';
import type { Write } from '../../db/tx';
import { Conflict, Invalid } from '../../domain/errors';
import type { Actor } from '../../domain/principal';
import { digestOf } from '../../log/canonical';
import type { FileStore, Staged } from '../../log/files';
import type { Store } from '../../log/store';
import { treeLimits, type TreeFile } from './tree';

/** A public address: what stands under `/published/<slug>/`. */
export const slugPattern = /^[a-z0-9][a-z0-9-]{0,62}$/;

export interface PublishDeps {
  store: Pick<Store, 'write'>;
  files: FileStore;
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
  /** It was approved to publish one thing under one address, and not another beside it or in its place. */
  once?: boolean;
}

export interface Published {
  slug: string;
  url: string;
  file_count: number;
  total_bytes: number;
  /** sha256 over the canonical list of paths and their sha256. */
  digest: string;
  /** The number of this deployment among all that are kept. */
  deployment_id: number;
}

interface StagedFile {
  path: string;
  staged: Staged;
}

/** Files of a site that came whole, and that nobody sees yet. */
export interface Site {
  p: Publication;
  deployment: NewDeployment;
  came: readonly StagedFile[];
}

/** Stores files, each by its content (`tree.ts` says where from), and gives the site to `use`; what is not kept is let go of. */
export async function withSite<T>(
  files: FileStore,
  p: Publication,
  tree: AsyncIterable<TreeFile>,
  use: (site: Site) => Promise<T>,
): Promise<T> {
  if (!slugPattern.test(p.slug))
    throw new Invalid('slug: small letters, digits and hyphens, at most 63', { field: 'slug' });
  const came: StagedFile[] = [];
  try {
    for await (const { path, bytes } of tree)
      came.push({ path, staged: await files.stage(p.tenantId, bytes, treeLimits.bytes) });
    return await use({ p, deployment: deploymentOf(p, came), came });
  } finally {
    // They are kept, or refused; what came is let go of now or, where that fails, by the sweep.
    await Promise.allSettled(came.map(({ staged }) => staged.discard()));
  }
}

/** Keeps its files, writes down what it is made of, and puts it in the place of what was seen before; gives its number. */
export async function show(tx: Write, { p, deployment, came }: Site): Promise<number> {
  await holdFiles(tx);
  await Promise.all(came.map(({ staged }) => staged.keep()));
  const { id, number } = await insertDeployment(tx, deployment);
  await goLive(tx, p.slug, id);
  tx.log({
    kind: 'publication.published',
    actor: p.actor,
    subject: { kind: 'publication', id: p.slug },
    ticketId: p.ticketId,
    runId: p.runId,
    agentId: p.agentId,
    body: {
      slug: p.slug, deployment_id: number, digest: deployment.digest, file_count: deployment.files.length,
      total_bytes: deployment.totalBytes,
    }, // prettier-ignore
  });
  return number;
}

/**
 * Publishes what came, in one transaction. A repeat finds it done, and changes nothing, whatever was published or brought
 * back since.
 * @throws Conflict for a slug that is another run's; where `once` is said, for anything but the first thing published so
 */
export async function publishSite(deps: Omit<PublishDeps, 'files'>, site: Site): Promise<Published> {
  const { p, deployment } = site;
  const number = await deps.store.write(p.tenantId, async (tx) => {
    if (p.once) await lockEffect(tx, p.effect);
    await lockSlug(tx, p.slug);
    const before = await deployedBefore(tx, deployment);
    if (before !== null) return before;
    if (p.once && (await deployedOtherwise(tx, p.effect)))
      throw new Conflict(
        'what was approved is published already, and is not this: repeat that, or ask for another change',
      );
    if (!(await claimSlug(tx, deployment))) throw new Conflict(`slug: ${p.slug} is taken`, { field: 'slug' });
    return show(tx, site);
  });
  return answerOf(deps, deployment, number);
}

/** Stores files and publishes them. @throws as `publishSite`; Invalid for a slug that is none */
export const publish = (deps: PublishDeps, p: Publication, tree: AsyncIterable<TreeFile>): Promise<Published> =>
  withSite(deps.files, p, tree, (site) => publishSite(deps, site));

function deploymentOf(p: Publication, came: readonly StagedFile[]): NewDeployment {
  const files = came
    .map(({ path, staged: { sha256, sizeBytes } }) => ({ path, sha256, sizeBytes }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  return {
    slug: p.slug,
    runId: p.runId,
    ticketId: p.ticketId,
    effect: p.effect,
    by: p.actor,
    files,
    totalBytes: files.reduce((sum, f) => sum + f.sizeBytes, 0),
    digest: digestOf(files.map(({ path, sha256 }) => ({ path, sha256 }))),
  };
}

/** Where a site is for whoever looks at it. */
export const siteUrl = (publicUrl: string | null, slug: string): string => {
  const path = `/published/${slug}/`;
  return publicUrl === null ? path : publicUrl.replace(/\/$/, '') + path;
};

const answerOf = ({ publicUrl }: Pick<PublishDeps, 'publicUrl'>, d: NewDeployment, number: number): Published => ({
  slug: d.slug,
  url: siteUrl(publicUrl, d.slug),
  file_count: d.files.length,
  total_bytes: d.totalBytes,
  digest: d.digest,
  deployment_id: number,
});

/** Publishes one page. */
export const publishPage = (deps: PublishDeps, p: Publication, html: string): Promise<Published> =>
  publish(deps, p, Readable.from([{ path: 'index.html', bytes: Readable.from([Buffer.from(html)]) }]));
