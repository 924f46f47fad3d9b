import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { z } from 'zod';
import type { Actor } from '../domain/principal';
import { ActorSchema, InstantSchema } from '../domain/common.schema';
import { systemTx, type Read } from './tx';

/** What was published under an address, once. */
const DeploymentSchema = z.object({
  id: z.uuid(),
  number: z.int(),
  slug: z.string(),
  runNumber: z.int().nullable(),
  ticketId: z.uuid(),
  ticketNumber: z.int(),
  digest: z.string(),
  fileCount: z.int(),
  totalBytes: z.coerce.number(),
  deployedBy: ActorSchema,
  createdAt: InstantSchema,
  /** It is what is seen under the address. */
  live: z.boolean(),
});
export type Deployment = z.output<typeof DeploymentSchema>;

const select = `
  select d.id, d.number, d.slug, r.number as "runNumber", d.ticket_id as "ticketId", t.number as "ticketNumber", d.digest,
    d.file_count as "fileCount", d.total_bytes as "totalBytes", d.deployed_by as "deployedBy", d.created_at as "createdAt",
    d.id is not distinct from p.deployment_id as live
  from deployments d join publications p on p.slug = d.slug join tickets t on t.id = d.ticket_id left join runs r on r.id = d.run_id`;
const parse = (rows: unknown[]): Deployment[] => rows.map((row) => DeploymentSchema.parse(row));

/** One at a time for a slug, whatever process and whatever tenant it is. */
export const lockSlug = (tx: Read, slug: string) =>
  tx.query(`select pg_advisory_xact_lock(hashtextextended('publish:' || $1, 0))`, [slug]);

/** One at a time for what one approval allows, under whatever slug. */
export const lockEffect = (tx: Read, effect: string) =>
  tx.query(`select pg_advisory_xact_lock(hashtextextended('effect:' || $1, 0))`, [effect]);

/** Newest first; `only` is a ticket that a credential is bound to. */
export async function deploymentsOf(
  tx: Read,
  { slug, only }: { slug: string; only: string | null },
  limit: number,
  offset: number,
): Promise<{ deployments: Deployment[]; total: number }> {
  const where = 'where d.slug = $1 and ($2::uuid is null or d.ticket_id = $2)';
  const { rows } = await tx.query(`${select} ${where} order by d.number desc limit $3 offset $4`, [
    slug, only, limit, offset,
  ]); // prettier-ignore
  const counted = await tx.query<{ n: number }>(`select count(*)::int as n from deployments d ${where}`, [slug, only]);
  return { deployments: parse(rows), total: counted.rows[0]?.n ?? 0 };
}

export async function deploymentByNumber(tx: Read, slug: string, number: number): Promise<Deployment | null> {
  const { rows } = await tx.query(`${select} where d.slug = $1 and d.number = $2`, [slug, number]);
  return parse(rows)[0] ?? null;
}

/** The number of what this effect published under the address already; null when it did not. */
export async function deployedBefore(tx: Read, d: NewDeployment): Promise<number | null> {
  const { rows } = await tx.query<{ number: number }>(
    'select number from deployments where slug = $1 and effect = $2 and digest = $3',
    [d.slug, d.effect, d.digest],
  );
  return rows[0]?.number ?? null;
}

/** Whether this effect published anything. */
export async function deployedOtherwise(tx: Read, effect: string): Promise<boolean> {
  const { rowCount } = await tx.query('select from deployments where effect = $1 limit 1', [effect]);
  return Boolean(rowCount);
}

/** An address under which pages were seen before deployments were kept. */
export interface Unkept {
  slug: string;
  runId: string;
  ticketId: string;
}
export async function unkeptSites(tx: Read): Promise<Unkept[]> {
  const { rows } = await tx.query<{ slug: string; runId: string; ticketId: string }>(
    `select slug, run_id as "runId", ticket_id as "ticketId" from publications where deployment_id is null order by slug`,
  );
  return rows;
}

export interface SiteFile {
  path: string;
  sha256: string;
  sizeBytes: number;
}
export interface NewDeployment {
  slug: string;
  runId: string;
  ticketId: string;
  effect: string;
  digest: string;
  totalBytes: number;
  by: Actor;
  files: readonly SiteFile[];
}

/** Takes the address, or finds it taken by the same run. False when it is somebody else's. */
export async function claimSlug(tx: Read, d: NewDeployment): Promise<boolean> {
  await tx.query(
    `insert into publications (slug, tenant_id, run_id, ticket_id, digest, file_count, total_bytes)
     values ($1, $2, $3, $4, $5, $6, $7) on conflict (slug) do nothing`,
    [d.slug, tx.tenantId, d.runId, d.ticketId, d.digest, d.files.length, d.totalBytes],
  );
  // Another tenant's row does not exist for us: no row of our own run means that the slug is somebody else's.
  const { rowCount } = await tx.query('select from publications where slug = $1 and run_id = $2', [d.slug, d.runId]);
  return Boolean(rowCount);
}

/** Writes down what a deployment is made of; gives its number. */
export async function insertDeployment(tx: Read, d: NewDeployment): Promise<{ id: string; number: number }> {
  const id = randomUUID();
  const { rows } = await tx.query<{ number: number }>(
    `insert into deployments (id, tenant_id, slug, run_id, ticket_id, effect, digest, file_count, total_bytes, deployed_by)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning number`,
    [id, tx.tenantId, d.slug, d.runId, d.ticketId, d.effect, d.digest, d.files.length, d.totalBytes, d.by],
  );
  await tx.query(
    `insert into deployment_files (deployment_id, tenant_id, path, sha256, size_bytes)
     select $1, $2, f.path, f.sha256, f.size_bytes
     from unnest($3::text[], $4::text[], $5::bigint[]) as f (path, sha256, size_bytes)`,
    [id, tx.tenantId, d.files.map((f) => f.path), d.files.map((f) => f.sha256), d.files.map((f) => f.sizeBytes)],
  );
  return { id, number: rows[0]?.number ?? 0 };
}

/** From the commit on, this is what is seen under the address. */
export const goLive = (tx: Read, slug: string, deploymentId: string) =>
  tx.query(
    `update publications p set deployment_id = d.id, digest = d.digest, file_count = d.file_count, total_bytes = d.total_bytes,
       published_at = now() from deployments d where p.slug = $1 and d.id = $2`,
    [slug, deploymentId],
  );

/** What is seen under an address, by anybody: whose it is, and which deployment. */
export const liveAt = (pool: Pool, slug: string): Promise<{ tenantId: string; deploymentId: string } | null> =>
  systemTx(pool, async (client) => {
    const { rows } = await client.query<{ tenantId: string; deploymentId: string }>(
      `select tenant_id as "tenantId", deployment_id as "deploymentId" from publications
       where slug = $1 and deployment_id is not null`,
      [slug],
    );
    return rows[0] ?? null;
  });

/** A file of a deployment. */
export async function siteFile(tx: Read, deploymentId: string, path: string): Promise<SiteFile | null> {
  const { rows } = await tx.query<{ path: string; sha256: string; sizeBytes: string }>(
    'select path, sha256, size_bytes as "sizeBytes" from deployment_files where deployment_id = $1 and path = $2',
    [deploymentId, path],
  );
  return rows[0] ? { ...rows[0], sizeBytes: Number(rows[0].sizeBytes) } : null;
}
