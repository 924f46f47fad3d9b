import { v7 } from 'uuid';
import type { Client } from 'pg';
import type { Operation } from '../../api/operation';
import { agentScopes, roleNames, roles, scopes as every, type Scope } from '../../domain/scopes';
import { newApiKey } from '../../log/credentials';
import { ensureUser } from '../../log/provision';
import type { Declared } from './declaration';

/** Who calls: a user of each role, and every other kind of credential, living and dead. */
export interface Actor {
  name: string;
  token: string;
  kind: 'nobody' | 'user' | 'agent' | 'service';
  scopes: readonly Scope[];
  /** Whether the credential opens anything. */
  dead: boolean;
  /** `elsewhere`: bound to another ticket of its tenant than the one that the ids are of. */
  bound: 'ticket' | 'elsewhere' | null;
}

/** What an actor may expect of an operation before any id is looked at. */
export type Standing = { status: 401 } | { status: 403; scope: Scope | null } | 'may';

export const isOpen = (op: Operation): boolean => ['public', 'login', 'metrics'].includes(op.access);

export function standing(actor: Actor, op: Operation, entry: Declared): Standing {
  if (isOpen(op)) return 'may';
  if (actor.dead) return { status: 401 };
  const scope = op.access as Scope;
  if (!actor.scopes.includes(scope)) return { status: 403, scope };
  if (entry.only === 'people' && actor.kind === 'agent') return { status: 403, scope: null };
  if (entry.only === 'users' && actor.kind !== 'user') return { status: 403, scope: null };
  return 'may';
}

interface Of {
  tenantId: string;
  agentId: string;
  runId: string;
  otherRunId: string;
}
interface Wanted {
  kind: 'user' | 'agent' | 'service';
  scopes: readonly Scope[];
  bound?: 'ticket' | 'elsewhere';
  role?: string;
  /** What ends it. */
  end?: 'expired' | 'revoked' | 'inactive';
}

const wanted: Record<string, Wanted> = {
  ...Object.fromEntries(roleNames.map((role) => [role, { kind: 'user' as const, scopes: roles[role], role }])),
  service: { kind: 'service', scopes: every },
  'agent key': { kind: 'agent', scopes: agentScopes },
  'run key': { kind: 'agent', scopes: agentScopes, bound: 'ticket' },
  'run key of another ticket': { kind: 'agent', scopes: agentScopes, bound: 'elsewhere' },
  // Whatever was written into its row: a credential that is bound to a ticket may no more than a run.
  'key bound to another ticket': { kind: 'service', scopes: every, bound: 'elsewhere' },
  'expired key': { kind: 'user', scopes: every, end: 'expired' },
  'revoked key': { kind: 'user', scopes: every, end: 'revoked' },
  'key of an inactive user': { kind: 'user', scopes: every, end: 'inactive' },
};
export const actorNames = ['nobody', ...Object.keys(wanted)];

/** One actor of each kind in a tenant. Their rows are written by the database's owner. */
export async function makeActors(owner: Client, of: Of): Promise<Actor[]> {
  const made: Actor[] = [{ name: 'nobody', token: '', kind: 'nobody', scopes: [], dead: true, bound: null }];
  for (const [name, { kind, scopes, bound, role = 'ADMIN', end }] of Object.entries(wanted)) {
    const address = `${name.replaceAll(' ', '-')}@local.test`;
    const userId = kind === 'user' ? await ensureUser(owner, of.tenantId, address, v7(), role) : null;
    const { key, hash, prefix } = newApiKey();
    const runId = bound === 'ticket' ? of.runId : bound === 'elsewhere' ? of.otherRunId : null;
    await owner.query(
      `insert into api_keys (id, tenant_id, name, key_hash, key_prefix, role, scopes, user_id, agent_id, run_id, expires_at, revoked_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, case when $11 = 'expired' then now() - interval '1 second' end,
         case when $11 = 'revoked' then now() end)`,
      [
        v7(), of.tenantId, name, hash, prefix, role, [...scopes], userId, kind === 'agent' ? of.agentId : null, runId, end ?? null,
      ], // prettier-ignore
    );
    if (end === 'inactive') await owner.query('update users set is_active = false where id = $1', [userId]);
    const dead = end !== undefined;
    const may = bound ? scopes.filter((s) => agentScopes.includes(s)) : scopes;
    made.push({ name, token: key, kind, scopes: may, dead, bound: bound ?? null });
  }
  return made;
}
