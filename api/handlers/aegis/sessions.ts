import { createHash } from 'node:crypto';
import { agentAtLogin } from '../../../db/agent-credentials';
import { agentById } from '../../../db/agents';
import { sharedPoints, type Points } from '../../../db/rate-limits';
import { holdTokensOf, revokeTokens, tokenRow } from '../../../db/tokens';
import { DomainError, NotFound, RateLimited } from '../../../domain/errors';
import type { NewEntry } from '../../../domain/log';
import type { Actor } from '../../../domain/principal';
import { perOwner } from '../../../log/shared';
import { actorKindOf, claimsOf, holderOf, issueToken, principalOfToken, type Claims } from '../../../log/tokens';
import type { auth } from '../../contracts/aegis/auth';
import { badRequest, refused, sessionOf } from '../../auth';
import type { Ctx, Handlers, Kernel, OpenCtx } from '../../kernel';
import { loggedIn, setTokenCookie } from './logged-in';

type Sessions = Pick<Handlers<typeof auth>, 'introspectToken' | 'refreshToken' | 'revokeToken' | 'logout'>;

const asked = perOwner(({ store }: Kernel) => sharedPoints(store.pool, 'introspect', 30));
const renewals = perOwner(({ store }: Kernel) => sharedPoints(store.pool, 'refresh', 30));

/** @throws RateLimited */
async function count(by: Points, key: string, limitType: string): Promise<void> {
  const window = await by.consume(key);
  if (window.consumed <= by.points) return;
  throw new RateLimited('rate_limited', {
    limit_type: limitType,
    retry_after_s: Math.max(1, Math.ceil(window.leftMs / 1000)),
    reset_at: new Date(Date.now() + window.leftMs).toISOString(),
  });
}

const subjectOf = ({ typ, sub }: Claims): NewEntry['subject'] => ({
  kind: typ === 'client' ? 'oauth_client' : typ,
  id: sub,
});

/** Of one token; null when it is none of this tenant. */
async function claimsHere(ctx: Ctx, token: string): Promise<Claims | null> {
  const claims = await claimsOf(ctx.kernel.keyring, token);
  return claims?.tenant_id === ctx.tenantId ? claims : null;
}

/** The agent whose tokens are meant, or the one token. @throws BadRequest, NotFound */
async function meant(
  ctx: Ctx,
  given: { agentId: string | undefined; jti: string | undefined; token: string | undefined },
) {
  const named = Object.values(given).filter((v) => v !== undefined);
  if (named.length !== 1) throw badRequest('name one of agent_id, jti and token', 'agent_id');
  if (given.agentId !== undefined) return { by: 'agent' as const, id: given.agentId };
  if (given.jti !== undefined) return { by: 'jti' as const, id: given.jti };
  const claims = await claimsHere(ctx, given.token ?? '');
  if (!claims) throw new NotFound('no such token');
  return { by: 'jti' as const, id: claims.jti };
}

const inactive = {
  active: false, agent_id: null, user_id: null, tenant_id: null, role: null, exp: null, iat: null,
} as const; // prettier-ignore

/** What came of a token that was given back for a new one. */
type Renewed = { is: 'new'; token: string; role: string } | { is: 'reused' | 'over' };

async function renew(ctx: OpenCtx, claims: Claims): Promise<Renewed> {
  const { store, keyring } = ctx.kernel;
  await keyring.refresh();
  return store.write(claims.tenant_id, async (tx): Promise<Renewed> => {
    await holdTokensOf(tx, claims.sub);
    const row = await tokenRow(tx, claims.jti);
    const holder = await holderOf(tx, claims);
    if (row?.isOld && row.revokedFor === null) return { is: 'over' };
    if (row && holder) {
      const agent = claims.typ === 'agent' ? await agentAtLogin(tx, claims.sub) : null;
      const of = {
        kind: claims.typ, id: claims.sub, tenantId: claims.tenant_id, role: holder.role, permissions: agent?.permissions ?? [],
      }; // prettier-ignore
      await revokeTokens(tx, { by: 'jti', id: claims.jti }, 'refresh');
      tx.log({
        kind: 'token.refreshed',
        actor: { id: claims.sub, kind: actorKindOf(claims), name: holder.name },
        subject: subjectOf(claims),
        agentId: row.agentId,
        correlationId: ctx.requestId,
      });
      return { is: 'new', token: await issueToken(tx, keyring, of, row.family), role: holder.role };
    }
    if (row?.revokedFor !== 'refresh') return { is: 'over' };
    // Two have it, and one of them stole it: neither goes on with what came of it.
    const ended = await revokeTokens(tx, { by: 'family', id: row.family }, 'reuse');
    const unknown: Actor = { id: null, kind: actorKindOf(claims), name: 'unknown' };
    tx.log({
      kind: 'token.reused', actor: unknown, subject: subjectOf(claims), agentId: row.agentId, decision: 'deny',
      reason: 'refreshed_token_reused', correlationId: ctx.requestId, body: { jti: claims.jti, tokens_ended: ended },
    }); // prettier-ignore
    return { is: 'reused' };
  });
}

export const sessionHandlers: Sessions = {
  introspectToken: async ({ body }, ctx) => {
    const key = createHash('sha256').update(body.token).digest('hex');
    await count(asked(ctx.kernel), key, 'introspections_per_token');
    const claims = await claimsHere(ctx, body.token);
    const principal = claims && (await principalOfToken(ctx.kernel.store.pool, ctx.kernel.keyring, body.token));
    if (!principal) return inactive;
    const isAgent = claims.typ === 'agent';
    return {
      active: true,
      agent_id: isAgent ? claims.sub : null,
      user_id: claims.typ === 'user' ? claims.sub : null,
      tenant_id: claims.tenant_id,
      role: principal.role,
      exp: claims.exp,
      iat: claims.iat,
    };
  },
  refreshToken: async (_input, ctx) => {
    const claims = await sessionOf(ctx.kernel, ctx.headers);
    if (claims.typ === 'client') throw badRequest('a client asks for a new token at /oauth/token', 'grant_type');
    // By whom it is of, not by token: each renewal makes another token, and writes into the log for good.
    await count(renewals(ctx.kernel), claims.sub, 'refreshes_per_subject');
    const renewed = await renew(ctx, claims);
    if (renewed.is !== 'new') throw refused(renewed.is === 'reused' ? 'token_reused' : 'invalid_session');
    const of = { tenantId: claims.tenant_id, role: renewed.role };
    return { ...loggedIn(ctx, renewed.token, of), ...(claims.typ === 'agent' && { agent_id: claims.sub }) };
  },
  revokeToken: async ({ query, body }, ctx) => {
    const whose = await meant(ctx, { agentId: query.agent_id, jti: body.jti, token: body.token });
    const agentId = await ctx.write(async (tx) => {
      const row = whose.by === 'jti' ? await tokenRow(tx, whose.id) : null;
      const agent = whose.by === 'agent' ? await agentById(tx, whose.id) : null;
      const of = row?.userId ?? row?.agentId ?? row?.clientId ?? agent?.id;
      if (of === undefined) throw new NotFound(whose.by === 'agent' ? `no agent ${whose.id}` : 'no such token');
      await holdTokensOf(tx, of);
      // What it was given back for as well: whoever has it may be ahead of whoever takes it back.
      const ended = await revokeTokens(tx, row ? { by: 'family', id: row.family } : { by: 'agent', id: of }, 'revoked');
      const revoked = agent?.id ?? row?.agentId ?? null;
      // A repeat finds nothing to take back, and nothing to say.
      if (ended > 0) {
        tx.log({
          kind: 'token.revoked', actor: ctx.actor, subject: { kind: row?.clientId ? 'oauth_client' : revoked === null ? 'user' : 'agent', id: of }, agentId: revoked,
          body: { tokens_ended: ended },
        }); // prettier-ignore
      }
      return revoked;
    });
    const message = whose.by === 'agent' ? 'no token of this agent is good any more' : 'the token is not good any more';
    return { agent_id: agentId, revoked: true as const, message };
  },
  logout: async (_input, ctx) => {
    setTokenCookie(ctx, '');
    try {
      const claims = await sessionOf(ctx.kernel, ctx.headers);
      const live = await ctx.kernel.store.write(claims.tenant_id, async (tx) => {
        await holdTokensOf(tx, claims.sub);
        const [row, holder] = [await tokenRow(tx, claims.jti), await holderOf(tx, claims)];
        if (!row) return false;
        // Given back for a new one a moment ago, as another tab does it: that one ends. Who did so is not known for certain.
        if (!holder && row.revokedFor !== 'refresh') return false;
        if ((await revokeTokens(tx, { by: 'family', id: row.family }, 'logout')) === 0) return false;
        const actor = { id: holder ? claims.sub : null, kind: actorKindOf(claims), name: holder?.name ?? 'unknown' };
        tx.log({
          kind: `${claims.typ}.logout`, actor, subject: subjectOf(claims), agentId: row.agentId, correlationId: ctx.requestId,
        }); // prettier-ignore
        return true;
      });
      if (!live) throw refused('invalid_session');
      return { revoked: true };
    } catch (err) {
      if (err instanceof DomainError && err.status < 500) throw err;
      // Whoever logs out has to get rid of the cookie whatever is away; that the token lasts for its minutes, they are told.
      ctx.kernel.logger.error({ err }, 'a token could not be taken back at its log-out');
      return { revoked: false };
    }
  },
};
