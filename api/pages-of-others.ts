import type { IncomingHttpHeaders } from 'node:http';
import { Forbidden } from '../domain/errors';
import type { Kernel } from './kernel';

// A browser sends the cookie along with whatever a page asks of us, be it a page of somebody else's. What changes something,
// and what listens, is taken from our own pages alone.

export const tokenCookie = 'acp_token';
/** Methods that change nothing. */
export const safe: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

const isOwn = (kernel: Kernel, headers: IncomingHttpHeaders, origin: string): boolean =>
  [`http://${headers.host ?? ''}`, `https://${headers.host ?? ''}`, kernel.config.publicUrl].some(
    (url) => url !== null && URL.canParse(url) && new URL(url).origin === origin,
  );

const foreign = (): Forbidden =>
  new Forbidden('the cookie is taken from pages of this server alone: send the token as Authorization: Bearer', {
    reason: 'foreign_origin',
    authenticated: true,
  });

/** Every browser says where a request comes from; what says nothing of it is none, and has no cookie but its own. @throws Forbidden */
export function assertOwnPage(kernel: Kernel, headers: IncomingHttpHeaders): void {
  const { origin } = headers;
  const site = headers['sec-fetch-site'];
  if (origin !== undefined ? isOwn(kernel, headers, origin) : site === undefined) return;
  if (origin === undefined && (site === 'same-origin' || site === 'none')) return;
  throw foreign();
}

/** A WebSocket is opened with GET, from any page: with the cookie, from an own one alone. @throws Forbidden */
export function assertOwnSocket(kernel: Kernel, headers: IncomingHttpHeaders): void {
  const { origin } = headers;
  const shown = ['authorization', 'x-api-key', 'x-dashboard-service-token'].some((name) => name in headers);
  if (shown || origin === undefined || isOwn(kernel, headers, origin)) return;
  throw foreign();
}
