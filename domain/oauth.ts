import { scopes, type Scope } from './scopes';

/**
 * What no client may: nobody stands behind one, so it decides on nothing, and makes no credentials and no people. Otherwise
 * whoever made it would have a second voice.
 */
const never: readonly Scope[] = [
  'changes:approve', 'approvers:write', 'keys:manage', 'secrets:manage', 'users:manage', 'sso:manage', 'tenants:manage',
]; // prettier-ignore
export const clientScopes: readonly Scope[] = scopes.filter((s) => !never.includes(s));

const form = /^oc_([A-Za-z0-9_-]{43})$/;
const hex = (text: string): string => text.replaceAll('-', '');
const uuid = (h: string): string => h.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

/** A client's public id says whose it is, so that it is looked for in its own tenant alone. */
export const clientIdOf = (of: { tenantId: string; id: string }): string =>
  `oc_${Buffer.from(hex(of.tenantId) + hex(of.id), 'hex').toString('base64url')}`;

/** Null for a text of another form. */
export function clientOf(clientId: string): { tenantId: string; id: string } | null {
  const bytes = Buffer.from(form.exec(clientId)?.[1] ?? '', 'base64url').toString('hex');
  return bytes.length === 64 ? { tenantId: uuid(bytes.slice(0, 32)), id: uuid(bytes.slice(32)) } : null;
}
