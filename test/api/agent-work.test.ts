import { randomUUID } from 'node:crypto';
import { kindsOfRun } from './working';
import { startHeld, type Held } from './held';
import type { Server } from '../harness';

let held: Held;
let server: Server;
beforeAll(async () => {
  held = await startHeld();
  ({ server } = held);
});
afterAll(() => held.close());

const post = (path: string, body: unknown = {}, headers = {}) => server.call('POST', path, body, headers);
const agent = async (n: number) => (await server.call('GET', `/api/agents/${n}`)).body;
const agentsOf = async (ticket: number) => (await server.call('GET', `/api/agents?ticket_id=${ticket}`)).body;
const finished = async (): Promise<{ ticket: number; agent: number }> => {
  const one = await held.spawn();
  await held.letGo(one.ticket);
  await held.is(one.agent, 'finished');
  return one;
};

describe('spawning', () => {
  it('creates a ticket of a prompt, and an agent on it; a repeat finds both', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const body = { prompt: 'Why is mail slow?\nSince nine.' };
    const spawned = await post('/api/agents/create-from-prompt', body, key);
    expect(spawned.body).toMatchObject({
      status: 'spawned',
      harness: 'embedded',
      profile_id: 'embedded',
      priority_rank: 2,
    });
    const { agent_id: id, ticket_id: ticket } = spawned.body;
    await server.owner.query('delete from idempotency_keys');
    expect((await post('/api/agents/create-from-prompt', body, key)).body).toEqual(spawned.body);
    expect((await server.call('GET', `/api/tickets/${ticket}`)).body).toMatchObject({
      title: 'Why is mail slow?', description: body.prompt, agent_id: id, provider_sync_status: 'local_only',
    }); // prettier-ignore
    expect(await agent(id)).toMatchObject({
      task_type: 'ad_hoc',
      current_task: { prompt: body.prompt },
      runtime_config: { timeout_minutes: 60 },
    });
    await held.letGo(ticket as number);
  });

  it('leaves no ticket where no agent may work', async () => {
    const before = (await server.call('GET', '/api/tickets')).body.total;
    const refused = await post('/api/agents/create-from-prompt', { prompt: 'x', harness: 'abacus' });
    expect(refused).toMatchObject({ status: 400, body: { field: 'harness' } });
    expect((await post('/api/agents/create-from-prompt', { prompt: 'x', profile_id: 'none' })).body.field).toBe(
      'profile_id',
    );
    expect((await server.call('GET', '/api/tickets')).body.total).toBe(before);
  });

  it('takes the profile that the work is routed to; what the request names goes before it', async () => {
    const profile = (id: string, model: string | null) => ({ id, name: id, harness: 'embedded', model });
    const route = (scope_type: string, scope_value: string, profile_id: string, enabled = true) => ({
      scope_type,
      scope_value,
      profile_id,
      enabled,
    });
    const set = await server.call('PUT', '/api/agents/config', {
      profiles: [profile('embedded', null), profile('network', 'n-1'), profile('incident', 'i-1'), profile('phish', 'p-1'), profile('urgent', 'u-1')],
      route_assignments: [
        route('condition', 'priority=P1 and ticket_class=UserRequest', 'urgent'), route('ticket_class', 'incident', 'incident'),
        route('raci_group', 'Network', 'network'), route('workflow_key', 'incident:phishing', 'phish'), route('raci_group', 'Network', 'urgent', false),
      ],
    }); // prettier-ignore
    expect(set.status).toBe(200);
    const chosen = async (ticket: object, ask: object = {}) => {
      const made = (await post('/api/tickets', { title: 'Routed', auto_assign: false, ...ticket })).body.id as number;
      const { profile_id: id, model } = (await post(`/api/tickets/${made}/assign-agent`, ask)).body;
      await held.letGo(made);
      return [id, model];
    };
    expect(await chosen({})).toEqual(['embedded', null]);
    expect(await chosen({ ticket_class: 'Incident' })).toEqual(['incident', 'i-1']);
    expect(await chosen({ ticket_class: 'Incident', assignee_team: 'network' })).toEqual(['network', 'n-1']);
    expect(await chosen({ ticket_class: 'Incident', assignee_team: 'network', title: 'Phishing mail' })).toEqual([
      'phish',
      'p-1',
    ]);
    expect(await chosen({ priority: 'P1' })).toEqual(['urgent', 'u-1']);
    expect(await chosen({ priority: 'P1' }, { profile_id: 'network' })).toEqual(['network', 'n-1']);
    expect(await chosen({}, { model: 'mine' })).toEqual(['embedded', 'mine']);
  });

  it('has its tasks and its numbers listed', async () => {
    const { ticket, agent: id } = await finished();
    const before = (await server.call('GET', '/api/agents/stats')).body;
    const tasks = (await server.call('GET', `/api/agents/tasks?agent_id=${id}&status=completed`)).body;
    expect(tasks).toMatchObject({
      total: 1,
      tasks: [{ agent_id: id, ticket_id: ticket, status: 'completed', progress_pct: 100 }],
    });
    expect(tasks.tasks[0].checkpoints).toMatchObject([{ step: 'test.hold', status: 'allow' }]);
    expect((await server.call('GET', `/api/agents/tasks?ticket_id=${ticket}&status=queued`)).body.total).toBe(0);
    await finished();
    const after = (await server.call('GET', '/api/agents/stats')).body;
    expect(after).toMatchObject({
      total: before.total + 1,
      finished: before.finished + 1,
      active: 0,
      failed: before.failed,
    });
    expect(after.avg_duration_seconds).toBeGreaterThan(0);
  });
});

describe('waking', () => {
  it('refreshes the heartbeat of one that works, and starts nothing', async () => {
    const { ticket, agent: id } = await held.spawn();
    await held.is(id, 'running');
    const { heartbeat } = await agent(id);
    const woken = await post(`/api/agents/${id}/wake`);
    expect(woken.body).toMatchObject({ status: 'already_active', agent_id: id, source_agent_id: id });
    expect(Date.parse((await agent(id)).heartbeat as string)).toBeGreaterThan(Date.parse(heartbeat as string));
    expect((await agentsOf(ticket)).total).toBe(1);
    await held.letGo(ticket);
  });

  it('sets another to the task of one that has ended, once, however many ask', async () => {
    const { ticket, agent: id } = await finished();
    const key = { 'idempotency-key': randomUUID() };
    const first = await post(`/api/agents/${id}/wake`, {}, key);
    expect(first.body).toMatchObject({ status: 'replacement_spawned', source_agent_id: id, ticket_id: ticket });
    await server.owner.query('delete from idempotency_keys');
    expect((await post(`/api/agents/${id}/wake`, {}, key)).body).toEqual(first.body);
    const others = await Promise.all([1, 2, 3].map(() => post(`/api/agents/${id}/wake`)));
    for (const o of others) expect(o).toMatchObject({ status: 409, body: { agent_id: first.body.agent_id } });
    expect((await agentsOf(ticket)).total).toBe(2);
    expect((await agent(first.body.agent_id as number)).current_task.prompt).toBe(
      (await agent(id)).current_task.prompt,
    );
    await held.letGo(ticket);
  });

  it('leaves alone one that people ended', async () => {
    const { agent: id } = await held.spawn();
    await post(`/api/agents/${id}/stop`);
    expect(await post(`/api/agents/${id}/wake`)).toMatchObject({ status: 409, body: { status: 'stopped' } });
  });

  it('gives the next one no more than whoever wakes it has', async () => {
    const { ticket, agent: id } = await finished();
    const { token } = await server.user('DEVELOPER');
    const woken = await server.as(token)('POST', `/api/agents/${id}/wake`);
    const { rows } = await server.owner.query<{ scopes: string[]; by: string }>(
      `select scopes, spawned_by ->> 'kind' as by from runs where number = $1`,
      [woken.body.agent_id],
    );
    expect(rows[0]?.scopes).not.toContain('agents:heartbeat');
    expect(rows[0]?.scopes).toContain('tickets:read');
    await held.letGo(ticket);
  });
});

describe('restarting', () => {
  it('terminates the one and sets another to its task; a repeat finds the same', async () => {
    const { ticket, agent: id } = await held.spawn();
    await held.is(id, 'running');
    const key = { 'idempotency-key': randomUUID() };
    const first = await post(`/api/agents/${id}/restart`, {}, key);
    expect(first.body).toMatchObject({ status: 'spawned', source_agent_id: id, ticket_id: ticket });
    expect(await agent(id)).toMatchObject({ status: 'terminated', error_message: 'restarted' });
    await server.owner.query('delete from idempotency_keys');
    expect((await post(`/api/agents/${id}/restart`, {}, key)).body).toEqual(first.body);
    expect((await agentsOf(ticket)).total).toBe(2);
    expect((await server.call('GET', `/api/tickets/${ticket}`)).body.agent_id).toBe(first.body.agent_id);
    await held.letGo(ticket);
  });

  it('of many that restart at once one is first: one more agent, and one end', async () => {
    const { ticket, agent: id } = await held.spawn();
    await held.is(id, 'running');
    const answers = await Promise.all([1, 2, 3, 4].map(() => post(`/api/agents/${id}/restart`)));
    const won = answers.filter((a) => a.status === 200);
    expect(won).toHaveLength(1);
    for (const lost of answers.filter((a) => a.status !== 200))
      expect(lost).toMatchObject({ status: 409, body: { agent_id: won[0]?.body.agent_id } });
    expect((await agentsOf(ticket)).total).toBe(2);
    expect((await kindsOfRun(server, id)).filter((k) => k === 'run.terminated')).toHaveLength(1);
    await held.letGo(ticket);
  });

  it('ends nothing where nobody could follow', async () => {
    const { ticket, agent: id } = await held.spawn();
    await held.is(id, 'running');
    await post(`/api/tickets/${ticket}/status`, { status: 'resolved' });
    expect(await post(`/api/agents/${id}/restart`)).toMatchObject({ status: 409, body: { status: 'resolved' } });
    expect((await agent(id)).status).toBe('running');
    await held.letGo(ticket);
  });
});

describe('saying by hand how an agent is', () => {
  it.each([
    ['finished', { error_message: 'done by phone' }, { output: 'done by phone' }],
    ['failed', { error_message: 'its machine is gone' }, { error_message: 'its machine is gone' }],
    ['terminated', {}, { error_message: 'set to terminated by hand' }],
  ])('%s: it ends so, once, and none of its calls passes any more', async (status, more, task) => {
    const { agent: id } = await held.spawn();
    await held.is(id, 'running');
    const say = () => post(`/api/agents/${id}/update`, { status, ...more });
    expect(await say()).toMatchObject({ status: 200, body: { status: 'updated', agent_id: id, new_status: status } });
    expect(await agent(id)).toMatchObject({ status, current_task: task });
    expect((await say()).status).toBe(200);
    expect((await kindsOfRun(server, id)).filter((k) => k === `run.${status}`)).toHaveLength(1);
    expect(await post(`/api/agents/${id}/update`, { status: 'stopped' })).toMatchObject({
      status: 409,
      body: { status },
    });
    const { rows } = await server.owner.query<{ name: string }>(
      `select u.email as name from log l join runs r on r.id = l.run_id join users u on u.id = (l.actor ->> 'id')::uuid
       where r.number = $1 and l.kind = $2`,
      [id, `run.${status}`],
    );
    expect(rows).toEqual([{ name: server.admin.email }]);
  });

  it('running: only of one that does', async () => {
    const { ticket, agent: id } = await held.spawn();
    await held.is(id, 'running');
    expect((await post(`/api/agents/${id}/update`, { status: 'working' })).body.new_status).toBe('running');
    await held.letGo(ticket);
    await held.is(id, 'finished');
    expect((await post(`/api/agents/${id}/update`, { status: 'running' })).status).toBe(409);
    expect((await post(`/api/agents/${id}/update`, { status: 'asleep' })).body.field).toBe('status');
  });
});
