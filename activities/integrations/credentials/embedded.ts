import { randomBytes } from 'node:crypto';
import { secretsFor } from '../../../db/kept-secrets';
import type { CredentialProvider } from '../../../domain/credentials';
import type { Store } from '../../../log/store';
import { matchesGlob } from '../../../pipeline/tools/vault';

/**
 * Lends the tenant's own secret that fits, by reference: as it is when it is used, and not at all once it was deleted. Where
 * the tenant keeps none, a fresh one that the lease's row alone has: one that was made and not stored is nobody's, and what
 * is not in the row any more is dead.
 */
export const embeddedCredentials = (store: Pick<Store, 'read'>): CredentialProvider => ({
  keeper: () => 'database',
  async grant({ tenantId, scope }) {
    const kept = await store.read(tenantId, (tx) => secretsFor(tx, scope));
    const fits = kept.find((k) => matchesGlob(k.resourceId, scope.resourceId));
    return fits ? { keptId: fits.id } : { secret: randomBytes(32).toString('base64url') };
  },
  revoke: () => Promise.resolve(),
});
