import { createHash, createHmac, randomBytes } from 'node:crypto';
import type { Pool } from 'pg';
import type { Principal } from '../domain/principal';
import { agentScopes, scopes as allScopes, scopesOf } from '../domain/scopes';
import { perOwner, together } from './shared';

const keyForm = /^acp_[A-Za-z0-9_-]{43}$/;

/** 256 random bits: a plain digest is enough to store, and it is what the key is found by. */
export const newApiKey = (): { key: string; hash: string; prefix: string } => {
  const key = `acp_${randomBytes(32).toString('base64url')}`;
  return { key, hash: hashKey(key), prefix: key.slice(0, 12) };
};
/** The key of one thing, the same whoever derives it: so that a repeat gives its agent the same. */
export const derivedKey = (masterKey: Buffer, of: string): string =>
  `acp_${createHmac('sha256', masterKey).update(`key of ${of}`).digest('base64url')}`;
export const hashKey = (key: string): string => createHash('sha256').update(key).digest('hex');

interface KeyRow {
  hash: string; id: string; tenant_id: string; name: string; role: string; scopes: string[]; agent_id: string | null; run_id: string | null;
  /** By the database's clock: one API's may be wrong. */
  expired: boolean; revoked_at: Date | null;
  user_id: string | null; email: string | null; user_role: string | null; is_active: boolean | null;
  agent_name: string | null; agent_status: string | null; ticket_id: string | null;
} // prettier-ignore

const known = new Set<string>(allScopes);
const both = (a: readonly string[], b: readonly string[]): string[] => a.filter((s) => known.has(s) && b.includes(s));

/**
 * Whom an API key acts as, with no more than its user or agent may by now, nor more than a run may when it is bound to one;
 * null when it is unknown, expired, revoked, or its user or agent may no longer act
 */
export async function principalOfKey(pool: Pool, key: string): Promise<Principal | null> {
  if (!keyForm.test(key)) return null;
  const hash = hashKey(key);
  const row = await findKey(pool)(hash);
  if (!row || row.revoked_at || row.expired) return null;
  // A run that is not there leaves no ticket to be bound to: nothing is open then, rather than everything.
  if (row.run_id !== null && row.ticket_id === null) return null;
  const may = row.run_id === null ? allScopes : agentScopes;
  const base = {
    tenantId: row.tenant_id, role: row.role, credentialId: row.id, ticketId: row.ticket_id, runId: row.run_id,
  }; // prettier-ignore
  if (row.user_id !== null) {
    if (!row.is_active || row.email === null) return null;
    return {
      ...base,
      id: row.user_id,
      kind: 'user',
      name: row.email,
      scopes: both(both(row.scopes, scopesOf(row.user_role ?? '')), may),
    };
  }
  if (row.agent_id !== null) {
    if (row.agent_status !== 'ACTIVE') return null;
    return { ...base, id: row.agent_id, kind: 'agent', name: row.agent_name ?? 'agent', scopes: both(row.scopes, may) };
  }
  return { ...base, id: row.id, kind: 'service', name: row.name, scopes: both(row.scopes, may) };
}

/** Keys that are shown at the same time are looked for together: each after it was shown, so that a revoked one is refused. */
const findKey = perOwner((pool: Pool) =>
  together(async (hashes: string[]): Promise<Map<string, KeyRow>> => {
    const { rows } = await pool.query<KeyRow>({
      name: 'presented_keys',
      text: 'select *, coalesce(expires_at <= now(), false) as expired from presented_keys($1)',
      values: [hashes],
    });
    return new Map(rows.map((row) => [row.hash, row]));
  }),
);
