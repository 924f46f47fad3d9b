import { Conflict } from '../domain/errors';
import { limitsOf, type DegradedMode, type TenantLimits, type TenantStatus, type Tier } from '../domain/tenant';
import { micros } from './instant';
import type { Pool } from 'pg';
import { prepared } from './prepared';
import { systemTx, type Read } from './tx';

/** What people and settings call the tenant by. */
export async function tenantSlug(tx: Read): Promise<string> {
  const { rows } = await prepared<{ slug: string }>(tx, 'select slug from tenants where id = $1', [tx.tenantId]);
  if (!rows[0]) throw new Error('there is no such tenant');
  return rows[0].slug;
}

/** A tenant, with the limits that hold for it. */
export interface Tenant extends TenantLimits {
  id: string;
  slug: string;
  name: string;
  orgId: string;
  tier: Tier;
  status: TenantStatus;
  degradedModePolicy: DegradedMode;
  createdAt: string;
}

type Row = Omit<Tenant, keyof TenantLimits> & { [K in keyof TenantLimits]: TenantLimits[K] | null };

/** The columns of a tenant, for `tenantOf`. */
export const tenantColumns = `id, slug, name, coalesce(org_id, id) as "orgId", tier, status, degraded_mode_policy as "degradedModePolicy",
  rpm_limit as "rpmLimit", requests_per_second as "requestsPerSecond", burst, daily_request_cap::float8 as "dailyRequestCap",
  monthly_request_cap::float8 as "monthlyRequestCap", daily_inference_cost_cap_usd::float8 as "dailyInferenceCostCapUsd",
  ${micros('created_at')} as "createdAt"`;

export const tenantOf = (row: Record<string, unknown>): Tenant => {
  const known = row as unknown as Row;
  return { ...known, ...limitsOf(known.tier, known) };
};

/** The tenant of the transaction; null when there is none of its id. */
export async function ownTenant(tx: Read): Promise<Tenant | null> {
  const { rows } = await tx.query(`select ${tenantColumns} from tenants where id = $1`, [tx.tenantId]);
  return rows[0] ? tenantOf(rows[0]) : null;
}

/** Of the installation, the oldest first. */
export const allTenants = (pool: Pool, limit: number, offset: number): Promise<Tenant[]> =>
  systemTx(pool, async (client) => {
    const { rows } = await client.query<Record<string, unknown>>(
      `select ${tenantColumns} from tenants order by tenants.created_at, tenants.id limit $1 offset $2`,
      [limit, offset],
    );
    return rows.map(tenantOf);
  });

export interface WantedTenant {
  name: string;
  orgId: string | null;
  tier: Tier;
  rpmLimit: number | null;
  degradedModePolicy: DegradedMode;
}

/** Makes the transaction's tenant, or changes it; and whether it is new. Nobody decides in a new one what they asked for. */
export async function putTenant(tx: Read, wanted: WantedTenant): Promise<{ tenant: Tenant; isNew: boolean }> {
  const values = [tx.tenantId, wanted.name, wanted.orgId, wanted.tier, wanted.rpmLimit, wanted.degradedModePolicy];
  const changed = await tx.query(
    `update tenants set name = $2, org_id = coalesce($3, org_id), tier = $4, rpm_limit = $5, degraded_mode_policy = $6, updated_at = now()
     where id = $1 returning ${tenantColumns}`,
    values,
  );
  if (changed.rows[0]) return { tenant: tenantOf(changed.rows[0]), isNew: false };
  const slug = slugOf(wanted.name);
  for (const unused of [slug, `${slug}-${tx.tenantId.slice(-6)}`, tx.tenantId]) {
    const made = await tx.query(
      `insert into tenants (id, name, org_id, tier, rpm_limit, degraded_mode_policy, slug) values ($1, $2, $3, $4, $5, $6, $7)
       on conflict do nothing returning ${tenantColumns}`,
      [...values, unused],
    );
    if (made.rows[0]) return { tenant: tenantOf(made.rows[0]), isNew: true };
  }
  throw new Conflict('a tenant of this id is being made at this moment: ask again');
}

/** A name in lower-case letters, digits and hyphens, as the command line takes it. */
const slugOf = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 50)
    .replace(/^-|-$/g, '') || 'tenant';
