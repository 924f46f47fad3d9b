import type { LeaseScope } from './harness';

export const leaseStatuses = ['pending', 'active', 'revoking', 'revoked', 'expired'] as const;
export type LeaseStatus = (typeof leaseStatuses)[number];
/** A credential may be alive for them, whatever is known of it here. */
export const openLeases: readonly LeaseStatus[] = ['pending', 'active', 'revoking'];

interface Asked {
  tenantId: string;
  /** What makes repeats harmless: one lease is one credential, however often it is asked for. */
  leaseId: string;
  /** Grows with every attempt at the lease, granting or revoking. */
  fence: number;
  /** The keeper that was named when the lease began; null for one from before that was written down. */
  keptBy: string | null;
}

export interface GrantAsk extends Asked {
  scope: LeaseScope;
  /** The end of the lease by the clock of our database, and how far that is: a provider's clock may be wrong. */
  expiresAt: string;
  ttlMs: number;
}
export type RevokeAsk = Asked;

/**
 * `secret`: the credential, and for how long it lives where that is less than was asked for. `keptId`: a secret of the
 * tenant's that this database keeps; the lease lends it as it is at its use.
 */
export type Granted = { secret: string; livesMs?: number } | { keptId: string };

/**
 * Who makes credentials and ends them. Both calls may be repeated, overtake each other, and lose their answers:
 *
 * - `grant` again for a lease gives the same credential, or another that replaces it: never two that are alive.
 * - A call with a fence below one that was seen for its lease changes nothing. @throws Stale
 * - After `revoke` has answered, no credential of the lease is alive and none ever will be, also when the lease was not
 *   known: a grant that arrives late is refused.
 */
export interface CredentialProvider {
  /** The name by which a lease remembers who keeps its credential. */
  keeper(tenantId: string): Promise<string> | string;
  /** @throws Refused for good: another attempt would hear the same. Anything else thrown: nothing is known, ask again */
  grant(ask: GrantAsk): Promise<Granted>;
  /** Resolves when the end is confirmed, and only then. */
  revoke(ask: RevokeAsk): Promise<void>;
}

/** The provider grants no such thing; why is told to people. */
export class Refused extends Error {}
/** A later attempt was seen. */
export class Stale extends Error {}
