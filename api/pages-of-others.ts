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

const literal = /^(localhost|127(\.\d{1,3}){3}|\[[0-9a-f:.]+\]|\d{1,3}(\.\d{1,3}){3})$/;

/**
 * For what a page has no business with, whatever it shows: an own page is one of PUBLIC_URL, or of the address itself that was asked. A
 * name that is not known could be anybody's, made to point here. @throws Forbidden
 */
export function assertKnownPage(kernel: Kernel, headers: IncomingHttpHeaders): void {
  const { origin } = headers;
  if (origin === undefined) return;
  const { publicUrl } = kernel.config;
  if (publicUrl !== null && new URL(publicUrl).origin === origin) return;
  if (URL.canParse(origin) && literal.test(new URL(origin).hostname) && isOwn(kernel, headers, origin)) return;
  throw new Forbidden('pages of others are not answered: PUBLIC_URL says which are ours', {
    reason: 'foreign_origin',
    authenticated: false,
  });
}
