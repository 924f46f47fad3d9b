import { z } from 'zod';
import type { ProviderSynced } from '../domain/provider';
import { tenantSlug } from './tenants';
import type { Read } from './tx';

const State = z.object({
  knownMax: z.number().nullable(),
  discoveredAt: z.date().nullable(),
  fullAt: z.date().nullable(),
  synced: z.int().nullable(),
  errors: z.int().nullable(),
  created: z.int().nullable(),
  lastError: z.string().nullable(),
});
export type ProviderState = z.output<typeof State>;

export async function providerState(tx: Read, provider: string): Promise<ProviderState | null> {
  const { rows } = await tx.query(
    `select known_max as "knownMax", discovered_at as "discoveredAt", full_at as "fullAt", synced, errors, created,
       last_error as "lastError" from provider_states where provider = $1`,
    [provider],
  );
  return rows[0] ? State.parse(rows[0]) : null;
}

/**
 * Keeps how a look ended. Above the highest number that was known before, tickets are new; before anybody has looked at all
 * of them, none are.
 */
export async function keepState(
  tx: Read,
  provider: string,
  how: { discovery: boolean; highest: number | null } & ProviderSynced,
): Promise<void> {
  const { discovery, highest, synced, errors, error } = how;
  const counts = discovery
    ? 'discovered_at = now()'
    : 'full_at = now(), synced = excluded.synced, errors = excluded.errors, created = excluded.created';
  await tx.query(
    `insert into provider_states (tenant_id, provider, known_max, discovered_at, full_at, synced, errors, created, last_error)
     values ($1, $2, $3, case when $4 then now() end, case when not $4 then now() end, $5, $6, $7, $8)
     on conflict (tenant_id, provider) do update set
       known_max = greatest(provider_states.known_max, excluded.known_max), ${counts}, last_error = excluded.last_error`,
    [tx.tenantId, provider, highest, discovery, synced, errors, how.new, error],
  );
}

/** Whether that slug is the tenant's. */
export const isTenant = async (tx: Read, slug: string): Promise<boolean> => (await tenantSlug(tx)) === slug;
