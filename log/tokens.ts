import { SignJWT, errors as joseErrors, jwtVerify } from 'jose';
import type { Pool } from 'pg';
import { v4 } from 'uuid';
import { z } from 'zod';
import { insertToken } from '../db/tokens';
import type { Read } from '../db/tx';
import type { ActorKind, Principal } from '../domain/principal';
import { scopesOf } from '../domain/scopes';
import type { Keyring } from './keys';

// Tokens are JWTs, signed with Ed25519 under a key that its `kid` names. One opens nothing unless its row says so: that is
// how it is taken back before its quarter of an hour is over.

export const tokenSeconds = 900;
const issuer = 'wheelhouse';

/** Whom a token is for. An agent's says besides what it may call, for whoever reads it; what counts are the rows. */
export interface TokenFor {
  kind: 'user' | 'agent' | 'client';
  id: string;
  tenantId: string;
  role: string;
  /** Of a client: what it asked for. */
  scopes?: readonly string[];
  permissions?: readonly { tool_name: string; action: string }[];
}

/**
 * A token that is good once the transaction has committed; the keyring is fresh, which no transaction should wait for.
 * @param family that of the token which it is given for; a new one at a log-in
 */
export async function issueToken(tx: Read, keyring: Keyring, of: TokenFor, family: string = v4()): Promise<string> {
  const key = keyring.current('token');
  const jti = v4();
  const isAgent = of.kind === 'agent';
  const scopes = of.scopes ?? [];
  await insertToken(tx, {
    jti,
    family,
    userId: of.kind === 'user' ? of.id : null,
    agentId: isAgent ? of.id : null,
    client: of.kind === 'client' ? { id: of.id, scopes } : undefined,
    seconds: tokenSeconds,
  });
  return new SignJWT({
    tenant_id: of.tenantId,
    org_id: of.tenantId,
    role: of.role,
    typ: of.kind,
    ...(isAgent && { agent_id: of.id, agent_status: 'ACTIVE', permissions: of.permissions ?? [] }),
    ...(of.kind === 'user' && { user_id: of.id }),
    ...(of.kind === 'client' && { scope: scopes.join(' ') }),
  })
    .setProtectedHeader({ alg: 'EdDSA', kid: key.fingerprint, typ: 'JWT' })
    .setSubject(of.id)
    .setIssuer(issuer)
    .setAudience(issuer)
    .setJti(jti)
    .setIssuedAt()
    .setExpirationTime(`${tokenSeconds}s`)
    .sign(key.privateKey);
}

/** Whose tokens are whose: a client acts as a service. */
export const actorKindOf = ({ typ }: Pick<Claims, 'typ'>): ActorKind => (typ === 'client' ? 'service' : typ);

const uuid = z.string().regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/);
const Claims = z.object({
  sub: uuid,
  tenant_id: uuid,
  jti: uuid,
  typ: z.enum(['user', 'agent', 'client']),
  iat: z.number(),
  exp: z.number(),
});
export type Claims = z.output<typeof Claims>;

/** What a token says, when it is one of ours and not over; null otherwise. Whether it still opens anything, its row says. */
export async function claimsOf(keyring: Keyring, token: string): Promise<Claims | null> {
  try {
    const { payload } = await jwtVerify(
      token,
      async ({ kid }) => {
        if (kid === undefined) throw new joseErrors.JWKSNoMatchingKey();
        if (!keyring.find(kid)) await keyring.refresh();
        const key = keyring.find(kid);
        if (key?.purpose !== 'token' || key.fingerprint !== kid) throw new joseErrors.JWKSNoMatchingKey();
        return key.key;
      },
      {
        issuer,
        audience: issuer,
        algorithms: ['EdDSA'],
        typ: 'JWT',
        requiredClaims: ['exp', 'iat', 'sub', 'jti'],
        maxTokenAge: tokenSeconds,
      },
    );
    return Claims.parse(payload);
  } catch (e) {
    if (e instanceof joseErrors.JOSEError || e instanceof z.ZodError || e instanceof TypeError) return null;
    throw e;
  }
}

export interface Holder {
  name: string;
  role: string;
  /** Of a client's token: what it was given for, as far as the client may by now. Null: what the role has. */
  scopes: string[] | null;
}
const holder = {
  user: `select u.email as name, u.role, null as scopes from tokens t join users u on u.id = t.user_id
    where t.revoked_at is null and u.is_active`,
  agent: `select a.name, 'agent' as role, null as scopes from tokens t join agents a on a.id = t.agent_id
    where t.revoked_at is null and a.status = 'ACTIVE' and a.deleted_at is null`,
  client: `select c.name, 'client' as role, array(select s from unnest(t.scopes) s where s = any(c.scopes)) as scopes
    from tokens t join oauth_clients c on c.id = t.client_id where t.revoked_at is null and c.revoked_at is null`,
};
const heldBy = ({ jti, sub, typ }: Claims): string => `${holder[typ]} and t.jti = '${jti}' and t.${typ}_id = '${sub}'`;

/** Whoever holds a token by now; null when it was taken back, or they may no longer come in. */
export async function holderOf(tx: Read, claims: Claims): Promise<Holder | null> {
  const { rows } = await tx.query<Holder & Record<string, unknown>>(heldBy(claims));
  return rows[0] ?? null;
}

/** The same in one message there and back. */
async function holderAtOnce(pool: Pool, claims: Claims): Promise<Holder | null> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    const results = (await client.query(
      `begin read only; set local app.tenant = '${claims.tenant_id}'; ${heldBy(claims)}; commit`,
    )) as unknown as { rows: Holder[] }[];
    return results[2]?.rows[0] ?? null;
  } catch (e) {
    await client.query('rollback').catch((lost: Error) => (broken = lost)); // the connection is gone: so is its transaction
    throw e;
  } finally {
    client.release(broken);
  }
}

/** Whom a token acts as, by their role of now; null when it is forged, over or taken back, or they may no longer come in. */
export async function principalOfToken(pool: Pool, keyring: Keyring, token: string): Promise<Principal | null> {
  const claims = await claimsOf(keyring, token);
  const held = claims && (await holderAtOnce(pool, claims));
  if (!held) return null;
  return {
    id: claims.sub, kind: actorKindOf(claims), name: held.name, tenantId: claims.tenant_id, role: held.role,
    scopes: held.scopes ?? scopesOf(held.role),
    credentialId: claims.jti, ticketId: null, runId: null,
  }; // prettier-ignore
}
