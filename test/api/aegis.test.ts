import { decodeJwt } from 'jose';
import { startServer, type Server } from '../harness';

let server: Server;
let ticket: number;
beforeAll(async () => {
  server = await startServer({}, { worker: false });
  ticket = (await server.call('POST', '/api/tickets', { title: 'Mail is down', auto_assign: false })).body.id as number;
});
afterAll(() => server.close());

const envelope = (data: unknown) => ({ success: true, data, error: null, meta: null });
const logged = async (kind: string) =>
  (await server.owner.query('select * from log where kind = $1 order by seq desc', [kind])).rows;

describe('POST /auth/token', () => {
  const login = (
    email: string,
    password: string,
    headers: Record<string, string> = { 'x-tenant-id': server.tenantId },
  ) => server.as('')('POST', '/auth/token', { email, password }, headers);

  test('the right password opens every operation of the role, by header and by cookie', async () => {
    const answer = await login(server.admin.email.toUpperCase(), server.admin.password);
    expect([answer.status, answer.body]).toEqual([
      200,
      envelope({
        access_token: expect.any(String),
        token_type: 'bearer',
        expires_in: 900,
        tenant_id: server.tenantId,
        role: 'platform-admin',
      }),
    ]);
    const token = answer.body.data.access_token as string;
    const { exp = 0, iat = 0, ...claims } = decodeJwt(token);
    expect(exp - iat).toBe(900);
    expect(claims).toMatchObject({ tenant_id: server.tenantId, org_id: server.tenantId, role: 'platform-admin' });
    const cookie = answer.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/^acp_token=[^;]+; Max-Age=86400; Path=\/; HttpOnly; SameSite=Strict$/);

    const tenant = { 'x-tenant-id': server.tenantId };
    expect((await server.as(token)('GET', '/auth/me', undefined, tenant)).body.data).toMatchObject({
      email: server.admin.email,
      role: 'platform-admin',
      tenant_id: server.tenantId,
      is_active: true,
    });
    const byCookie = await server.as('')('GET', '/auth/me', undefined, {
      ...tenant,
      cookie: cookie.split(';')[0] ?? '',
    });
    expect(byCookie.status).toBe(200);
    expect((await server.as(token)('GET', '/auth/me')).body).toMatchObject({
      success: false,
      error: 'X-Tenant-ID header required',
    });
  });

  test('wrong password, unknown address and inactive user are told apart by nothing', async () => {
    const inactive = await server.user('DEVELOPER');
    await server.owner.query('update users set is_active = false where id = $1', [inactive.id]);
    const answers = [
      await login(server.admin.email, 'wrong'),
      await login('nobody@local.test', 'wrong'),
      await login(inactive.email, inactive.password),
    ];
    for (const { status, body } of answers) {
      expect([status, body.error]).toEqual([401, 'Invalid e-mail address or password']);
      expect(body).toEqual({ ...answers[0]?.body, meta: { ...answers[0]?.body.meta, request_id: expect.any(String) } });
    }
    const { status } = await login(server.admin.email, server.admin.password, {
      'x-tenant-id': '01890000-0000-7000-8000-0000000000ff',
    });
    expect(status).toBe(401);
  });

  test('the tenant has to be named, and well', async () => {
    for (const [headers, error] of [
      [{}, 'X-Tenant-ID header required'],
      [{ 'x-tenant-id': 'mine' }, 'Invalid Tenant UUID'],
    ] as const) {
      const { status, body } = await login(server.admin.email, server.admin.password, headers);
      expect([status, body.error]).toEqual([400, error]);
    }
  });

  test('both outcomes are in the log, without the password and, for a guess, without the address', async () => {
    await login(server.admin.email, server.admin.password);
    await login('typed-a-password-here@local.test', 'guess-guess');
    const [[right], [wrong]] = [await logged('user.login'), await logged('user.login_failed')];
    expect(right).toMatchObject({ actor: { kind: 'user', name: expect.stringMatching(/^sealed/) }, decision: 'allow' });
    expect(wrong).toMatchObject({ decision: 'deny', reason: 'invalid_credentials', subject_id: 'unknown' });
    const all = JSON.stringify((await server.owner.query('select * from log')).rows);
    for (const secret of [server.admin.password, 'guess-guess', 'typed-a-password-here'])
      expect(all).not.toContain(secret);
  });

  test('a body that does not fit names its field; the 26th guess in a minute has to wait', async () => {
    const { status, body } = await server.as('')('POST', '/auth/token', { email: 'no', password: '' });
    expect([status, body.error]).toEqual([422, 'Validation failed']);
    expect(body.meta.details.map((d: { loc: string[] }) => d.loc)).toEqual([
      ['body', 'email'],
      ['body', 'password'],
    ]);
    const counted = async () =>
      Number(
        (await server.owner.query(`select points from rate_limits where key like 'address:login:%'`)).rows[0].points,
      );
    const before = await counted();
    for (let i = 0; i < 3; i += 1) expect((await login(server.admin.email, server.admin.password)).status).toBe(200);
    expect(await counted()).toBeLessThanOrEqual(before); // those that are right do not count
    let last = await login('nobody@local.test', 'guess');
    for (let i = 0; last.status !== 429 && i < 26; i += 1) last = await login('nobody@local.test', 'guess');
    expect([last.status, last.body.limit_type]).toEqual([429, 'ip_per_minute']);
    expect(Number(last.headers.get('retry-after'))).toBeGreaterThan(0);
  });
});

test('GET /auth/me is for users: an agent or a service is nobody', async () => {
  const { rows } = await server.owner.query<{ id: string }>('select id from agents where tenant_id = $1', [
    server.tenantId,
  ]);
  const made = await server.call('POST', '/api-keys', { name: 'agent', agent_id: rows[0]?.id });
  await server.owner.query(`update api_keys set scopes = '{profile:read}' where id = $1`, [made.body.data.id]);
  const { status, body } = await server.as(made.body.data.api_key)('GET', '/auth/me');
  expect([status, body.error]).toEqual([403, 'this credential belongs to no user']);
});

describe('GET /audit/logs', () => {
  const list = async (query: string) => (await server.call('GET', `/audit/logs${query}`)).body.data;

  test('newest first, in the form of the wire, under both paths', async () => {
    await server.call('POST', `/api/tickets/${ticket}/notes`, { body: 'seen', author: 'dana', source: 'dashboard' });
    const { total, limit, offset, items } = await list('');
    expect([limit, offset, total >= items.length]).toEqual([10, 0, true]);
    expect(items[0]).toMatchObject({
      tenant_id: server.tenantId, action: 'note_added', tool: null, decision: 'allow', hash_version: 1,
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/),
      prev_hash: expect.stringMatching(/^[0-9a-f]{64}$/), event_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      actor: { kind: 'user', name: server.admin.email },
    }); // prettier-ignore
    const seqs = items.map((i: { seq: number }) => i.seq) as number[];
    expect(seqs).toEqual([...seqs].sort((a, b) => b - a));
    expect((await server.call('GET', '/v1/audit/logs')).body.data.items).toEqual(items);
  });

  test('filters and pages', async () => {
    const all = await list('?limit=1000');
    expect(all.items).toHaveLength(all.total);
    expect((await list('?limit=2&offset=1')).items).toEqual(all.items.slice(1, 3));
    const created = await list('?action=ticket_created');
    expect(created.items.map((i: { action: string }) => i.action)).toEqual(['ticket_created']);
    const denied = await list('?decision=deny');
    expect(denied.total).toBe(all.items.filter((i: { decision: string }) => i.decision === 'deny').length);
    expect((await list('?tool=logs.search')).total).toBe(0);
    expect((await list('?agent_id=01890000-0000-7000-8000-0000000000ff')).total).toBe(0);
    const [newest] = all.items as { timestamp: string }[];
    const at = encodeURIComponent(newest?.timestamp ?? '');
    expect((await list(`?start_date=${at}&end_date=${at}`)).total).toBe(1);
    const today = newest?.timestamp.slice(0, 10);
    expect((await list(`?start_date=${today}&end_date=${today}&limit=1000`)).total).toBeGreaterThan(0);
    expect((await list('?end_date=2020-01-01')).total).toBe(0);
  });

  test.each(['limit=0', 'limit=1001', 'offset=-1', 'agent_id=me', 'start_date=soon', 'start_date=0001-01-01', 'tool='])(
    '%s is 422',
    async (query) => {
      const { status, body } = await server.call('GET', `/audit/logs?${query}`);
      expect([status, body.meta.details[0].loc]).toEqual([422, ['query', query.split('=')[0]]]);
    },
  );

  test('another tenant sees its own log only', async () => {
    const other = await server.tenant();
    const { body } = await server.as(other.token)('GET', '/audit/logs');
    expect(body.data).toEqual({ total: 0, limit: 10, offset: 0, items: [] });
  });
});

test('GET /audit/logs/verify: the chain holds, and when it does not, the answer says where', async () => {
  const { status, body } = await server.call('GET', '/audit/logs/verify');
  const { rows } = await server.owner.query<{ n: number }>('select count(*) as n from log');
  const n = Number(rows[0]?.n);
  expect([status, body]).toEqual([
    200,
    envelope({
      valid: true,
      is_integrous: true,
      rows_checked: n,
      processed_count: n,
      error_count: 0,
      violations: [],
      head: expect.stringMatching(new RegExp(`^${n}\\.`)),
      tenant_id: server.tenantId,
    }),
  ]);
  const head = body.data.head as string;
  const later = (given: string) => server.call('GET', `/audit/logs/verify?head=${given}`);
  expect((await later(head)).body.data).toMatchObject({ valid: true });
  expect((await later(head.replace('.', '0.'))).body.data).toMatchObject({
    valid: false,
    head: null,
    violations: [{ error: 'head_unknown' }],
  });
  for (const junk of ['', 'junk', head.slice(0, -1), `${head}A`]) {
    const refused = await later(junk);
    expect([refused.status, refused.body.meta.details]).toMatchObject([422, [{ loc: ['query', 'head'] }]]);
  }
  await server.owner.query('alter table log disable trigger all');
  await server.owner.query(`update log set reason = 'nothing happened' where seq = 2`);
  const broken = await server.call('GET', '/v1/audit/logs/verify');
  expect([broken.status, broken.body.data]).toMatchObject([
    200,
    {
      valid: false,
      is_integrous: false,
      error_count: 1,
      violations: [{ error: 'content_mismatch', seq: 2, expected_prev: expect.any(String) }],
    },
  ]);
  await server.owner.query('update log set reason = null where seq = 2');
  expect((await server.call('GET', '/audit/logs/verify')).body.data.valid).toBe(true);
  await server.owner.query('alter table log enable trigger all');
});
