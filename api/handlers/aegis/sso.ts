import { createHash } from 'node:crypto';
import { parse as parseCookies, serialize } from 'cookie';
import { z } from 'zod';
import { sharedPoints } from '../../../db/rate-limits';
import { putSsoConfig, ssoConfig, type SsoConfig } from '../../../db/sso';
import { Forbidden, Invalid, NotFound, Unauthorized, Unavailable } from '../../../domain/errors';
import { whyNotGiven } from '../../../domain/roles';
import { seal, unseal } from '../../../log/keys';
import { atMostEvery, perOwner } from '../../../log/shared';
import { issueToken } from '../../../log/tokens';
import { refusalOf } from '../../../pipeline/egress';
import { beginLogin, discover, endLogin, NotLoggedIn, type Issuer } from '../../../pipeline/sso/issuer';
import type { sso } from '../../contracts/aegis/sso';
import type { Handlers, Kernel, OpenCtx } from '../../kernel';
import type { Reply } from '../../operation';
import { setTokenCookie } from './logged-in';
import { admit } from './sso-admit';

const cookieName = 'acp_sso_nonce';
const cookieSeconds = 600;
const Kept = z.object({
  tenantId: z.uuid(),
  issuer: z.string(),
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  until: z.number(),
});

const about = (tenantId: string): string => `sso-secret:${tenantId}`;
const secretOf = ({ masterKey }: Kernel, tenantId: string, c: SsoConfig): string | null =>
  c.secretSealed && unseal(masterKey, c.secretSealed, about(tenantId)).toString();
const issuerOf = (kernel: Kernel, tenantId: string, c: SsoConfig): Issuer => ({
  issuer: c.issuer,
  clientId: c.clientId,
  secret: secretOf(kernel, tenantId, c),
});

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
/** Anybody may begin a log-in: the issuer is asked what it is once in this time, however many do. */
const discoveredMs = 10_000;
const discovered = perOwner((_kernel: Kernel) => atMostEvery<Awaited<ReturnType<typeof discover>>>(discoveredMs));
/** @throws Unauthorized, Unavailable */
function issuerFound(kernel: Kernel, tenantId: string, c: SsoConfig) {
  const [issuer, { ssoAllowPrivate }] = [issuerOf(kernel, tenantId, c), kernel.config];
  const key = digest(JSON.stringify([tenantId, issuer, ssoAllowPrivate]));
  return discovered(kernel)(key, () => discover(issuer, ssoAllowPrivate)).catch(told);
}
/** What one began with is shown to the issuer so often: a code is good once. */
const tries = perOwner(({ store }: Kernel) => sharedPoints(store.pool, 'sso', 3, cookieSeconds * 1000));

/** Of a short one nothing is shown: its end would be most of it. */
const masked = (secret: string | null): string | null => secret && `***${secret.length >= 16 ? secret.slice(-8) : ''}`;

const view = (kernel: Kernel, tenantId: string, c: SsoConfig) => ({
  provider_type: 'oidc' as const,
  issuer: c.issuer,
  client_id: c.clientId,
  client_secret: masked(secretOf(kernel, tenantId, c)),
  entity_id: c.entityId,
  sso_url: null,
  certificate: null,
  enabled: c.enabled,
  group_claim: c.groupClaim,
  role_mapping: c.roleMapping,
  default_role: c.defaultRole,
  version: c.version,
  updated_at: c.updatedAt,
});

/** What the issuer sends the browser back to: as its operator registered it. */
const redirectUri = ({ kernel, headers }: OpenCtx): string =>
  new URL('/auth/sso/oidc/callback', kernel.config.publicUrl ?? `http://${headers.host ?? ''}`).href;

/** Lax, for it has to come with the browser that the issuer sends back. */
function setPending(ctx: OpenCtx, value: string): void {
  ctx.setHeader('Set-Cookie', serialize(cookieName, value, {
    httpOnly: true, sameSite: 'lax', secure: ctx.kernel.config.secureCookies, path: '/auth/sso', maxAge: value === '' ? 0 : cookieSeconds,
  })); // prettier-ignore
  ctx.setHeader('Cache-Control', 'no-store');
}

/** What this browser began with; null when it did not, or too long ago. */
function pendingOf({ kernel, headers }: OpenCtx): z.output<typeof Kept> | null {
  const given = parseCookies(headers.cookie ?? '')[cookieName];
  if (!given) return null;
  let opened: string;
  try {
    opened = unseal(kernel.masterKey, Buffer.from(given, 'base64url'), cookieName).toString();
  } catch {
    return null; // none of ours, or changed on its way
  }
  const kept = Kept.safeParse(JSON.parse(opened)); // of another version of this server: begin again
  return kept.success && kept.data.until > Date.now() ? kept.data : null;
}

const to = (location: string): Reply => ({ type: 'text/html', status: 302, headers: { Location: location }, body: '' });
const denied = (reason: string): Unauthorized =>
  new Unauthorized('the single sign-on did not let you in', { reason, authenticated: false });

/** @throws Unauthorized, Unavailable */
function told(e: unknown): never {
  if (!(e instanceof NotLoggedIn)) throw e;
  if (e.why === 'refused') throw Object.assign(denied('sso_refused'), { cause: e });
  throw Object.assign(new Unavailable(`the issuer cannot be asked (${e.why})`), { cause: e });
}

export const ssoHandlers: Handlers<typeof sso> = {
  ssoProviders: async ({ query }, { kernel }) => {
    if (query.tenant_id === undefined) return { providers: ['oidc'] };
    const config = await kernel.store.read(query.tenant_id, ssoConfig);
    return { providers: config?.enabled ? ['oidc'] : [] };
  },
  startSso: async ({ query: { tenant_id: tenantId } }, ctx) => {
    const { store, masterKey } = ctx.kernel;
    const known = await store.read(tenantId, ssoConfig);
    if (!known?.enabled) throw new NotFound('this tenant has no single sign-on');
    const issuer = await issuerFound(ctx.kernel, tenantId, known);
    const { url, pending } = await beginLogin(issuer, redirectUri(ctx));
    const kept = { ...pending, tenantId, issuer: known.issuer, until: Date.now() + cookieSeconds * 1000 };
    setPending(ctx, seal(masterKey, JSON.stringify(kept), cookieName).toString('base64url'));
    return to(url.href);
  },
  ssoCallback: async ({ query }, ctx) => {
    const { store, keyring } = ctx.kernel;
    const kept = pendingOf(ctx);
    setPending(ctx, '');
    if (!kept) throw denied('not_begun_here');
    const { tenantId } = kept;
    const known = await store.read(tenantId, ssoConfig);
    if (!known?.enabled) throw denied('not_configured');
    // A code is shown, with what proves whose it is, to the issuer that gave it, and to none that was set meanwhile.
    if (known.issuer !== kept.issuer) throw denied('issuer_changed');
    const cameBack = new URL(redirectUri(ctx));
    for (const [key, value] of Object.entries(query)) if (value !== undefined) cameBack.searchParams.set(key, value);
    const { consumed } = await tries(ctx.kernel).consume(digest(kept.state));
    if (consumed > tries(ctx.kernel).points) throw denied('used');
    const issuer = await issuerFound(ctx.kernel, tenantId, known);
    const claims = await endLogin(issuer, cameBack, kept).catch(told);
    await keyring.refresh();
    const outcome = await store.write(tenantId, async (tx) => {
      const admitted = await admit(tx, known, claims);
      const user = 'user' in admitted ? admitted.user : null;
      const common = { correlationId: ctx.requestId, subject: { kind: 'user' as const, id: user?.id ?? 'unknown' } };
      if (!user) {
        const reason = 'why' in admitted ? admitted.why : 'unknown';
        tx.log({
          ...common,
          kind: 'user.login_failed',
          actor: { id: null, kind: 'user', name: 'unknown' },
          decision: 'deny',
          reason,
        });
        return { reason };
      }
      const actor = { id: user.id, kind: 'user' as const, name: user.email };
      tx.log({ ...common, kind: 'user.login', actor, body: { role: user.role, by: 'sso', issuer: known.issuer } });
      return { token: await issueToken(tx, keyring, { kind: 'user', id: user.id, tenantId, role: user.role }) };
    });
    if ('reason' in outcome) throw denied(outcome.reason);
    setTokenCookie(ctx, outcome.token);
    return to('/');
  },
  getSsoConfig: async (_input, ctx) => {
    const known = await ctx.read(ssoConfig);
    return { config: known && view(ctx.kernel, ctx.tenantId, known) };
  },
  saveSsoConfig: async ({ body }, ctx) => {
    const { config, masterKey } = ctx.kernel;
    for (const role of [...Object.values(body.role_mapping), ...(body.default_role ? [body.default_role] : [])]) {
      const why = whyNotGiven(ctx.principal, role);
      if (why !== null) throw new Forbidden(why, { reason: 'role_above_own', authenticated: true });
    }
    if (!config.ssoAllowPrivate && !body.issuer.startsWith('https:'))
      throw new Invalid('issuer: an https URL', { field: 'issuer', reason: 'url_blocked' });
    // Whoever names the issuer can have it say that anybody is whoever came in by an address: no narrower credential does.
    const less = whyNotGiven(ctx.principal, 'ADMIN');
    if (less !== null) throw new Forbidden(less, { reason: 'role_above_own', authenticated: true });
    const blocked = await refusalOf(body.issuer, config.ssoAllowPrivate);
    if (blocked !== null) throw new Invalid(`issuer: ${blocked}`, { field: 'issuer', reason: 'url_blocked' });
    const given = body.client_secret?.startsWith('***') ? null : (body.client_secret ?? null);
    const saved = await ctx.write(async (tx) => {
      const before = await ssoConfig(tx);
      // A kept secret is shown to the issuer that it was given for, and to no other.
      if (before?.secretSealed && given === null && before.issuer !== body.issuer)
        throw new Invalid('client_secret: another issuer has another secret', { field: 'client_secret' });
      const put = await putSsoConfig(
        tx,
        {
          issuer: body.issuer,
          clientId: body.client_id,
          secretSealed: given === null ? null : seal(masterKey, given, about(ctx.tenantId)),
          entityId: body.entity_id ?? null,
          enabled: body.enabled,
          groupClaim: body.group_claim,
          roleMapping: body.role_mapping,
          defaultRole: body.default_role ?? null,
        },
        ctx.actor,
      );
      tx.log({
        kind: 'sso.configured',
        actor: ctx.actor,
        subject: { kind: 'tenant', id: ctx.tenantId },
        body: {
          issuer: put.issuer,
          enabled: put.enabled,
          role_mapping: put.roleMapping,
          default_role: put.defaultRole,
          version: put.version,
        },
      });
      return put;
    });
    return { config: view(ctx.kernel, ctx.tenantId, saved) };
  },
  testSsoConfig: async (_input, ctx) => {
    const known = await ctx.read(ssoConfig);
    if (!known) return { reachable: false, issuer: null, status: 'not_configured' as const, detail: null };
    try {
      const found = await discover(issuerOf(ctx.kernel, ctx.tenantId, known), ctx.kernel.config.ssoAllowPrivate);
      return { reachable: true, issuer: found.serverMetadata().issuer, status: 'ok' as const, detail: null };
    } catch (e) {
      if (!(e instanceof NotLoggedIn)) throw e;
      return { reachable: false, issuer: known.issuer, status: e.why, detail: e.message };
    }
  },
};
