import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider, { type JWK } from 'oidc-provider';
import { exportJWK, generateKeyPair } from 'jose';
import { seal, unseal } from '../../log/keys';
import { startServer, until, type Answer, type Server } from '../harness';

const clientSecret = 'the secret of this client, kept well';
interface Person {
  email: string;
  email_verified: boolean;
  groups: string[];
  name: string;
}

/** A real issuer, whose people and groups change while it runs. */
const people = new Map<string, Person>();
let codeSeconds = 60;
let s: Server;
let issuer: string;
let provider: Provider;
let listening: HttpServer;
/** Paths that it was asked for. */
const asked: string[] = [];
let tenant: { 'x-tenant-id': string };

beforeAll(async () => {
  s = await startServer({ SSO_ALLOW_PRIVATE: '1' }, { worker: false });
  tenant = { 'x-tenant-id': s.tenantId };
  listening = createServer((req, res) => {
    asked.push(req.url ?? '');
    void provider.callback()(req, res);
  });
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  issuer = `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const key = { ...(await exportJWK(privateKey)), kid: 'k', use: 'sig', alg: 'RS256' } as JWK;
  provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'wheelhouse',
        client_secret: clientSecret,
        redirect_uris: [`${s.url}/auth/sso/oidc/callback`],
        grant_types: ['authorization_code'],
        response_types: ['code'],
      },
    ],
    jwks: { keys: [key] },
    cookies: { keys: ['of this test'] },
    scopes: ['openid', 'email', 'profile', 'groups'],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'], groups: ['groups'] },
    ttl: {
      AuthorizationCode: () => codeSeconds,
      AccessToken: 60,
      IdToken: 60,
      Grant: 600,
      Interaction: 600,
      Session: 600,
    },
    pkce: { required: () => true },
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub, ...people.get(sub) }) }),
    loadExistingGrant: async (ctx) => {
      const grant = new ctx.oidc.provider.Grant({
        accountId: ctx.oidc.account?.accountId ?? '',
        clientId: 'wheelhouse',
      });
      grant.addOIDCScope('openid email profile groups');
      await grant.save();
      return grant;
    },
    features: { devInteractions: { enabled: true } },
  });
});
afterAll(async () => {
  listening.closeAllConnections();
  listening.close();
  await s.close();
});

const save = (more: Record<string, unknown> = {}, call = s.as(s.token)): Promise<Answer> =>
  call('POST', '/auth/sso/config', {
    provider_type: 'oidc', issuer, client_id: 'wheelhouse', client_secret: clientSecret, default_role: 'READ_ONLY', ...more,
  }); // prettier-ignore

/** The cookies of one browser, as far as this test needs them. */
class Browser {
  private readonly jar = new Map<string, string>();
  async go(url: string, form?: Record<string, string>): Promise<{ status: number; to: string; text: string }> {
    const res = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: [...this.jar].map(([k, v]) => `${k}=${v}`).join('; ') },
      ...(form && { method: 'POST', body: new URLSearchParams(form) }),
    });
    for (const line of res.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/max-age=0|expires=thu, 01 jan 1970/i.test(line)) this.jar.delete(name);
      else this.jar.set(name, value);
    }
    const to = res.headers.get('location');
    return { status: res.status, to: to ? new URL(to, url).href : '', text: await res.text() };
  }
  get(name: string): string {
    return this.jar.get(name) ?? '';
  }
  set(name: string, value: string): void {
    this.jar.set(name, value);
  }
}

/** To where the issuer sends the browser back, which has not gone there yet. */
async function cameBack(browser: Browser, who: string, tenantId = s.tenantId): Promise<string> {
  const start = await browser.go(`${s.url}/auth/sso/oidc?tenant_id=${tenantId}`);
  expect([start.status, start.text]).toEqual([302, '']);
  let { to } = start;
  for (let i = 0; !to.startsWith(s.url); i += 1) {
    if (i > 8) throw new Error(`the issuer leads nowhere: ${to}`);
    const next = await browser.go(to);
    to = next.to || (await browser.go(to, { prompt: 'login', login: who, password: 'any' })).to;
  }
  return to;
}
const logIn = async (who: string, tenantId = s.tenantId) => {
  const browser = new Browser();
  const end = await browser.go(await cameBack(browser, who, tenantId));
  return {
    ...end,
    token: browser.get('acp_token'),
    reason: end.text ? (JSON.parse(end.text) as { reason?: string }).reason : undefined,
  };
};
const me = (token: string, headers: Record<string, string> = tenant) =>
  s.as(token)('GET', '/auth/me', undefined, headers);
const person = (sub: string, more: Partial<Person> = {}): void =>
  void people.set(sub, { email: `${sub}@people.test`, email_verified: true, groups: [], name: sub, ...more });

describe('the configuration', () => {
  test('is kept with its secret sealed, shown without it, and its issuer is really asked', async () => {
    expect((await s.call('GET', '/auth/sso/config')).body.data).toEqual({ config: null });
    expect((await s.call('POST', '/auth/sso/config/test', {})).body.data).toMatchObject({
      reachable: false,
      status: 'not_configured',
    });
    const { status, body } = await save();
    expect([status, body.data.config]).toMatchObject([200, { issuer, client_secret: '***ept well', version: 1 }]);
    const again = await save({ client_secret: body.data.config.client_secret, group_claim: 'groups' });
    expect(again.body.data.config).toMatchObject({ client_secret: '***ept well', version: 2 });
    const kept =
      JSON.stringify((await s.owner.query('select * from sso_configs')).rows) +
      JSON.stringify((await s.owner.query('select * from log')).rows);
    expect(kept).not.toContain('kept well');
    expect((await s.call('POST', '/auth/sso/config/test', {})).body.data).toEqual({
      reachable: true,
      issuer,
      status: 'ok',
      detail: null,
    });
    expect((await s.as('')('GET', `/auth/sso/providers?tenant_id=${s.tenantId}`)).body.data).toEqual({
      providers: ['oidc'],
    });
  });
  test.each([
    [{ provider_type: 'saml' }, 'provider_type', 'SAML is not served'],
    [{ issuer: 'ftp://x' }, 'issuer', 'https'],
    [{ role_mapping: { a: 'KING' } }, 'role_mapping', ''],
  ])('%j is 422', async (body, field, words) => {
    const refused = await save(body);
    expect([refused.status, refused.body.meta.details[0].loc[1]]).toEqual([422, field]);
    expect(refused.text).toContain(words);
  });
  test('a secret is not shown to another issuer than its own; no role above the own; an issuer that is none is told', async () => {
    expect((await save({ client_secret: null, issuer: `${issuer}/other` })).status).toBe(422);
    const other = await s.tenant();
    expect((await save({ role_mapping: { x: 'OWNER' } }, s.as(other.token))).status).toBe(403);
    const narrow = await s.call('POST', '/api-keys', { name: 'sso', role: 'ADMIN', scopes: ['sso:manage'] });
    expect((await save({ default_role: null }, s.as(narrow.body.data.api_key))).status).toBe(403);
    expect((await save({ issuer: 'http://127.0.0.1:9' }, s.as(other.token))).status).toBe(200);
    expect((await s.as(other.token)('POST', '/auth/sso/config/test', {})).body.data).toMatchObject({
      reachable: false,
      status: 'unreachable',
    });
    expect((await s.as('')('GET', `/auth/sso/oidc?tenant_id=${other.tenantId}`)).status).toBe(503);
  });
  test('private addresses are asked only where a setting says so', async () => {
    s.config.ssoAllowPrivate = false;
    try {
      expect((await save()).body).toMatchObject({ reason: 'url_blocked' });
      expect((await save({ issuer: 'https://127.0.0.1:1' })).body).toMatchObject({ reason: 'url_blocked' });
      await s.owner.query(`update sso_configs set issuer = 'https://127.0.0.1:1' where tenant_id = $1`, [s.tenantId]);
      expect((await s.call('POST', '/auth/sso/config/test', {})).body.data).toMatchObject({
        reachable: false,
        status: 'url_blocked',
      });
    } finally {
      s.config.ssoAllowPrivate = true;
      await s.owner.query('update sso_configs set issuer = $2 where tenant_id = $1', [s.tenantId, issuer]);
    }
  });
});

describe('a log-in', () => {
  beforeAll(() => save({ role_mapping: { soc: 'SECURITY_ANALYST', ops: 'DEVELOPER', admins: 'ADMIN' } }));

  test('makes a user just in time, with the role that the groups give, and the cookie opens what it may', async () => {
    person('mara', { groups: ['ops', 'soc', 'unknown'] });
    const { status, to, token } = await logIn('mara');
    expect([status, to]).toEqual([302, `${s.url}/`]);
    expect((await me(token)).body.data).toMatchObject({
      email: 'mara@people.test',
      full_name: 'mara',
      role: 'SECURITY_ANALYST',
    });
    expect((await logIn('mara')).status).toBe(302);
    person('mara', { groups: ['ops'] });
    expect((await me((await logIn('mara')).token)).body.data.role).toBe('DEVELOPER');
    person('mara', { groups: [] });
    expect((await me((await logIn('mara')).token)).body.data.role).toBe('READ_ONLY');
    await save({ role_mapping: { ops: 'DEVELOPER' }, default_role: null });
    expect(await logIn('mara')).toMatchObject({ status: 401, reason: 'no_group', token: '' });
    await save({ role_mapping: { ops: 'DEVELOPER' } });
    const { rows } = await s.owner.query(`select count(*)::int as n from users where email = 'mara@people.test'`);
    expect(rows).toEqual([{ n: 1 }]);
  });
  test('an invitation is accepted by it; who left stays out; an address that nobody verified takes nobody’s place', async () => {
    await s.call('POST', '/users/invite', { email: 'ida@people.test', role: 'READ_ONLY' });
    person('ida', { groups: ['ops'] });
    const { token } = await logIn('ida');
    const { id } = (await me(token)).body.data as { id: string };
    await s.call('DELETE', `/users/${id}`);
    expect(await logIn('ida')).toMatchObject({ status: 401, reason: 'deactivated' });
    person('thief', { email: s.admin.email, email_verified: false, groups: ['ops'] });
    expect(await logIn('thief')).toMatchObject({ status: 401, reason: 'email_not_verified' });
  });
  test('an address gives nobody above ADMIN, nor whom the issuer knows as somebody else, nor anybody new where it is unproven', async () => {
    const save = {
      email: 'root@people.test',
      password: 'a password of some length',
      role: 'OWNER',
      tenant_id: s.tenantId,
    };
    const root = await s.call('POST', '/auth/users', save);
    expect(root.status).toBe(201);
    person('root', { groups: ['ops'] });
    expect(await logIn('root')).toMatchObject({ status: 401, reason: 'role_above_sso', token: '' });
    person('first', { email: 'shared@people.test', groups: ['ops'] });
    expect((await logIn('first')).status).toBe(302);
    person('second', { email: 'Shared@people.test', groups: ['ops'] });
    expect(await logIn('second')).toMatchObject({ status: 401, reason: 'email_of_another', token: '' });
    person('early', { email: 'chief@people.test', email_verified: false, groups: ['ops'] });
    expect(await logIn('early')).toMatchObject({ status: 401, reason: 'email_not_verified', token: '' });
  });
  test('somebody of another tenant is nobody here: a user of this one comes of it, and theirs stays as it is', async () => {
    const other = await s.tenant();
    await s.owner.query(`update users set email = 'omar@people.test' where tenant_id = $1`, [other.tenantId]);
    person('omar', { groups: ['ops'] });
    const { token } = await logIn('omar');
    expect((await me(token)).body.data).toMatchObject({ tenant_id: s.tenantId, role: 'DEVELOPER' });
    expect((await me(token, { 'x-tenant-id': other.tenantId })).status).toBe(401);
    const { rows } = await s.owner.query('select role, sso_subject from users where tenant_id = $1', [other.tenantId]);
    expect(rows).toEqual([{ role: 'ADMIN', sso_subject: null }]);
    expect((await new Browser().go(`${s.url}/auth/sso/oidc?tenant_id=${other.tenantId}`)).status).toBe(404);
  });
  test.each([
    ['another state', (url: URL) => url.searchParams.set('state', 'x'), () => ({})],
    ['no state', (url: URL) => url.searchParams.delete('state'), () => ({})],
    ['another issuer', (url: URL) => url.searchParams.set('iss', 'https://evil.example'), () => ({})],
    ['another code', (url: URL) => url.searchParams.set('code', 'x'), () => ({})],
    ['another nonce', () => undefined, () => ({ nonce: 'x'.repeat(43) })],
    ['another verifier', () => undefined, () => ({ verifier: 'x'.repeat(43) })],
    ['another issuer than it began with', () => undefined, () => ({ issuer: 'https://id.example' })],
    ['too late', () => undefined, () => ({ until: Date.now() - 1 })],
  ] as [string, (url: URL) => unknown, () => Record<string, unknown>][])(
    '%s is 401',
    async (_what, changeUrl, changed) => {
      person('eve', { groups: ['ops'] });
      const browser = new Browser();
      const url = new URL(await cameBack(browser, 'eve'));
      changeUrl(url);
      const masterKey = s.config.masterKey ?? Buffer.of();
      const kept = JSON.parse(
        unseal(masterKey, Buffer.from(browser.get('acp_sso_nonce'), 'base64url'), 'acp_sso_nonce').toString(),
      ) as object;
      browser.set(
        'acp_sso_nonce',
        seal(masterKey, JSON.stringify({ ...kept, ...changed() }), 'acp_sso_nonce').toString('base64url'),
      );
      const end = await browser.go(url.href);
      expect([end.status, browser.get('acp_token'), browser.get('acp_sso_nonce')]).toEqual([401, '', '']);
    },
  );
  test('however many begin, and however often one comes back, the issuer is asked a few times', async () => {
    const browser = new Browser();
    const url = new URL(await cameBack(browser, 'eve'));
    url.searchParams.set('code', 'x');
    const cookie = browser.get('acp_sso_nonce');
    asked.length = 0;
    await Promise.all(
      Array.from({ length: 10 }, () => new Browser().go(`${s.url}/auth/sso/oidc?tenant_id=${s.tenantId}`)),
    );
    for (let i = 0; i < 6; i += 1) {
      browser.set('acp_sso_nonce', cookie);
      expect((await browser.go(url.href)).status).toBe(401);
    }
    const times = (path: string): number => asked.filter((a) => a.startsWith(path)).length;
    expect([times('/token'), times('/.well-known') <= 3]).toEqual([3, true]);
  });
  test('a code is good once, not for long, and in the browser that began; a cookie of one’s own making is none', async () => {
    person('eve', { groups: ['ops'] });
    const browser = new Browser();
    const url = await cameBack(browser, 'eve');
    const cookie = browser.get('acp_sso_nonce');
    expect((await new Browser().go(url)).status).toBe(401);
    const forged = new Browser();
    forged.set('acp_sso_nonce', `${cookie.slice(0, -2)}AA`);
    expect((await forged.go(url)).status).toBe(401);
    expect((await browser.go(url)).status).toBe(302);
    browser.set('acp_sso_nonce', cookie);
    expect((await browser.go(url)).status).toBe(401);
    codeSeconds = 1;
    const late = new Browser();
    const expired = await cameBack(late, 'eve');
    codeSeconds = 60;
    const code = new URL(expired).searchParams.get('code') ?? '';
    await until(async () => !(await provider.AuthorizationCode.find(code))?.isValid, 'the code to be over');
    expect((await late.go(expired)).status).toBe(401);
  });
});
