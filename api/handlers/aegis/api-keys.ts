import { apiKeyByHash, insertApiKey, listApiKeys, revokeApiKey, type ApiKey } from '../../../db/api-keys';
import { Conflict, Forbidden, NotFound, Unauthorized } from '../../../domain/errors';
import type { NewEntry } from '../../../domain/log';
import { agentScopes, scopesOf, type Role, type Scope } from '../../../domain/scopes';
import { hashKey, newApiKey, principalOfKey } from '../../../log/credentials';
import type { apiKeys } from '../../contracts/aegis/api-keys';
import type { Ctx, Handlers } from '../../kernel';
import { apiKeyRow } from './views';

interface Wanted {
  role: Role;
  /** Null: all that the role has. */
  scopes: readonly Scope[] | null;
  forAgent: boolean;
}

/**
 * What a new key holds: of the role, what its maker holds, and for an agent never more than an agent may. Otherwise a key
 * would be a way around the limits of whoever made it, or a second person to approve with.
 * @throws Forbidden when scopes are named that it cannot have
 */
function scopesFor(ctx: Ctx, { role, scopes, forAgent }: Wanted): readonly Scope[] {
  const most = scopesOf(role).filter((s) => ctx.principal.scopes.includes(s) && (!forAgent || agentScopes.includes(s)));
  const beyond = scopes?.find((s) => !most.includes(s));
  if (beyond !== undefined) {
    throw new Forbidden(`the key cannot hold ${beyond}`, {
      reason: 'missing_scope',
      required_permission: beyond,
      authenticated: true,
    });
  }
  return scopes ?? most;
}

const entry = (ctx: Ctx, kind: string, key: ApiKey, body: Record<string, unknown>): NewEntry => ({
  kind,
  actor: ctx.actor,
  subject: { kind: 'api_key', id: key.id },
  agentId: key.agentId,
  body: { name: key.name, key_prefix: key.keyPrefix, role: key.role, ...body },
});

export const apiKeyHandlers: Handlers<typeof apiKeys> = {
  listApiKeys: async (_input, ctx) => (await ctx.read(listApiKeys)).map(apiKeyRow),

  createApiKey: async ({ body }, ctx) => {
    const forAgent = body.agent_id != null;
    // A key of a service has nobody behind it whose key another could be.
    if (!forAgent && ctx.principal.kind !== 'user') {
      throw new Forbidden('only a person makes keys that act as a person: name an agent_id', {
        reason: 'no_user',
        authenticated: true,
      });
    }
    const role = body.role ?? (forAgent ? 'agent' : 'DEVELOPER');
    const scopes = scopesFor(ctx, { role, scopes: body.scopes ?? null, forAgent });
    const made = newApiKey();
    const key = await ctx.write(async (tx) => {
      const { rows } = await tx.query<{ id: string }>('select id from agents where id = $1 and deleted_at is null', [
        body.agent_id ?? null,
      ]);
      const agentId = rows[0]?.id ?? null;
      if (forAgent && !agentId) throw new NotFound(`no agent ${body.agent_id}`);
      const inserted = await insertApiKey(tx, {
        id: ctx.newId(),
        name: body.name,
        keyHash: made.hash,
        keyPrefix: made.prefix,
        role,
        scopes: [...scopes],
        userId: forAgent ? null : ctx.principal.id,
        agentId,
        expiresAt: body.expires_at ?? null,
      });
      if (!inserted) {
        throw new Conflict(
          'this Idempotency-Key has made a key, whose secret is not shown again: revoke it, and use another',
          {
            field: 'Idempotency-Key',
            api_key_id: ctx.newId(),
          },
        );
      }
      tx.log(entry(ctx, 'api_key.created', inserted, { scopes: inserted.scopes, expires_at: inserted.expiresAt }));
      return inserted;
    });
    return { ...apiKeyRow(key), api_key: made.key };
  },

  revokeApiKey: ({ params }, ctx) =>
    ctx.write(async (tx) => {
      const found = await revokeApiKey(tx, params.key_id);
      if (!found) throw new NotFound(`no API key ${params.key_id}`);
      if (found.revoked) tx.log(entry(ctx, 'api_key.revoked', found.key, {}));
      return null;
    }),

  validateApiKey: async ({ body }, ctx) => {
    // Only a key of this tenant is looked at: the answer says nothing about those of others.
    const row = await ctx.read((tx) => apiKeyByHash(tx, hashKey(body.api_key)));
    if (!row || !(await principalOfKey(ctx.kernel.store.pool, body.api_key))) {
      throw new Unauthorized('Invalid or expired token', { reason: 'invalid_api_key', authenticated: true });
    }
    return apiKeyRow(row);
  },
};
