import { randomUUID } from 'node:crypto';
import { caller, startServer, until, withoutTemporal, type Server } from '../harness';

let s: Server;
beforeAll(async () => {
  s = await startServer();
});
afterAll(() => s.close());

const base = '/functions/v1/api/v1/agent-ops/registry';
const register = async (body: Record<string, unknown> = {}) => {
  const a = await s.call('POST', base, { name: `agent-${randomUUID()}`, ...body });
  expect(a.status).toBe(201);
  return a.body.data as Record<string, any> & { id: string };
};
const kinds = async (id: unknown) =>
  (await s.owner.query<{ kind: string }>('select kind from log where subject_id = $1 order by seq', [id])).rows.map(
    (r) => r.kind,
  );

describe('the registry', () => {
  it('shows what was registered, at both paths, and what it may call', async () => {
    const agent = await register({
      name: 'nightly.report', display_name: 'Nightly report', description: 'What happened', agent_type: 'cron_report',
      schedule: '30 2 * * MON-FRI', timezone: 'europe/berlin', capabilities: ['knowledge.search', 'reporting'], configuration: { to: ['ops'] },
    }); // prettier-ignore
    expect(agent).toMatchObject({
      name: 'nightly.report', display_name: 'Nightly report', agent_type: 'cron_report', status: 'active', runtime: 'managed_agents',
      schedule: '30 2 * * MON-FRI', timezone: 'Europe/Berlin', capabilities: ['knowledge.search', 'reporting'], configuration: { to: ['ops'] },
      company_id: s.tenantId, current_version: 0, last_run_at: null, consecutive_failures: 0,
    }); // prettier-ignore
    expect((await s.call('GET', `/api/v1/agent-ops/registry/${agent.id}`)).body).toEqual({ data: agent });
    const grants = await s.owner.query('select tool, effect from agent_grants where agent_id = $1', [agent.id]);
    expect(grants.rows).toEqual([{ tool: 'knowledge.search', effect: 'ALLOW' }]);
    expect(await kinds(agent.id)).toEqual(['agent.registered']);
  });

  it('takes a name once, among those that are there', async () => {
    const agent = await register();
    const again = await s.call('POST', base, { name: agent['name'] });
    expect([again.status, again.body.error.code]).toEqual([409, 'CONFLICT']);
    const answers = await Promise.all([1, 2, 3, 4].map(() => s.call('POST', base, { name: 'raced' })));
    expect(answers.map((a) => a.status).sort()).toEqual([201, 409, 409, 409]);
    const stranger = s.as((await s.tenant()).token);
    expect((await stranger('POST', base, { name: 'raced' })).status).toBe(201);
    expect((await s.call('DELETE', `${base}/${agent.id}`)).status).toBe(204);
    expect((await s.call('POST', base, { name: agent['name'] })).status).toBe(201);
  });

  it('answers a repeat with what the first made, its kept answer lost or not', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const first = await s.call('POST', base, { name: 'repeated' }, key);
    expect((await s.call('POST', base, { name: 'repeated' }, key)).body).toEqual(first.body);
    await s.owner.query('delete from idempotency_keys');
    expect((await s.call('POST', base, { name: 'repeated' }, key)).body).toEqual(first.body);
  });

  it.each([
    [{ name: 'x y' }, 'name'],
    [{ name: 'ok1', schedule: 'every day' }, 'schedule'],
    [{ name: 'ok1', schedule: '61 * * * *' }, 'schedule'],
    [{ name: 'ok1', schedule: '0 0 30 2 *' }, 'schedule'],
    [{ name: 'ok1', schedule: '* * * * * *' }, 'schedule'],
    [{ name: 'ok1', timezone: 'Mars/Base' }, 'timezone'],
    [{ name: 'ok1', timezone: '+02:00' }, 'timezone'],
    [{ name: 'ok1', agent_type: 'butler' }, 'agent_type'],
    [{ name: 'ok1', status: 'ACTIVE' }, 'status'],
    [{ name: 'ok1', capabilities: [''] }, 'capabilities'],
  ])('refuses %j, naming %s', async (body, field) => {
    const a = await s.call('POST', base, body);
    expect(a.status).toBe(400);
    expect(a.body.error).toMatchObject({ code: 'INVALID', message: expect.stringContaining(field) });
  });

  it('changes what is given and nothing else, and every reader of the status hears of it', async () => {
    const agent = await register({ capabilities: ['knowledge.search'] });
    const path = `${base}/${agent.id}`;
    const changed = await s.call('PATCH', path, { status: 'paused', capabilities: ['vault.check'] });
    const { updated_at, ...rest } = changed.body.data;
    expect(rest).toEqual({ ...agent, updated_at: undefined, status: 'paused', capabilities: ['vault.check'] });
    expect(updated_at > agent['updated_at']).toBe(true);
    const row = await s.owner.query('select status from agents where id = $1', [agent.id]);
    expect(row.rows).toEqual([{ status: 'PAUSED' }]);
    const grants = await s.owner.query('select tool from agent_grants where agent_id = $1', [agent.id]);
    expect(grants.rows).toEqual([{ tool: 'vault.check' }]);
    expect((await s.call('PATCH', path, { schedule: '0 9 * * *' })).body.data.schedule).toBe('0 9 * * *');
    expect((await s.call('PATCH', path, { schedule: null })).body.data.schedule).toBeNull();
    expect(await kinds(agent.id)).toEqual(['agent.registered', ...Array<string>(3).fill('agent.updated')]);
  });

  it('is read by pages, each row once, filtered by type and status', async () => {
    const made: unknown[] = [];
    for (let i = 0; i < 5; i += 1)
      made.unshift((await register({ agent_type: 'error_handler', status: 'error' }))['id']);
    const seen: unknown[] = [];
    let query = 'limit=2&agent_type=error_handler&status=error';
    for (let pages = 0; query && pages < 10; pages += 1) {
      const { data, pagination } = (await s.call('GET', `${base}?${query}`)).body;
      seen.push(...data.map((a: { id: string }) => a.id));
      if (pages === 0) await register({ agent_type: 'error_handler', status: 'error' }); // one that comes meanwhile moves nothing
      query = pagination.has_more
        ? `limit=2&agent_type=error_handler&status=error&cursor=${pagination.next_cursor}`
        : '';
    }
    expect(seen).toEqual(made);
    expect((await s.call('GET', `${base}?cursor=nonsense`)).status).toBe(400);
    expect((await s.call('GET', `${base}?limit=101`)).status).toBe(400);
  });

  it('stops what a deleted one works on', async () => {
    const agent = await register(); // it may propose, and then it waits for people
    const { run_id: id } = (await s.call('POST', `${base}/${agent.id}/test-run`, {})).body.data;
    const run = async () => (await s.owner.query('select status, error from runs where id = $1', [id])).rows[0];
    await until(async () => (await run())?.status === 'pending_approval', 'the run to wait');
    expect((await s.call('DELETE', `${base}/${agent.id}`)).status).toBe(204);
    expect(await run()).toEqual({ status: 'terminated', error: `agent ${agent['name']} was deleted` });
  });

  it('is not deleted while a run of it cannot be stopped, and is when it is asked for again', async () => {
    const agent = await register();
    const { run_id: id } = (await s.call('POST', `${base}/${agent.id}/test-run`, {})).body.data;
    const status = async () => (await s.owner.query('select status from runs where id = $1', [id])).rows[0]?.status;
    await until(async () => (await status()) === 'pending_approval', 'the run to wait');
    const api = await withoutTemporal(s);
    for (const _attempt of [1, 2]) {
      const a = await caller(api.url, s.token)('DELETE', `${base}/${agent.id}`);
      expect([a.status, Number(a.headers.get('retry-after'))]).toEqual([503, expect.any(Number)]);
      expect(a.headers.get('retry-after')).toMatch(/^\d+$/);
    }
    await api.close();
    expect((await s.call('GET', `${base}/${agent.id}`)).body).toEqual({ data: agent });
    expect([await status(), await kinds(agent.id)]).toEqual(['pending_approval', ['agent.registered']]);
    expect((await s.call('DELETE', `${base}/${agent.id}`)).status).toBe(204);
    expect(await status()).toBe('terminated');
    expect((await s.call('DELETE', `${base}/${agent.id}`)).status).toBe(404);
  });

  it('lets go of one that has run: its keys are dead, its runs are there, and it is in no list', async () => {
    const agent = await register({ capabilities: [] });
    const run = await s.call('POST', `${base}/${agent.id}/test-run`, {});
    const key = await s.call('POST', '/api-keys', { name: 'its', agent_id: agent.id });
    expect((await s.as(key.body.data.api_key)('GET', '/api/agents')).status).toBe(200);
    expect((await s.call('DELETE', `${base}/${agent.id}`)).text).toBe('');
    expect((await s.as(key.body.data.api_key)('GET', '/api/agents')).status).toBe(401);
    for (const [method, path, body] of [
      ['GET', ''], ['PATCH', '', {}], ['DELETE', ''], ['POST', '/test-run', {}], ['POST', '/definition', { agent: {} }],
    ] as const) expect([method, (await s.call(method, `${base}/${agent.id}${path}`, body)).status]).toEqual([method, 404]); // prettier-ignore
    const list = (await s.call('GET', `${base}?limit=100`)).body.data.map((a: { id: string }) => a.id);
    expect(list).not.toContain(agent.id);
    expect((await s.owner.query('select from runs where id = $1', [run.body.data.run_id])).rowCount).toBe(1);
    expect((await s.call('POST', '/api-keys', { name: 'more', agent_id: agent.id })).status).toBe(404);
  });
});

describe('a test run', () => {
  const start = (id: string, body: unknown = {}, headers = {}) =>
    s.call('POST', `${base}/${id}/test-run`, body, headers);
  const runRow = async (id: unknown) =>
    (await s.owner.query('select * from runs where id = $1', [id])).rows[0] as Record<string, any>;

  it("is a run as any other: on the agent's own ticket, by its definition, told why", async () => {
    const agent = await register({ capabilities: [] });
    await s.call('POST', `${base}/${agent.id}/definition`, { agent: { system_prompt: 'Be brief', model: 'small' } });
    const a = await start(agent.id, { trigger_context: { source: 'pager', incident: 7 } });
    expect(a.status).toBe(202);
    expect(a.body.data).toEqual({
      run_id: expect.any(String), session_id: `agentRun:${s.tenantId}:${a.body.data.run_id}`, trigger_kind: 'manual',
    }); // prettier-ignore
    const run = await runRow(a.body.data.run_id);
    expect(run).toMatchObject({ agent_id: agent.id, trigger_kind: 'manual', definition_version: 1, model: 'small', prompt: 'Be brief\n\nStarted by hand.\nsource: pager\nincident: 7' }); // prettier-ignore
    expect(run['spawned_by']).toMatchObject({ name: s.admin.email });
    await until(
      async () => (await s.call('GET', `/api/agents/${run['number']}`)).body.status === 'finished',
      'the run to end',
    );
    const ticket = await s.owner.query('select title from tickets where id = $1', [run['ticket_id']]);
    expect(ticket.rows).toEqual([{ title: `Work of agent ${agent['name']}` }]);
  });

  it('works on one ticket, several at once; and on another when people have closed that', async () => {
    const agent = await register({ capabilities: [] });
    const three = await Promise.all([1, 2, 3].map(() => start(agent.id)));
    expect(three.map((a) => a.status)).toEqual([202, 202, 202]);
    const tickets = new Set(await Promise.all(three.map(async (a) => (await runRow(a.body.data.run_id))['ticket_id'])));
    expect(tickets.size).toBe(1);
    const { rows } = await s.owner.query<{ number: number }>('select number from tickets where id = $1', [
      [...tickets][0],
    ]);
    await s.call('POST', `/api/tickets/${rows[0]?.number}/status`, { status: 'closed' });
    const later = await start(agent.id);
    expect(tickets).not.toContain((await runRow(later.body.data.run_id))['ticket_id']);
  });

  it('answers a repeat with the same run, its kept answer lost or not', async () => {
    const agent = await register({ capabilities: [] });
    const key = { 'idempotency-key': randomUUID() };
    const first = await start(agent.id, {}, key);
    expect((await start(agent.id, {}, key)).body).toEqual(first.body);
    await s.owner.query('delete from idempotency_keys');
    expect((await start(agent.id, {}, key)).body).toEqual(first.body);
    expect((await s.owner.query('select from runs where agent_id = $1', [agent.id])).rowCount).toBe(1);
  });

  it.each([
    [{ status: 'paused' }, 'paused'],
    [{ status: 'error' }, 'error'],
    [{ status: 'disabled' }, 'disabled'],
    [{ runtime: 'external' }, 'external'],
  ])('of %j is refused with 409, and leaves nothing', async (body, word) => {
    const agent = await register(body);
    const a = await start(agent.id);
    expect([a.status, a.body.error.message]).toEqual([409, expect.stringContaining(word)]);
    expect((await s.owner.query('select from runs where agent_id = $1', [agent.id])).rowCount).toBe(0);
  });
});
