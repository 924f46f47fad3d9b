import { holdersOf, roles, scopesOf, type Role, type Scope } from './scopes';

/** The roles that a person may have, from the one that may least. */
const ranks = {
  READ_ONLY: 1,
  auditor: 1,
  analyst: 1,
  DEVELOPER: 2,
  SECURITY_ANALYST: 3,
  'soc-manager': 3,
  ADMIN: 4,
  OWNER: 5,
  'platform-admin': 6,
  ROOT: 6,
} as const satisfies Partial<Record<Role, number>>;
export type UserRole = keyof typeof ranks;

/** Older names that clients still send. */
const olderNames: Readonly<Record<string, UserRole>> = {
  SECURITY: 'SECURITY_ANALYST',
  AUDITOR: 'READ_ONLY',
  VIEWER: 'READ_ONLY',
};
/** Every name that a person's role is taken by. */
export const userRoleNames = [...Object.keys(ranks), ...Object.keys(olderNames)] as [string, ...string[]];

/** The role that a name is taken for; null when no person may have it. */
export const userRoleOf = (name: string): UserRole | null =>
  olderNames[name] ?? (Object.hasOwn(ranks, name) ? (name as UserRole) : null);

export const rankOf = (role: string): number => ranks[role as UserRole] ?? 0;

/** Those that may manage the people of their tenant: one of them is always there. */
export const adminRoles: readonly string[] = holdersOf('users:manage').filter((role) => Object.hasOwn(ranks, role));

/** Why somebody may not give a role to anybody: it is above their own, or has a scope that they have not; null: they may. */
export function whyNotGiven(by: { role: string; scopes: readonly string[] }, role: UserRole): string | null {
  if (rankOf(role) > rankOf(by.role)) return `${role} is above ${by.role}`;
  const beyond = (roles[role] as readonly Scope[]).find((s) => !by.scopes.includes(s));
  return beyond === undefined ? null : `${role} may ${beyond}, which this credential may not`;
}

/** What several groups make of somebody: the role that may most, by its rank. */
export const highestOf = (names: readonly UserRole[]): UserRole | null =>
  [...names].sort((a, b) => rankOf(b) - rankOf(a) || scopesOf(b).length - scopesOf(a).length)[0] ?? null;
