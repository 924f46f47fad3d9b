import { micros } from './instant';
import type { Read } from './tx';

export interface UserRow {
  id: string;
  email: string;
  fullName: string;
  role: string;
  isActive: boolean;
  /** Was asked in, and did not come yet. */
  isInvited: boolean;
  /** Null: nobody has chosen a password, or they come from an issuer. */
  passwordHash: string | null;
  createdAt: string;
  /** When what names them was erased, for good. */
  erasedAt: string | null;
}

const columns = `id, email, full_name as "fullName", role, is_active as "isActive", invitation_hash is not null as "isInvited",
  password_hash as "passwordHash", ${micros('created_at')} as "createdAt", ${micros('erased_at')} as "erasedAt"`;
type Row = UserRow & Record<string, unknown>;

const one = async (tx: Read, where: string, values: unknown[]): Promise<UserRow | null> => {
  const { rows } = await tx.query<Row>(`select ${columns} from users where ${where}`, values);
  return rows[0] ?? null;
};

export const userByEmail = (tx: Read, email: string): Promise<UserRow | null> =>
  one(tx, 'lower(email) = lower($1)', [email]);

/** The same, held until the transaction ends. */
export const heldByEmail = (tx: Read, email: string): Promise<UserRow | null> =>
  one(tx, 'lower(email) = lower($1) for update', [email]);

export const userById = (tx: Read, id: string): Promise<UserRow | null> => one(tx, 'id = $1', [id]);

/** Whom the issuer knows as that subject; held until the transaction ends. */
export const userBySubject = (tx: Read, issuer: string, subject: string): Promise<UserRow | null> =>
  one(tx, 'sso_issuer = $1 and sso_subject = $2 for update', [issuer, subject]);

/** Whoever the invitation is for, while it is good. */
export const userByInvitation = (tx: Read, hash: string): Promise<UserRow | null> =>
  one(tx, 'invitation_hash = $1 and invitation_expires_at > now()', [hash]);

/** The invitation is used by this transaction alone; false: it was, or is over. */
export const useInvitation = async (tx: Read, hash: string): Promise<boolean> =>
  (
    await tx.query(
      'update users set invitation_hash = null where invitation_hash = $1 and invitation_expires_at > now()',
      [hash],
    )
  ).rowCount === 1;

export async function listUsers(tx: Read, role: string | null): Promise<UserRow[]> {
  const { rows } = await tx.query<Row>(
    `select ${columns} from users where $1::text is null or role = $1 order by lower(email)`,
    [role],
  );
  return rows;
}

/** The active users of those roles, held until the transaction ends: who takes one of them away takes turns. */
export async function holdActive(tx: Read, roles: readonly string[]): Promise<string[]> {
  const { rows } = await tx.query<{ id: string }>(
    'select id from users where is_active and role = any($1) order by id for update',
    [roles],
  );
  return rows.map((r) => r.id);
}

export interface NewUser {
  id: string;
  email: string;
  fullName: string;
  role: string;
  passwordHash: string | null;
  isActive: boolean;
}

/** Null when the tenant has a user of that address, or of that id. */
export async function insertUser(tx: Read, u: NewUser): Promise<UserRow | null> {
  const { rows } = await tx.query<Row>(
    `insert into users (id, tenant_id, email, full_name, role, password_hash, is_active) values ($1, $2, $3, $4, $5, $6, $7)
     on conflict do nothing returning ${columns}`,
    [u.id, tx.tenantId, u.email, u.fullName, u.role, u.passwordHash, u.isActive],
  );
  return rows[0] ?? null;
}

/** Changes what is given; who is let in, or not any more, has no invitation. */
export async function saveUser(
  tx: Read,
  id: string,
  c: {
    role?: string | undefined;
    isActive?: boolean | undefined;
    passwordHash?: string;
    fullName?: string | undefined;
  },
): Promise<UserRow> {
  const { rows } = await tx.query<Row>(
    `update users set role = coalesce($2, role), is_active = coalesce($3, is_active), password_hash = coalesce($4, password_hash),
       full_name = coalesce($5, full_name), invitation_hash = case when $3::bool is null then invitation_hash end
     where id = $1 returning ${columns}`,
    [id, c.role ?? null, c.isActive ?? null, c.passwordHash ?? null, c.fullName ?? null],
  );
  const [user] = rows;
  if (!user) throw new Error(`user ${id} is gone`);
  return user;
}

/** Asks somebody in who is not active: by this invitation alone. */
export async function putInvitation(
  tx: Read,
  id: string,
  { hash, role, days }: { hash: string; role: string; days: number },
): Promise<{ user: UserRow; expiresAt: string }> {
  const { rows } = await tx.query<Row & { expiresAt: string }>(
    `update users set invitation_hash = $2, role = $3, invitation_expires_at = now() + make_interval(days => $4)
     where id = $1 returning ${columns}, ${micros('invitation_expires_at')} as "expiresAt"`,
    [id, hash, role, days],
  );
  const [user] = rows;
  if (!user) throw new Error(`user ${id} is gone`);
  return { user, expiresAt: user.expiresAt };
}

/** Whether the issuer knows them already, as whomever. */
export const isLinked = async (tx: Read, id: string, issuer: string): Promise<boolean> =>
  (await tx.query('select from users where id = $1 and sso_issuer = $2', [id, issuer])).rowCount === 1;

/** Whom the issuer knows them as, from now on. */
export async function linkSubject(tx: Read, id: string, issuer: string, subject: string): Promise<void> {
  await tx.query('update users set sso_issuer = $2, sso_subject = $3 where id = $1', [id, issuer, subject]);
}
