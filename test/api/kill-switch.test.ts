import { startServer, type Server } from '../harness';

let server: Server;
beforeAll(async () => void (server = await startServer({}, { worker: false })));
afterAll(() => server.close());

const logged = async (kind: string) => (await server.owner.query('select * from log where kind = $1', [kind])).rows;

const path = () => `/decision/kill-switch/${server.tenantId}`;
const off = () => ({
  status: 'disengaged',
  engaged: false,
  tenant_id: server.tenantId,
  reason: null,
  engaged_by: null,
  engaged_at: null,
});

test('engaged, once; read; released, once: each turn is one entry', async () => {
  expect((await server.call('GET', path())).body).toEqual({ success: true, data: off(), error: null, meta: null });
  expect((await server.call('DELETE', path())).body.data).toEqual(off());
  const engaged = await server.call('POST', path(), { reason: 'an agent runs wild' });
  expect([engaged.status, engaged.body.data]).toEqual([
    200,
    {
      status: 'engaged',
      engaged: true,
      tenant_id: server.tenantId,
      reason: 'an agent runs wild',
      engaged_by: server.admin.email,
      engaged_at: expect.any(String),
    },
  ]);
  expect((await server.call('POST', path(), { action: 'engage', reason: 'again' })).body).toEqual(engaged.body);
  expect((await server.call('GET', '/status')).body.data.kill_switch.engaged).toBe(true);
  expect((await server.call('POST', path(), { action: 'disengage' })).body.data).toEqual(off());
  expect((await server.call('DELETE', path())).body.data).toEqual(off());
  expect([(await logged('kill_switch.engaged')).length, (await logged('kill_switch.disengaged')).length]).toEqual([
    1, 1,
  ]);
  const { items } = (await server.call('GET', '/audit/logs?action=kill_switch_engaged')).body.data;
  expect(items[0]).toMatchObject({ reason: 'an agent runs wild', metadata_json: { engaged: true } });
});

test('of another tenant, there or not: 403; without the scope: 403', async () => {
  const other = await server.tenant();
  for (const tenant of [other.tenantId, '01890000-0000-7000-8000-0000000000ff']) {
    for (const method of ['GET', 'POST', 'DELETE']) {
      const { status, body } = await server.call(
        method,
        `/decision/kill-switch/${tenant}`,
        method === 'POST' ? {} : undefined,
      );
      expect([status, body.reason]).toEqual([403, 'tenant_mismatch']);
    }
  }
  const reader = await server.user('READ_ONLY');
  expect((await server.as(reader.token)('GET', path())).status).toBe(200);
  expect((await server.as(reader.token)('POST', path(), {})).status).toBe(403);
});

test('two who engage at once: one entry', async () => {
  const before = (await logged('kill_switch.engaged')).length;
  await Promise.all(Array.from({ length: 8 }, () => server.call('POST', path(), {})));
  expect((await logged('kill_switch.engaged')).length).toBe(before + 1);
  await server.call('DELETE', path());
});
