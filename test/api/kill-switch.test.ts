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
      containment: { runs: [], calls: [], stopped: 0, unconfirmed: 0 },
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

test('the report says of each run whether it has stopped, and why nobody knows', async () => {
  const agent = (await server.owner.query<{ id: string }>(`select id from agents limit 1`)).rows[0]?.id;
  const run = async (): Promise<{ id: string; number: number }> => {
    const ticket = (await server.call('POST', '/api/tickets', { title: 'x', auto_assign: false })).body.id as number;
    const { rows } = await server.owner.query<{ id: string; number: number }>(
      `insert into runs (id, tenant_id, agent_id, ticket_id, status, harness, task_type, spawned_by, scopes, version, created_at)
       select gen_random_uuid(), $1, $2, id, 'running', 'embedded', 'ticket', '{"id":null,"kind":"system","name":"x"}', '{}', 1, now()
       from tickets where number = $3 returning id, number`,
      [server.tenantId, agent, ticket],
    );
    return rows[0] as { id: string; number: number };
  };
  const [idle, calling] = [await run(), await run()];
  await server.owner.query(
    'insert into execution_attempts (tenant_id, owner_id, step, attempt) values ($1, $2, 3, 1)',
    [server.tenantId, calling.id],
  );
  // Asked for over HTTP: one that was just begun, and one of a process that has died long since.
  const begun = (ago: string) =>
    server.owner.query<{ id: string }>(
      `insert into execution_attempts (tenant_id, owner_id, step, attempt, agent_id, tool, begun_at)
       values ($1, gen_random_uuid(), 0, 1, $2, 'desk.restart', now() - $3::interval) returning owner_id as id`,
      [server.tenantId, agent, ago],
    );
  const [call] = (await begun('1 second')).rows;
  await begun('3 minutes');
  const { containment } = (await server.call('POST', path(), { reason: 'drill' })).body.data;
  await server.call('DELETE', path());
  expect(containment).toMatchObject({ stopped: 1, unconfirmed: 2 });
  expect(containment.calls).toEqual([
    {
      call_id: call?.id, agent_id: agent, tool: 'desk.restart', begun_at: expect.any(String), state: 'unconfirmed',
      why: 'a call of an outside tool was begun and has not ended',
    },
  ]); // prettier-ignore
  expect(containment.runs).toMatchObject([
    { run_id: idle.id, agent_id: idle.number, state: 'stopped', why: null },
    { run_id: calling.id, state: 'unconfirmed', why: 'a call of an outside tool was begun and has not ended' },
  ]);
  expect((await logged('kill_switch.contained')).at(-1).body).toMatchObject({ stopped: 1, unconfirmed: 2 });
});
