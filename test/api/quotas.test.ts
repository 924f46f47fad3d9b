import { startServer, type Server } from '../harness';
import { settles } from '../until';

let server: Server;
beforeAll(async () => void (server = await startServer({ TENANT_QUOTAS: 'true' }, { worker: false })));
afterAll(() => server.close());

const limit = (tenantId: string, set: string) =>
  server.owner.query(`update tenants set ${set} where id = $1`, [tenantId]);
const ask = (token: string) => server.as(token)('GET', '/tenant/quota');

test('a tenant sees what it may ask for and what it has used; who serves the installation sees all', async () => {
  const { body } = await ask(server.token);
  expect(body.data.limits).toEqual({
    requests_per_second: 50, burst: 100, daily_request_cap: 1_000_000, monthly_request_cap: 30_000_000,
    daily_inference_cost_cap_usd: null, rpm_limit: 3000,
  }); // prettier-ignore
  expect(body.data.usage).toMatchObject({
    daily_used: expect.any(Number),
    daily_resets_at: expect.stringMatching(/T00:00:00/),
  });
  expect(body.data.usage.daily_used).toBeGreaterThan(0);
  const root = await server.user('platform-admin');
  const all = (await server.as(root.token)('GET', '/admin/tenants')).body.data;
  expect(all).toEqual([
    expect.objectContaining({ tenant_id: server.tenantId, plan: 'basic', is_active: true, burst: 100 }),
  ]);
  const one = await server.as(root.token)('GET', `/admin/tenants/${server.tenantId}`);
  expect(one.body.data).toMatchObject({ tenant: all[0], usage: { monthly_used: expect.any(Number) } });
  expect((await server.as(root.token)('GET', '/admin/tenants/01890000-0000-7000-8000-0000000000ff')).status).toBe(404);
  const admin = server.as((await server.user('ADMIN')).token);
  for (const path of ['/admin/tenants', `/admin/tenants/${server.tenantId}`])
    expect((await admin('GET', path)).status).toBe(403);
});

test.each([
  ['burst = 1, requests_per_second = 1', 'tenant_rps'],
  ['daily_request_cap = 3', 'tenant_daily_request'],
  ['monthly_request_cap = 3', 'tenant_monthly_request'],
])('%s: then %s, and nobody else is told to wait', async (set, type) => {
  const { tenantId, token } = await server.tenant();
  await limit(tenantId, set);
  const answers = [];
  for (let i = 0; i < 5; i += 1) answers.push(await ask(token));
  const refused = answers.find((a) => a.status === 429);
  expect(refused?.body).toMatchObject({
    success: false,
    error: 'rate_limited',
    limit_type: type,
    reset_at: expect.any(String),
    data: { limit_type: type },
    meta: { code: 'rate_limited', category: 'quota', retry_after_s: expect.any(Number) },
  });
  expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  expect((await ask(server.token)).status).toBe(200);
  await settles(async () => {
    const { rows } = await server.owner.query(
      `select kind, body from log where tenant_id = $1 and kind = 'rate.limited'`,
      [tenantId],
    );
    expect(rows).toEqual([{ kind: 'rate.limited', body: expect.objectContaining({ limit_type: type }) }]);
  });
});

test('at 80 % of a month a tenant is told, once', async () => {
  const { tenantId, token } = await server.tenant();
  await limit(tenantId, 'monthly_request_cap = 10');
  for (let i = 0; i < 9; i += 1) expect((await ask(token)).status).toBe(200);
  await settles(async () => {
    const { rows } = await server.owner.query(`select body from log where tenant_id = $1 and kind = 'quota.warning'`, [
      tenantId,
    ]);
    expect(rows).toEqual([{ body: expect.objectContaining({ monthly_cap: 10, percent: 80, threshold: 0.8 }) }]);
  });
});

test('what a reconciliation found is a gauge; its secret is a credential of its own', async () => {
  const found = { audit_without_usage_count: 3, usage_without_audit_count: 0, outbox_pending_age_seconds: 12.5 };
  const report = (headers: Record<string, string>, body: unknown = found) =>
    server.as('')('POST', '/internal/reconciliation-report', body, headers);
  const sent = await report({ 'x-internal-secret': server.token });
  expect([sent.status, sent.body.data]).toEqual([200, { status: 'ok', tenant: server.tenantId }]);
  const metrics = await server.call('GET', '/metrics', undefined, {
    'x-metrics-token': server.config.metricsToken ?? '',
  });
  expect(metrics.text).toContain(`wheelhouse_audit_without_usage{tenant="${server.tenantId}"} 3`);
  expect(metrics.text).toContain(`wheelhouse_outbox_pending_seconds{tenant="${server.tenantId}"} 12.5`);
  expect((await report({ 'x-internal-secret': 'acp_wrong' })).status).toBe(401);
  expect((await report({})).status).toBe(401);
  const reader = await server.user('READ_ONLY');
  expect((await report({ 'x-internal-secret': reader.token })).status).toBe(403);
  const foreign = { ...found, tenant_id: (await server.tenant()).tenantId };
  expect((await report({ 'x-internal-secret': server.token }, foreign)).status).toBe(404);
  expect(
    (await report({ 'x-internal-secret': server.token }, { ...found, audit_without_usage_count: -1 })).status,
  ).toBe(422);
});
