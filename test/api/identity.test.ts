import { createHash, randomUUID, sign as signBytes, generateKeyPairSync } from 'node:crypto';
import { SignJWT, createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify, type JSONWebKeySet } from 'jose';
import { WebSocket } from 'ws';
import { loadKeyring, type Keyring } from '../../log/keys';
import { createStore } from '../../log/store';
import { rotateKey } from '../../log/rotate';
import { appPool } from '../../db/pool';
import { startServer, until, type Answer, type Server } from '../harness';

let s: Server;
let tenant: { 'x-tenant-id': string };
let agentId: string;
beforeAll(async () => {
  s = await startServer({}, { worker: false });
  tenant = { 'x-tenant-id': s.tenantId };
  agentId =
    (await s.owner.query<{ id: string }>('select id from agents where tenant_id = $1', [s.tenantId])).rows[0]?.id ?? '';
});
afterAll(() => s.close());
// Logins are counted by address, and here all come from one.
beforeEach(() => s.owner.query('delete from rate_limits'));

const login = async (who: { email: string; password: string }, headers: Record<string, string> = tenant) =>
  s.as('')('POST', '/auth/token', { email: who.email, password: who.password }, headers);
const tokenOf = async (who: { email: string; password: string }): Promise<string> =>
  (await login(who)).body.data.access_token as string;
/** Calls with a token. */
const by =
  (token: string) =>
  (method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
    s.as(token)(method, path, body, { ...tenant, ...headers });
const opens = async (token: string): Promise<number> => (await by(token)('GET', '/audit/logs?limit=1')).status;
const entries = async (kind: string) =>
  (await s.owner.query('select * from log where kind = $1 order by at desc', [kind])).rows;
const admin = (): Server['call'] => s.as(s.token);

describe('tenants', () => {
  const id = randomUUID();
  test('made by who serves the installation, with the limits of its tier, changed by a second call, alive', async () => {
    const made = await admin()('POST', '/auth/tenants', { tenant_id: id, name: 'Payments & Co', tier: 'pro' });
    expect([made.status, made.body.data]).toEqual([
      201,
      {
        tenant_id: id, org_id: id, name: 'Payments & Co', tier: 'pro', rpm_limit: 6000, status: 'active',
        degraded_mode_policy: 'block_high_risk', requests_per_second: 100, burst: 200, daily_request_cap: 2_000_000,
        monthly_request_cap: 60_000_000, daily_inference_cost_cap_usd: null,
      },
    ]); // prettier-ignore
    const changed = await admin()('POST', '/auth/tenants', { tenant_id: id, name: 'Payments', rpm_limit: 600 });
    expect([changed.status, changed.body.data]).toMatchObject([
      200,
      { name: 'Payments', tier: 'basic', rpm_limit: 600, requests_per_second: 10, daily_request_cap: 1_000_000 },
    ]);
    const { rows } = await s.owner.query(
      `select (select count(*)::int from agents where tenant_id = $1) as agents, (select count(*)::int from tools where tenant_id = $1) as tools,
         (select count(*)::int from raci_rules where tenant_id = $1) as rules, (select array_agg(kind order by seq) from log where tenant_id = $1) as log`,
      [id],
    );
    expect(rows[0]).toMatchObject({ agents: 1, log: ['tenant.created', 'tenant.changed'] });
    expect(rows[0].tools).toBeGreaterThan(3);
    expect(rows[0].rules).toBeGreaterThan(3);
  });
  test('its own is shown, another is not there; an administrator of a tenant makes none', async () => {
    expect((await admin()('GET', `/auth/tenants/${s.tenantId.toUpperCase()}`)).body.data).toMatchObject({
      tenant_id: s.tenantId,
    });
    expect((await admin()('GET', `/auth/tenants/${id}`)).status).toBe(404);
    const owner = await s.user('ADMIN');
    const refused = await s.as(owner.token)('POST', '/auth/tenants', { tenant_id: randomUUID(), name: 'Mine' });
    expect([refused.status, refused.body.required_permission]).toEqual([403, 'tenants:manage']);
    for (const body of [{ tier: 'gold' }, { rpm_limit: 0 }, { degraded_mode_policy: 'open' }])
      expect((await admin()('POST', '/auth/tenants', { tenant_id: id, name: 'x', ...body })).status).toBe(422);
  });
});

describe('agents', () => {
  const secret = 'sixteen or more characters';
  test('log in with the secret that somebody chose, and act as themselves; it is nowhere in plain text', async () => {
    const made = await admin()('POST', '/auth/credentials', { agent_id: agentId, secret });
    expect([made.status, made.body.data]).toMatchObject([
      201,
      { agent_id: agentId, status: 'active', is_active: true },
    ]);
    expect(made.text).not.toContain(secret);
    const answer = await s.as('')('POST', '/auth/agent/token', { agent_id: agentId, secret }, tenant);
    expect([answer.status, answer.body.data]).toMatchObject([
      200,
      { role: 'agent', agent_id: agentId, expires_in: 900 },
    ]);
    const token = answer.body.data.access_token as string;
    expect(decodeJwt(token)).toMatchObject({ typ: 'agent', agent_id: agentId, agent_status: 'ACTIVE', role: 'agent' });
    expect(decodeJwt(token)['permissions']).toContainEqual({ tool_name: 'logs.search', action: 'ALLOW' });
    expect((await by(token)('GET', '/api/tickets')).status).toBe(200);
    expect((await by(token)('GET', '/auth/me')).status).toBe(403);
    expect((await entries('agent.login'))[0]).toMatchObject({
      actor: { kind: 'agent', id: agentId },
      agent_id: agentId,
    });
    const { rows } = await s.owner.query('select secret_hash from agent_credentials');
    expect(rows[0].secret_hash).toMatch(/^\$argon2id\$/);
  });
  test('a second secret only instead of the first, whose tokens end; wrong ones are told apart by nothing', async () => {
    const asked = (given: string, id = agentId) =>
      s.as('')('POST', '/auth/agent/token', { agent_id: id, secret: given }, tenant);
    const token = (await asked(secret)).body.data.access_token as string;
    expect((await admin()('POST', '/auth/credentials', { agent_id: agentId, secret })).status).toBe(409);
    const other = 'another secret of sixteen';
    expect(
      (await admin()('POST', '/auth/credentials', { agent_id: agentId, secret: other, replace: true })).status,
    ).toBe(201);
    expect((await by(token)('GET', '/api/tickets')).status).toBe(401);
    for (const answer of [await asked(secret), await asked(other, randomUUID()), await asked('x')])
      expect([answer.status, answer.body.error]).toEqual([401, 'Invalid agent or secret']);
    const last = (await asked(other)).body.data.access_token as string;
    await s.owner.query(`update agents set status = 'DISABLED' where id = $1`, [agentId]);
    expect((await by(last)('GET', '/api/tickets')).status).toBe(401);
    expect((await asked(other)).status).toBe(401);
    await s.owner.query(`update agents set status = 'ACTIVE' where id = $1`, [agentId]);
  });
  test.each([
    [{ agent_id: 'me', secret }, 422],
    [{ secret: 'fifteen letters' }, 422],
    [{ secret: 'x'.repeat(257) }, 422],
    [{ agent_id: randomUUID(), secret }, 404],
  ])('credentials %j are %i', async (body, status) => {
    expect((await admin()('POST', '/auth/credentials', { agent_id: agentId, ...body })).status).toBe(status);
  });
});

describe('sessions', () => {
  test('a token is given back for a new one; shown again, all that came of its log-in ends', async () => {
    const first = await tokenOf(s.admin);
    const refreshed = await by(first)('POST', '/auth/refresh');
    expect([refreshed.status, refreshed.body.data]).toMatchObject([
      200,
      { token_type: 'bearer', role: 'platform-admin' },
    ]);
    expect(refreshed.headers.get('set-cookie')).toMatch(/^acp_token=/);
    const second = refreshed.body.data.access_token as string;
    expect(await opens(first)).toBe(401);
    const other = await tokenOf(s.admin);
    expect(await opens(second)).toBe(200);
    const again = await by(first)('POST', '/auth/refresh');
    expect([again.status, again.body.error, again.body.reason]).toEqual([
      401,
      'Invalid or expired token',
      'token_reused',
    ]);
    expect([await opens(second), await opens(other)]).toEqual([401, 200]);
    expect((await entries('token.reused'))[0]).toMatchObject({ decision: 'deny', body: { tokens_ended: 1 } });
  });
  test('of several that give one back at the same time, one at most gets a new one, which is over then', async () => {
    const token = await tokenOf(s.admin);
    const answers = await Promise.all([1, 2, 3, 4].map(() => by(token)('POST', '/auth/refresh')));
    const got = answers.filter((a) => a.status === 200);
    expect(got).toHaveLength(1);
    expect(await opens(got[0]?.body.data.access_token as string)).toBe(401);
  });
  test.each([
    ['shown again', (first: string) => by(first)('POST', '/auth/refresh')],
    ['logged out with', (first: string) => by(first)('POST', '/auth/logout')],
    ['taken back', (first: string) => admin()('POST', '/auth/revoke', { token: first })],
  ])('a token that is renewed while the one before it is %s leaves nothing that is good', async (_, end) => {
    const first = await tokenOf(s.admin);
    const second = (await by(first)('POST', '/auth/refresh')).body.data.access_token as string;
    // Who waits for this connection, and who for those.
    const waiting = `select count(distinct w.pid)::int as n from pg_locks w where not w.granted and (pg_backend_pid() = any(pg_blocking_pids(w.pid))
      or exists (select from unnest(pg_blocking_pids(w.pid)) by where pg_backend_pid() = any(pg_blocking_pids(by))))`;
    const wait = (n: number): Promise<unknown> =>
      until(async () => (await s.owner.query<{ n: number }>(waiting)).rows[0]?.n === n, `${n} to wait`);
    await s.owner.query('begin');
    try {
      await s.owner.query('select from users where email = $1 for update', [s.admin.email]); // the new token's row waits for it
      const renewed = by(second)('POST', '/auth/refresh');
      await wait(1);
      const ended = end(first);
      await wait(2);
      await s.owner.query('commit');
      const [third] = await Promise.all([renewed, ended]);
      expect([third.status, await opens(third.body.data.access_token as string)]).toEqual([200, 401]);
    } finally {
      await s.owner.query('rollback');
    }
  });
  test('a log-in that is a day old is not renewed any more, however often it was', async () => {
    const user = await s.user('READ_ONLY');
    const first = await tokenOf(user);
    await s.owner.query(`update tokens set began_at = now() - interval '23 hours' where user_id = $1`, [user.id]);
    const second = (await by(first)('POST', '/auth/refresh')).body.data.access_token as string;
    const { rows } = await s.owner.query(`select count(distinct began_at)::int as n from tokens where user_id = $1`, [
      user.id,
    ]);
    expect(rows[0].n).toBe(1); // it began with the log-in
    await s.owner.query(`update tokens set began_at = now() - interval '24 hours' where user_id = $1`, [user.id]);
    expect((await by(second)('POST', '/auth/refresh')).status).toBe(401);
    expect((await login(user)).status).toBe(200);
  });
  test('log-out ends it at once and clears the cookie; a key is no session', async () => {
    const token = await tokenOf(s.admin);
    const out = await s.as('')('POST', '/auth/logout', undefined, { ...tenant, cookie: `acp_token=${token}` });
    expect([out.status, out.body.data]).toEqual([200, { revoked: true }]);
    expect(out.headers.get('set-cookie')).toMatch(/^acp_token=; Max-Age=0;/);
    expect(await opens(token)).toBe(401);
    expect((await by(token)('POST', '/auth/logout')).status).toBe(401);
    for (const path of ['/auth/refresh', '/auth/logout']) {
      expect((await s.call('POST', path)).status).toBe(403);
      expect((await s.as('')('POST', path, undefined, tenant)).status).toBe(401);
      expect((await s.as(await tokenOf(s.admin))('POST', path)).status).toBe(400);
    }
  });
  test('tokens are renewed thirty times a minute, whichever of them is given back', async () => {
    const user = await s.user('READ_ONLY');
    let [token, renewed] = [await tokenOf(user), 0];
    let last = await by(token)('POST', '/auth/refresh');
    for (; last.status === 200 && renewed < 40; renewed += 1) {
      token = last.body.data.access_token as string;
      last = await by(token)('POST', '/auth/refresh');
    }
    expect([renewed, last.status, last.body.limit_type, Number(last.headers.get('retry-after')) > 0]).toEqual([
      30, 429, 'refreshes_per_subject', true,
    ]); // prettier-ignore
    expect([await opens(token), (await by(await tokenOf(user))('POST', '/auth/refresh')).status]).toEqual([200, 429]);
  });
  test('introspection says what a token is good for by now, thirty times a minute', async () => {
    const user = await s.user('DEVELOPER');
    const token = await tokenOf(user);
    const look = (given: string) => admin()('POST', '/auth/introspect', { token: given });
    const { exp, iat } = decodeJwt(token);
    expect((await look(token)).body.data).toEqual({
      active: true, agent_id: null, user_id: user.id, tenant_id: s.tenantId, role: 'DEVELOPER', exp, iat,
    }); // prettier-ignore
    const elsewhere = await s.tenant();
    expect((await s.as(elsewhere.token)('POST', '/auth/introspect', { token })).body.data.active).toBe(false);
    expect((await look('not a token')).body.data).toMatchObject({ active: false, role: null });
    await by(token)('POST', '/auth/logout');
    expect((await look(token)).body.data.active).toBe(false);
    let last = await look(token);
    for (let i = 0; last.status === 200 && i < 40; i += 1) last = await look(token);
    expect([last.status, last.body.limit_type, Number(last.headers.get('retry-after')) > 0]).toEqual([
      429, 'introspections_per_token', true,
    ]); // prettier-ignore
  });
  test('taken back by token, by jti, by agent; what is not of this tenant is not there', async () => {
    const user = await s.user('DEVELOPER');
    const [one, two] = [await tokenOf(user), await tokenOf(user)];
    const back = (body: unknown, query = '') => admin()('POST', `/auth/revoke${query}`, body);
    expect((await back({ token: one })).body.data).toMatchObject({ revoked: true, agent_id: null });
    expect((await back({ jti: decodeJwt(two).jti })).status).toBe(200);
    expect([await opens(one), await opens(two)]).toEqual([401, 401]);
    expect((await back(undefined, `?agent_id=${agentId}`)).body.data).toMatchObject({
      revoked: true,
      agent_id: agentId,
    });
    expect((await back({})).status).toBe(400);
    expect((await back({ token: one, jti: randomUUID() })).status).toBe(400);
    for (const body of [{ jti: randomUUID() }, { token: 'x' }]) expect((await back(body)).status).toBe(404);
    const elsewhere = await s.tenant();
    const own = await tokenOf(user);
    for (const body of [{ token: own }, { jti: decodeJwt(own).jti }])
      expect((await s.as(elsewhere.token)('POST', '/auth/revoke', body)).status).toBe(404);
    expect(await opens(own)).toBe(200);
    expect((await by(own)('POST', '/auth/revoke', { token: own })).status).toBe(403);
  });
  test('what listens with a token ends within a second of its revocation', async () => {
    const token = await tokenOf(await s.user('ADMIN'));
    const stream = await fetch(`${s.url}/events/stream`, { headers: { authorization: `Bearer ${token}`, ...tenant } });
    const reader = stream.body?.getReader();
    await reader?.read();
    const ws = new WebSocket(`${s.url.replace('http', 'ws')}/api/agents/ws`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const closed = new Promise<number>((resolve) => ws.once('close', (code) => resolve(code)));
    await new Promise((resolve) => ws.once('message', resolve));
    await admin()('POST', '/auth/revoke', { token });
    const from = performance.now();
    const rest = async (): Promise<void> => {
      while (!(await reader?.read())?.done);
    };
    expect((await Promise.all([closed, rest()]))[0]).toBe(1008);
    expect(performance.now() - from).toBeLessThan(1_000);
  });
  test('a key that is rotated signs from then on; what the old one signed is good until it is over; both are published', async () => {
    const old = await tokenOf(s.admin);
    const kid = await rotateKey(s.config.databaseUrl ?? '', 'token', s.config.masterKey ?? Buffer.of());
    const fresh = await until(async () => {
      const token = await tokenOf(s.admin);
      await s.owner.query('delete from rate_limits');
      return decodeProtectedHeader(token).kid === kid && token;
    }, 'the new key to sign');
    expect([await opens(old), await opens(fresh)]).toEqual([200, 200]);
    const { body, status } = await s.as('')('GET', '/.well-known/jwks.json');
    expect([status, body.keys.map((k: { kid: string }) => k.kid)]).toEqual([
      200,
      [kid, decodeProtectedHeader(old).kid],
    ]);
    const keys = createLocalJWKSet(body as JSONWebKeySet);
    for (const token of [old, fresh]) expect((await jwtVerify(token, keys)).payload['tenant_id']).toBe(s.tenantId);
  });
});

describe('a cookie is taken from our own pages alone, at every door', () => {
  const own = () => new URL(s.url).origin;
  test.each([
    [{}, true],
    [{ 'sec-fetch-site': 'same-origin' }, true],
    [{ 'sec-fetch-site': 'none' }, true],
    [{ origin: 'own', 'sec-fetch-site': 'same-origin' }, true],
    [{ origin: 'own' }, true],
    [{ 'sec-fetch-site': 'cross-site' }, false],
    [{ 'sec-fetch-site': 'same-site' }, false],
    [{ origin: 'https://evil.example' }, false],
    [{ origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' }, false],
    [{ origin: 'null' }, false],
  ] as [Record<string, string>, boolean][])('%j: %s', async (headers, taken) => {
    const token = await tokenOf(s.admin);
    const given = { ...headers, ...(headers['origin'] === 'own' && { origin: own() }) };
    const cookie = { ...tenant, cookie: `acp_token=${token}`, ...given };
    for (const path of ['/api-keys', '/api/tickets', '/api/v1/agent-ops/registry']) {
      const refused = await s.as('')('POST', path, {}, cookie);
      expect(refused.status === 403).toBe(!taken);
      if (!taken) expect(refused.text).toContain('pages of this server');
    }
    expect((await s.as('')('GET', '/auth/me', undefined, cookie)).status).toBe(200);
    expect((await s.as(token)('POST', '/api-keys', {}, { ...tenant, ...given })).status).toBe(422);
    expect((await s.as('')('POST', '/auth/refresh', undefined, cookie)).status).toBe(taken ? 200 : 403);
  });
});

describe('people', () => {
  const make = (body: Record<string, unknown>, call = admin()) =>
    call('POST', '/auth/users', { email: `${randomUUID()}@local.test`, password: 'eight letters', tenant_id: s.tenantId, role: 'DEVELOPER', ...body }); // prettier-ignore
  const row = async (id: string) =>
    (await admin()('GET', '/users')).body.data.find((u: { id: string }) => u.id === id) as Record<string, unknown>;

  test('a user is made with a password and comes in; twice is 409, in another tenant 403', async () => {
    const { status, body } = await make({ email: 'dana@local.test', role: 'SECURITY' });
    expect([status, body.data]).toMatchObject([
      201,
      { email: 'dana@local.test', role: 'SECURITY_ANALYST', is_active: true },
    ]);
    expect((await login({ email: 'Dana@local.test', password: 'eight letters' })).status).toBe(200);
    expect((await make({ email: 'DANA@local.test' })).status).toBe(409);
    expect((await make({ tenant_id: randomUUID() })).status).toBe(403);
    for (const wrong of [{ password: 'seven..' }, { role: 'KING' }, { role: 'agent' }, { email: 'dana' }])
      expect((await make(wrong)).status).toBe(422);
    const listed = (await admin()('GET', '/users?role=SECURITY')).body.data as { role: string }[];
    expect(new Set(listed.map((u) => u.role))).toEqual(new Set(['SECURITY_ANALYST']));
  });
  test('nobody gives a role above their own, nor touches whoever has one', async () => {
    const other = await s.tenant();
    const call = s.as(other.token);
    const there = (role: string) => make({ role, tenant_id: other.tenantId }, call);
    expect((await there('OWNER')).status).toBe(403);
    expect((await call('POST', '/users/invite', { email: 'x@local.test', role: 'platform-admin' })).status).toBe(403);
    expect((await there('ADMIN')).status).toBe(201);
    const { rows } = await s.owner.query<{ id: string }>(`select id from users where tenant_id = $1 limit 1`, [
      other.tenantId,
    ]);
    await s.owner.query(`update users set role = 'OWNER' where id = $1`, [rows[0]?.id]);
    const admins = (await call('GET', '/users')).body.data as { id: string; role: string }[];
    const above = admins.find((u) => u.role === 'OWNER');
    const second = await call('POST', '/api-keys', { name: 'mine', role: 'ADMIN' });
    for (const [method, body] of [
      ['PATCH', { role: 'READ_ONLY' }],
      ['DELETE', undefined],
    ] as const)
      expect((await s.as(second.body.data.api_key)(method, `/users/${above?.id ?? ''}`, body)).status).toBe(403);
  });
  test('an invitation lets one person in, once, and says nothing to the log', async () => {
    const invite = (email = 'ida@local.test') => admin()('POST', '/users/invite', { email, role: 'DEVELOPER' });
    const atOnce = await Promise.all([1, 2, 3].map(() => invite('ivo@local.test')));
    expect(atOnce.map((a) => a.status)).toEqual([201, 201, 201]);
    const first = (await invite()).body.data;
    expect(first).toMatchObject({ email: 'ida@local.test', is_active: false, status: 'invited' });
    const again = await invite();
    expect(again.status).toBe(201);
    const accept = (token: string, password = 'my own choice') =>
      s.as('')('POST', '/auth/invitations/accept', { token, password, full_name: 'Ida' }, tenant);
    expect((await accept(first.invitation.token)).status).toBe(401);
    expect((await accept(again.body.data.invitation.token, 'short')).status).toBe(422);
    const came = await Promise.all([1, 2].map(() => accept(again.body.data.invitation.token)));
    expect(came.filter((a) => a.status === 200)).toHaveLength(1);
    const token = came.find((a) => a.status === 200)?.body.data.access_token as string;
    expect((await by(token)('GET', '/auth/me')).body.data).toMatchObject({
      email: 'ida@local.test',
      full_name: 'Ida',
      role: 'DEVELOPER',
    });
    expect((await login({ email: 'ida@local.test', password: 'my own choice' })).status).toBe(200);
    expect((await invite()).status).toBe(409);
    await s.owner.query(`update users set invitation_expires_at = now() where id = $1`, [
      (await invite('late@local.test')).body.data.id,
    ]);
    const all = JSON.stringify((await s.owner.query('select * from log')).rows);
    for (const secret of [first.invitation.token, again.body.data.invitation.token, 'my own choice'])
      expect(all).not.toContain(secret);
  });
  test('whoever is let in no more is out at once, and may be let in again', async () => {
    const user = await s.user('DEVELOPER');
    const token = await tokenOf(user);
    expect((await admin()('DELETE', `/users/${user.id}`)).body.data).toEqual({ id: user.id, is_active: false });
    expect([await opens(token), await opens(user.token), (await login(user)).status]).toEqual([401, 401, 401]);
    expect(await row(user.id)).toMatchObject({ is_active: false, status: 'deactivated' });
    expect((await admin()('PATCH', `/users/${user.id}`, { status: 'active', role: 'READ_ONLY' })).body.data).toMatchObject({
      is_active: true, role: 'READ_ONLY',
    }); // prettier-ignore
    expect([await opens(token), await opens(user.token)]).toEqual([401, 401]); // what they had before is gone for good
    expect((await login(user)).body.data.role).toBe('READ_ONLY');
    for (const body of [{}, { role: 'KING' }, { status: 'active', is_active: false }])
      expect((await admin()('PATCH', `/users/${user.id}`, body)).status).toBe(422);
  });
  test('somebody who manages its people is always there, whoever goes at the same time', async () => {
    const other = await s.tenant();
    const call = s.as(other.token);
    const [only] = (await call('GET', '/users')).body.data as { id: string }[];
    for (const [method, body] of [
      ['DELETE', undefined],
      ['PATCH', { role: 'DEVELOPER' }],
      ['PATCH', { is_active: false }],
    ] as const) {
      const refused = await call(method, `/users/${only?.id ?? ''}`, body);
      expect([refused.status, refused.body.error]).toEqual([409, expect.stringContaining('nobody who manages')]);
    }
    const second = (await make({ role: 'ADMIN', tenant_id: other.tenantId }, call)).body.data.id as string;
    const gone = await Promise.all([only?.id, second].map((id) => call('DELETE', `/users/${id ?? ''}`)));
    expect(
      gone
        .map((a) => a.status)
        .sort()
        .at(-1),
    ).toBeGreaterThan(200);
    const { rows } = await s.owner.query(`select 1 from users where tenant_id = $1 and is_active and role = 'ADMIN'`, [
      other.tenantId,
    ]);
    expect(rows.length).toBe(1);
  });
});

describe('erasure', () => {
  const whole = async (needle: string): Promise<string[]> => {
    const { rows } = await s.owner.query<{ name: string }>(
      `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'`,
    );
    const found: string[] = [];
    for (const { name } of rows) {
      const sql = `select from "${name}" t where position(lower($1) in lower(t::text)) > 0`;
      if ((await s.owner.query(sql, [needle])).rowCount) found.push(name);
    }
    return found;
  };
  const stream = async (id: string): Promise<string> => {
    const stop = new AbortController();
    const headers = { authorization: `Bearer ${s.token}`, 'last-event-id': '0' };
    const answer = await fetch(`${s.url}/events/stream`, { headers, signal: stop.signal });
    let text = '';
    for await (const part of answer.body as unknown as AsyncIterable<Uint8Array>) {
      text += Buffer.from(part).toString();
      if (text.includes(id) && text.lastIndexOf('\n\n') > text.indexOf(id)) break;
    }
    stop.abort();
    return text;
  };

  test('shreds the key: nobody reads the address any more, and every proof still holds', async () => {
    const email = `erin.o'neil+${randomUUID().slice(0, 8)}@Erased.example`;
    const made = await admin()('POST', '/auth/users', {
      email,
      password: 'her own choice',
      tenant_id: s.tenantId,
      role: 'ADMIN',
    });
    const { id } = made.body.data as { id: string };
    const erin = by(await tokenOf({ email, password: 'her own choice' }));
    const told = `ask <${email.toLowerCase()}> or not${email}`;
    await erin('POST', '/api/tickets', { title: `Of ${email}`, description: told, priority: 'low' });
    await erin('POST', '/execute', { tool: 'knowledge.search', args: { query: 'quiet' } }, { 'x-agent-id': agentId });
    const pool = appPool(s.config.databaseUrl ?? '', 2, () => undefined);
    const store = createStore(pool, await loadKeyring(pool, s.config.masterKey ?? Buffer.of()));
    const entryId = await store.write(s.tenantId, (tx) =>
      Promise.resolve(tx.log({
        kind: 'execution.deny', actor: { id, kind: 'user', name: email }, subject: { kind: 'execution', id: randomUUID() }, agentId,
        tool: 'mail.send', decision: 'deny', reason: `not to ${email}`, body: { to: [`Erin <${email}>`], [email]: 'a\n' + email },
        requestId: randomUUID(), receipt: true,
      }))); // prettier-ignore
    await erin('POST', `/audit/logs/${entryId}/notes`, { note_type: 'analysis', body: `${email} said so` });
    await store.writeAtOnce(
      s.tenantId,
      { text: 'select 1' },
      { kind: 'user.seen', actor: { id, kind: 'user', name: email }, subject: { kind: 'user', id } },
    );

    const { rows: log } = await s.owner.query(
      `select actor::text || body::text || coalesce(reason, '') as said from log`,
    );
    expect(log.some((r) => String(r.said).toLowerCase().includes(`"${email.toLowerCase()}`))).toBe(false);
    const facts = async () => {
      const entry = (await admin()('GET', '/audit/logs?action=execute_tool&decision=deny&limit=1')).body.data.items[0];
      const explained = (await admin()('GET', `/audit/logs/${entryId}/explain`)).body.data.explanation;
      const csv = (await admin()('GET', '/audit/export?format=csv&limit=50')).text;
      return { entry: JSON.stringify(entry), explained, csv, feed: await stream(entryId) };
    };
    const proofs = async () => ({
      receipt: (await admin()('GET', `/receipts/${entryId}`)).text,
      verified: (await admin()('GET', '/audit/logs/verify')).body.data.violations,
      inclusion: (await admin()('GET', `/transparency/inclusion/${entryId}`)).body.data.status,
    });
    await admin()('POST', '/transparency/compute');
    const before = await proofs();
    expect(before.verified).toEqual([]);
    for (const text of Object.values(await facts())) expect(text).toContain(email);

    const erased = await admin()('POST', `/users/${id}/erase`);
    const marker = `erased-${id}@erased.invalid`;
    expect(erased.body.data).toMatchObject({ id, is_active: false });
    expect((await admin()('POST', `/users/${id}/erase`)).body.data).toEqual(erased.body.data);
    expect((await entries('user.erased')).map((e) => e.subject_id)).toEqual([id]);
    // It stands nowhere, but for within what is another's address.
    expect(await whole(`<${email}>`)).toEqual([]);
    expect(await whole(`"${email}"`)).toEqual([]);
    for (const table of await whole(email))
      for (const { row } of (await s.owner.query<{ row: string }>(`select lower(t::text) as row from "${table}" t`))
        .rows)
        expect(row.replaceAll(`not${email.toLowerCase()}`, '')).not.toContain(email.toLowerCase());
    for (const text of Object.values(await facts())) {
      expect(text).toContain(marker);
      expect(text).not.toContain(email);
    }
    expect(await proofs()).toEqual(before);
    // Whoever still believes to act as her writes no address down; and she is not let in again, but may be asked anew.
    const late = {
      kind: 'user.late',
      actor: { id, kind: 'user' as const, name: email },
      subject: { kind: 'user' as const, id },
    };
    await store.write(s.tenantId, (tx) => Promise.resolve(tx.log(late)));
    await pool.end();
    expect((await admin()('GET', '/audit/logs?action=user_late&limit=1')).body.data.items[0].actor.name).toBe(marker);
    expect((await admin()('PATCH', `/users/${id}`, { status: 'active' })).status).toBe(409);
    expect((await admin()('DELETE', `/users/${id}`)).status).toBe(200);
    expect((await admin()('POST', '/users/invite', { email, role: 'DEVELOPER' })).body.data.id).not.toBe(id);
  });
});

/** Two hundred tokens that are none of ours, made from one that is (proof.md, T14). */
describe('forged tokens', () => {
  const b64 = (value: unknown): string =>
    Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
  const strange = generateKeyPairSync('ed25519').privateKey;

  test('of 200 none is taken', async () => {
    const pool = appPool(s.config.databaseUrl ?? '', 1, () => undefined);
    const keyring: Keyring = await loadKeyring(pool, s.config.masterKey ?? Buffer.of());
    await pool.end();
    const token = await tokenOf(s.admin);
    const spent = await tokenOf(s.admin);
    expect(await opens(token)).toBe(200);
    await by(spent)('POST', '/auth/logout');
    const [head = '', body = '', signature = ''] = token.split('.');
    const header = decodeProtectedHeader(token);
    const claims = decodeJwt(token);
    const { privateKey, pem, fingerprint } = keyring.current('token');
    const signed = (h: unknown, c: unknown, key = privateKey): string => {
      const text = `${b64(h)}.${b64(c)}`;
      return `${text}.${signBytes(null, Buffer.from(text), key).toString('base64url')}`;
    };
    /** Signed with a secret that everybody knows. */
    const confused = (alg: string, secret: string | Uint8Array): Promise<string> =>
      new SignJWT(claims)
        .setProtectedHeader({ ...header, alg })
        .sign(typeof secret === 'string' ? Buffer.from(secret) : secret);
    const now = Math.floor(Date.now() / 1000);
    const raw = keyring.find(fingerprint)?.key.export({ format: 'der', type: 'spki' }) ?? Buffer.of();
    const mutants: string[] = [
      spent,
      `${head}.${body}.`,
      `${head}.${body}`,
      `${head}..${signature}`,
      `.${body}.${signature}`,
      head,
      `${token}.x`,
      `${token}x`,
    ];
    // No algorithm, in every spelling, with and without a signature.
    for (const alg of [
      'none',
      'None',
      'NONE',
      'nOnE',
      '',
      'HS256',
      'RS256',
      'ES256',
      'PS256',
      'EDDSA',
      null,
      0,
      [],
      {},
    ])
      for (const with_ of ['', signature]) mutants.push(`${b64({ ...header, alg })}.${body}.${with_}`);
    // The public key as the secret of a MAC.
    for (const alg of ['HS256', 'HS384', 'HS512'])
      for (const secret of [pem, pem.trim(), fingerprint, raw, raw.subarray(12), 'wheelhouse'])
        mutants.push(await confused(alg, secret));
    // Keys that are none, of another purpose, or brought along.
    const jwk = strange.export({ format: 'jwk' });
    for (const key of [strange, keyring.current('receipt').privateKey, keyring.current('assertion').privateKey])
      for (const kid of [
        fingerprint,
        keyring.current('receipt').fingerprint,
        keyring.current('assertion').fingerprint,
        'x',
        '',
        '../../dev/null',
        `${fingerprint}0`,
        "' or 1=1 --",
        '0'.repeat(32),
      ])
        mutants.push(
          signed({ ...header, kid, jwk, jku: 'https://evil.example/keys', x5u: 'https://evil.example' }, claims, key),
        );
    for (const kid of [undefined, '', 'x', keyring.current('receipt').fingerprint, `${fingerprint}${fingerprint}`])
      mutants.push(signed({ ...header, kid }, claims));
    for (const typ of ['at+jwt', 'secevent+jwt', undefined]) mutants.push(signed({ ...header, typ }, claims));
    for (const crit of [['b64'], ['exp'], ['x']]) mutants.push(signed({ ...header, crit, b64: false }, claims));
    // Rightly signed, and saying what no token says: nobody can, unless the key is lost.
    const wrong: Record<string, unknown[]> = {
      aud: ['other', '', [], ['other'], null, undefined, 1],
      iss: ['other', '', null, undefined, 'https://wheelhouse', ['other']],
      exp: [now - 1, now - 900, 0, -1, null, undefined, 'soon', String(now + 900), {}],
      iat: [now - 1_000, now + 600, undefined, null, 'now', 0],
      nbf: [now + 600, 'soon', {}],
      jti: [randomUUID(), '', null, undefined, 1, `${claims.jti ?? ''}'`, "' or true --", decodeJwt(spent).jti, []],
      sub: [randomUUID(), '', null, undefined, "' or '1'='1", agentId, `${claims.sub ?? ''} `],
      tenant_id: [randomUUID(), '', null, undefined, '00000000-0000-0000-0000-000000000000', "'; drop table users; --"],
      typ: ['agent', 'service', 'system', '', null, undefined, 'User', "user' --"],
    };
    for (const [claim, values] of Object.entries(wrong))
      for (const value of values) mutants.push(signed(header, { ...claims, [claim]: value }));
    // One bit of each part.
    for (let i = 0; new Set(mutants).size < 220; i += 1) {
      const part = [head, body, signature][i % 3] ?? '';
      const bytes = Buffer.from(part, 'base64url');
      const at = createHash('sha256').update(String(i)).digest().readUInt16BE(0) % bytes.length;
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (i % 8));
      mutants.push([head, body, signature].map((p, n) => (n === i % 3 ? bytes.toString('base64url') : p)).join('.'));
    }
    expect(new Set(mutants).size).toBeGreaterThanOrEqual(200);
    const taken: string[] = [];
    for (const mutant of mutants) {
      const status = await opens(mutant);
      if (status !== 401) taken.push(`${status} ${mutant}`);
    }
    expect(taken).toEqual([]);
    expect(await opens(token)).toBe(200);
  });
});
