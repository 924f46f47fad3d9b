import type { Read } from './tx';

/** Why a token was taken back before its time. */
export type RevokedFor = 'refresh' | 'logout' | 'revoked' | 'reuse' | 'credentials' | 'deactivated';

export interface NewToken {
  jti: string;
  /** Those that came of one log-in, each for the one before. */
  family: string;
  userId: string | null;
  agentId: string | null;
  /** Of an OAuth client, with what it asked for. */
  client?: { id: string; scopes: readonly string[] } | undefined;
  seconds: number;
}

/** Writes down that a token was given out, and forgets those that are long over. */
export async function insertToken(tx: Read, t: NewToken): Promise<void> {
  await tx.query(
    `insert into tokens (jti, tenant_id, family, user_id, agent_id, expires_at, client_id, scopes, began_at)
     values ($1, $2, $3, $4, $5, now() + make_interval(secs => $6), $7, $8,
       coalesce((select min(t.began_at) from tokens t where t.family = $3), now()))`,
    [t.jti, tx.tenantId, t.family, t.userId, t.agentId, t.seconds, t.client?.id ?? null, t.client?.scopes ?? null],
  );
  await tx.query(`delete from tokens where expires_at < now() - interval '1 hour'`);
}

export interface TokenRow {
  jti: string;
  family: string;
  userId: string | null;
  agentId: string | null;
  clientId: string | null;
  revokedFor: RevokedFor | null;
  /** Its log-in is a day old: it is not renewed any more. */
  isOld: boolean;
}
const columns = `jti, family, user_id as "userId", agent_id as "agentId", client_id as "clientId", revoked_for as "revokedFor",
  began_at <= now() - interval '24 hours' as "isOld"`;

export async function tokenRow(tx: Read, jti: string): Promise<TokenRow | null> {
  const { rows } = await tx.query<TokenRow & Record<string, unknown>>(`select ${columns} from tokens where jti = $1`, [
    jti,
  ]);
  return rows[0] ?? null;
}

/**
 * Until the transaction ends nobody else renews or takes back tokens of this user or agent. Without it a token that is renewed at
 * that moment leaves its successor behind, which no statement that began before sees.
 */
export const holdTokensOf = (tx: Read, holderId: string): Promise<unknown> =>
  tx.query(`select pg_advisory_xact_lock(hashtextextended('tokens:' || $1::text || ':' || $2::text, 0))`, [
    tx.tenantId,
    holderId,
  ]);

const by = { jti: 'jti', family: 'family', agent: 'agent_id', user: 'user_id' } as const;
export type Whose = { [K in keyof typeof by]: { by: K; id: string } }[keyof typeof by];

/** Takes back what is still good of them, for whoever holds those of their holder (`holdTokensOf`); how many that were. */
export async function revokeTokens(tx: Read, whose: Whose, why: RevokedFor): Promise<number> {
  const { rowCount } = await tx.query(
    `update tokens set revoked_at = now(), revoked_for = $2 where ${by[whose.by]} = $1 and revoked_at is null`,
    [whose.id, why],
  );
  return rowCount ?? 0;
}
