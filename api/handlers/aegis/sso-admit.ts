import { v7 } from 'uuid';
import type { SsoConfig } from '../../../db/sso';
import type { Write } from '../../../db/tx';
import {
  holdActive,
  insertUser,
  isLinked,
  linkSubject,
  saveUser,
  userByEmail,
  userBySubject,
  type UserRow,
} from '../../../db/users';
import { adminRoles, highestOf, rankOf, type UserRole } from '../../../domain/roles';

type Claims = Record<string, unknown> & { sub: string };
/** Who came, or why they may not. */
export type Admitted = { user: UserRow } | { why: string; userId: string | null };

const textOf = (value: unknown, most: number): string | null =>
  typeof value === 'string' && value.length <= most && /^[^\p{C}]+$/u.test(value) ? value : null;

/** What their groups make of them; null: nothing, and nobody else is let in. */
function roleOf(config: SsoConfig, claims: Claims, known: UserRow | null): string | null {
  const claim = claims[config.groupClaim];
  const groups = (Array.isArray(claim) ? claim : [claim]).filter((g): g is string => typeof g === 'string');
  const mapped = groups.flatMap((g) =>
    Object.hasOwn(config.roleMapping, g) ? [config.roleMapping[g] as UserRole] : [],
  );
  if (mapped.length) return highestOf(mapped);
  if (known && Object.keys(config.roleMapping).length === 0) return known.role;
  return config.defaultRole;
}

/**
 * Whom the issuer means: whoever it named before, else whoever has the address that it has verified. An address gives nobody
 * above ADMIN, for an ADMIN says which issuer it is; nor whom the issuer knows as somebody else, for addresses are given anew.
 */
async function whom(tx: Write, config: SsoConfig, claims: Claims): Promise<UserRow | null | { why: string }> {
  const known = await userBySubject(tx, config.issuer, claims.sub);
  if (known) return known;
  const email = textOf(claims['email'], 254);
  const same = email === null ? null : await userByEmail(tx, email);
  // What the issuer itself says is unproven makes nobody who would be in the way of whoever has that address.
  if (!same) return claims['email_verified'] === false ? { why: 'email_not_verified' } : null;
  if (claims['email_verified'] !== true) return { why: 'email_not_verified' };
  if (rankOf(same.role) > rankOf('ADMIN')) return { why: 'role_above_sso' };
  return (await isLinked(tx, same.id, config.issuer)) ? { why: 'email_of_another' } : same;
}

/**
 * Whoever an issuer sends, as a user of the tenant: made just in time, let in where they were invited, with the role that their
 * groups give. Above ADMIN, and the last who manages people, nobody's role is taken by a group.
 */
export async function admit(tx: Write, config: SsoConfig, claims: Claims): Promise<Admitted> {
  const admins = await holdActive(tx, adminRoles);
  const found = await whom(tx, config, claims);
  if (found && 'why' in found) return { ...found, userId: null };
  const role = roleOf(config, claims, found);
  if (role === null) return { why: 'no_group', userId: found?.id ?? null };
  const actor = (u: UserRow) => ({ id: u.id, kind: 'user' as const, name: u.email });
  if (!found) {
    const email = textOf(claims['email'], 254);
    if (email === null || !/^\S+@\S+$/.test(email)) return { why: 'no_email', userId: null };
    const fullName = textOf(claims['name'], 200) ?? email;
    const made = await insertUser(tx, { id: v7(), email, fullName, role, passwordHash: null, isActive: true });
    if (!made) return { why: 'email_taken', userId: null };
    await linkSubject(tx, made.id, config.issuer, claims.sub);
    tx.log({ kind: 'user.joined', actor: actor(made), subject: { kind: 'user', id: made.id }, body: { role, by: 'sso', issuer: config.issuer } }); // prettier-ignore
    return { user: made };
  }
  if (!found.isActive && !found.isInvited) return { why: 'deactivated', userId: found.id };
  const stays =
    rankOf(found.role) > rankOf('ADMIN') ||
    (admins.length === 1 && admins[0] === found.id && !adminRoles.includes(role));
  await linkSubject(tx, found.id, config.issuer, claims.sub);
  const user = await saveUser(tx, found.id, {
    ...(!stays && { role }),
    ...(found.isInvited && !found.isActive && { isActive: true }),
  });
  const subject = { kind: 'user' as const, id: user.id };
  if (!found.isActive) tx.log({ kind: 'user.joined', actor: actor(user), subject, body: { role: user.role, by: 'sso', issuer: config.issuer } }); // prettier-ignore
  if (user.role !== found.role) tx.log({ kind: 'user.role_changed', actor: actor(user), subject, body: { from: found.role, to: user.role, by: 'sso' } }); // prettier-ignore
  return { user };
}
