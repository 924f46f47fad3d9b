import { erasedName } from '../domain/personal';
import { prepared } from './prepared';
import type { Read } from './tx';

/** A user's secret, which the key over what the log says of their address is made with. */
export interface Subject {
  id: string;
  /** In lower case. */
  email: string;
  /** Null: shredded. */
  secret: Buffer | null;
  /** Changed by this very transaction, which may come to nothing. */
  isFresh: boolean;
}

const columns = `id, lower(email) as email, log_secret as secret,
  coalesce(xmin = pg_current_xact_id_if_assigned()::xid, false) as "isFresh"`;

/** Who has one of those addresses (in lower case), or one of those ids. */
export async function subjectsNamed(tx: Read, emails: readonly string[], ids: readonly string[]): Promise<Subject[]> {
  const { rows } = await prepared<Subject & Record<string, unknown>>(
    tx,
    `select ${columns} from users where lower(email) = any($1) or id = any($2::uuid[])`,
    [emails, ids],
  );
  return rows;
}

/** The secrets of those who still have one. */
export async function secretsOf(tx: Read, ids: readonly string[]): Promise<Map<string, Buffer>> {
  const { rows } = await prepared<{ id: string; secret: Buffer }>(
    tx,
    'select id, log_secret as secret from users where id = any($1::uuid[]) and log_secret is not null',
    [ids],
  );
  return new Map(rows.map((r) => [r.id, r.secret]));
}

/**
 * Shreds a user's secret, and puts a marker where their row and the tenant's other rows say their address. Table by table: each
 * is read from end to end. False when they were erased before. The user's row is to be held.
 */
export async function eraseUser(tx: Read, user: { id: string; email: string }): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update users set log_secret = null, erased_at = now(), email = $2, full_name = $2, password_hash = null, is_active = false,
       invitation_hash = null, invitation_expires_at = null, sso_issuer = null, sso_subject = null
     where id = $1 and erased_at is null`,
    [user.id, erasedName(user.id)],
  );
  if (rowCount !== 1) return false;
  const { rows } = await tx.query<{ name: string }>('select erasable_tables() as name');
  for (const { name } of rows) await tx.query('select erase_address($1, $2, $3)', [name, user.id, user.email]);
  return true;
}
