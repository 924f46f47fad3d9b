import { timingSafeEqual, createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { parse as parseCookies } from 'cookie';
import type { Request } from 'express';
import { Forbidden, Unauthorized } from '../domain/errors';
import type { Principal } from '../domain/principal';
import { principalOfKey } from '../log/credentials';
import { claimsOf, principalOfToken, type Claims } from '../log/tokens';
import type { Kernel } from './kernel';
import type { Access } from './operation';
import { assertOwnPage, safe, tokenCookie } from './pages-of-others';
import type { Surface } from './surfaces';
import { BadRequest } from './bad-request';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

interface Presented {
  credential: string;
  /** A browser sends it along with whatever a page asks for, its own or not. */
  byCookie: boolean;
}

/** In this order: Bearer, X-API-Key, X-Dashboard-Service-Token, cookie. */
function presented(headers: IncomingHttpHeaders): Presented | null {
  const bearer = /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1];
  const header = bearer ?? headers['x-api-key'] ?? headers['x-dashboard-service-token'] ?? headers['x-internal-secret'];
  if (header) return { credential: String(header).trim(), byCookie: false };
  const credential = parseCookies(headers.cookie ?? '')[tokenCookie];
  return credential ? { credential, byCookie: true } : null;
}

const keyForm = /^acp_/;
const isKey = (credential: string): boolean => keyForm.test(credential);
/** Whom a credential acts as at this moment; null when it is forged, unknown, revoked or over. */
const actsAs = (kernel: Kernel, credential: string): Promise<Principal | null> =>
  isKey(credential)
    ? principalOfKey(kernel.store.pool, credential)
    : principalOfToken(kernel.store.pool, kernel.keyring, credential);

/** For answers that go on for long: the credential of a request as it stands by now. */
export async function principalNow(kernel: Kernel, headers: IncomingHttpHeaders): Promise<Principal | null> {
  const shown = presented(headers);
  return shown && actsAs(kernel, shown.credential);
}

export const refused = (reason: string): Unauthorized =>
  new Unauthorized('Invalid or expired token', { reason, authenticated: false });

/** The tenant that is named has to be that of the credential. @throws BadRequest, Unauthorized */
function assertTenant(headers: IncomingHttpHeaders, tenantId: string, required: boolean): void {
  const tenant = headers['x-tenant-id'];
  if (tenant === undefined) {
    if (required) throw badHeader('X-Tenant-ID header required');
    return;
  }
  if (typeof tenant !== 'string' || !uuid.test(tenant)) throw badHeader('Invalid Tenant UUID');
  if (tenant.toLowerCase() !== tenantId)
    throw new Unauthorized('tenant_mismatch', { reason: 'tenant_mismatch', authenticated: false });
}

/** An agent's credential says of no other that it is that one. @throws Forbidden */
function assertAgent(headers: IncomingHttpHeaders, { kind, id }: Principal): void {
  const named = headers['x-agent-id'];
  if (kind !== 'agent' || named === undefined || String(named).trim().toLowerCase() === id) return;
  throw new Forbidden('this credential is another agent’s', { reason: 'agent_mismatch', authenticated: true });
}

/** @throws Forbidden for an agent that names another, Unauthorized, with one text for expired, forged, revoked and unknown. */
export async function authenticate(kernel: Kernel, req: Request, surface: Surface): Promise<Principal> {
  const shown = presented(req.headers);
  if (!shown) throw refused('unauthenticated');
  if (shown.byCookie && !safe.has(req.method)) assertOwnPage(kernel, req.headers);
  const principal = await actsAs(kernel, shown.credential);
  if (!principal) throw refused('invalid_session');
  assertTenant(req.headers, principal.tenantId, surface.tenantHeader && !isKey(shown.credential));
  if (surface.name === 'aegis') assertAgent(req.headers, principal);
  return principal;
}

/** What the token of a request says, for operations that renew or end it. @throws Unauthorized, Forbidden, BadRequest */
export async function sessionOf(kernel: Kernel, headers: IncomingHttpHeaders): Promise<Claims> {
  const shown = presented(headers);
  if (!shown) throw refused('unauthenticated');
  if (shown.byCookie) assertOwnPage(kernel, headers);
  const key = isKey(shown.credential) ? await actsAs(kernel, shown.credential) : null;
  if (key) {
    assertTenant(headers, key.tenantId, false);
    throw new Forbidden('an API key is no session: it is made and revoked under /api-keys', {
      reason: 'no_session',
      authenticated: true,
    });
  }
  const claims = await claimsOf(kernel.keyring, shown.credential);
  if (!claims) throw refused('invalid_session');
  assertTenant(headers, claims.tenant_id, true);
  return claims;
}

export const badRequest = (message: string, field: string): BadRequest => new BadRequest(message, { field });
export const badHeader = (message: string, field = 'X-Tenant-ID'): BadRequest => badRequest(message, field);

/** @throws Forbidden naming the scope */
export function authorise(principal: Principal, access: Access): void {
  if (principal.scopes.includes(access)) return;
  throw new Forbidden('access_denied', { reason: 'missing_scope', required_permission: access, authenticated: true });
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** The metrics token, compared in constant time. */
export function authoriseMetrics(kernel: Kernel, req: Request): void {
  const given = req.get('x-metrics-token');
  const { metricsToken } = kernel.config;
  if (!given || !metricsToken || !timingSafeEqual(digest(given), digest(metricsToken)))
    throw refused('invalid_metrics_token');
}
