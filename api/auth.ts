import { timingSafeEqual, createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { parse as parseCookies } from 'cookie';
import type { Request } from 'express';
import { Forbidden, Unauthorized } from '../domain/errors';
import type { Principal } from '../domain/principal';
import { principalOfKey, principalOfToken } from '../log/credentials';
import type { Kernel } from './kernel';
import type { Access } from './operation';
import type { Surface } from './surfaces';
import { BadRequest } from './bad-request';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** In this order: Bearer, X-API-Key, X-Dashboard-Service-Token, cookie. */
function presented(headers: IncomingHttpHeaders): string | null {
  const bearer = /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1];
  const header = bearer ?? headers['x-api-key'] ?? headers['x-dashboard-service-token'];
  if (header) return String(header).trim();
  return parseCookies(headers.cookie ?? '')['acp_token'] ?? null;
}

const isKey = (credential: string): boolean => credential.startsWith('acp_');
/** Whom a credential acts as at this moment; null when it is forged, unknown, revoked or over. */
const actsAs = (kernel: Kernel, credential: string): Promise<Principal | null> =>
  isKey(credential)
    ? principalOfKey(kernel.store.pool, credential)
    : principalOfToken(kernel.store.pool, kernel.keyring, credential);

/** For answers that go on for long: the credential of a request as it stands by now. */
export async function principalNow(kernel: Kernel, headers: IncomingHttpHeaders): Promise<Principal | null> {
  const credential = presented(headers);
  return credential === null ? null : actsAs(kernel, credential);
}

const refused = (reason: string): Unauthorized =>
  new Unauthorized('Invalid or expired token', { reason, authenticated: false });

/** @throws Unauthorized, with one text for expired, forged, revoked and unknown. */
export async function authenticate(kernel: Kernel, req: Request, surface: Surface): Promise<Principal> {
  const credential = presented(req.headers);
  if (!credential) throw refused('unauthenticated');
  const principal = await actsAs(kernel, credential);
  if (!principal) throw refused('invalid_session');
  const tenant = req.get('x-tenant-id');
  if (tenant !== undefined) {
    if (!uuid.test(tenant)) throw badHeader('Invalid Tenant UUID');
    if (tenant.toLowerCase() !== principal.tenantId)
      throw new Unauthorized('tenant_mismatch', { reason: 'tenant_mismatch', authenticated: false });
  } else if (surface.tenantHeader && !isKey(credential)) {
    throw badHeader('X-Tenant-ID header required');
  }
  return principal;
}

export const badHeader = (message: string, field = 'X-Tenant-ID'): BadRequest => new BadRequest(message, { field });

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
