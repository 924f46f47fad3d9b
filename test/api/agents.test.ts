import { randomUUID } from 'node:crypto';
import { startServer, until, type Server } from '../harness';
import { agentIs, assign, kindsOfRun, runKey, ticketWithLog, waitingAgent } from './working';

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const spawn = (ticket: number, body: unknown = {}, headers = {}) =>
  server.call('POST', `/api/tickets/${ticket}/assign-agent`, body, headers);
const create = async (body: Record<string, unknown> = {}): Promise<number> =>
  (await server.call('POST', '/api/tickets', { title: 'Mail is down', ...body })).body.id as number;

describe('assigning an agent', () => {
  it('spawns one, and says where it stands', async () => {
    const ticket = await ticketWithLog(server, { priority: 'P1' });
    const spawned = await spawn(ticket, { profile_id: 'embedded', prompt: 'Look at the log' });
    expect(spawned.status).toBe(200);
    expect(spawned.body).toEqual({
      status: 'spawned', agent_id: expect.any(Number), task_id: expect.any(Number), ticket_id: ticket, model: null, harness: 'embedded',
      profile_id: 'embedded', priority_rank: 0,
    }); // prettier-ignore
    const agent = await agentIs(server, spawned.body.agent_id as number, 'pending_approval');
    expect(agent).toMatchObject({
      ticket_id: ticket, assigned_by: server.admin.email, harness: 'embedded', current_task: { prompt: 'Look at the log', status: 'pending_approval' },
      change_requests: [{ action: 'publish_static_site', status: 'pending' }],
    }); // prettier-ignore
    expect(agent.current_task.checkpoints.length).toBeGreaterThan(5);
    expect(agent.audit.map((e: { action: string }) => e.action)).toContain('run.spawned');
    const shown = await server.call('GET', `/api/tickets/${ticket}`);
    expect(shown.body).toMatchObject({
      agent_id: agent.id,
      agent_status: 'pending_approval',
      status: 'pending_approval',
    });
    const context = (await server.call('GET', `/api/tickets/${ticket}/context`)).body;
    expect(context.tasks).toMatchObject([{ agent_id: agent.id }]);
  });

  it('lets one of two at once win; the other learns of it', async () => {
    const ticket = await ticketWithLog(server);
    const answers = await Promise.all([spawn(ticket), spawn(ticket), spawn(ticket), spawn(ticket)]);
    const won = answers.filter((a) => a.status === 200);
    expect(won).toHaveLength(1);
    for (const lost of answers.filter((a) => a.status !== 200)) {
      expect(lost.status).toBe(409);
      expect(lost.body).toMatchObject({ agent_id: won[0]?.body.agent_id, status: expect.any(String) });
      expect(lost.body.error).toContain(`agent ${won[0]?.body.agent_id}`);
    }
    expect((await server.call('GET', `/api/agents?ticket_id=${ticket}`)).body.total).toBe(1);
  });

  it('answers a repeat with what the first made, its kept answer lost or not', async () => {
    const ticket = await ticketWithLog(server);
    const key = { 'idempotency-key': randomUUID() };
    const first = await spawn(ticket, {}, key);
    expect((await spawn(ticket, {}, key)).body).toEqual(first.body);
    await server.owner.query('delete from idempotency_keys');
    expect((await spawn(ticket, {}, key)).body).toEqual(first.body);
  });

  it('refuses a harness that is not here, naming those that are; a closed ticket; a body of the wrong form', async () => {
    const ticket = await create();
    const refused = await spawn(ticket, { harness: 'codex' });
    expect(refused.status).toBe(400);
    expect(refused.body).toMatchObject({ field: 'harness', available_harnesses: ['embedded', 'remote'] });
    expect((await spawn(ticket, { harness: 'toString' })).status).toBe(400);
    expect((await spawn(ticket, { prompt: 7 })).body.field).toBe('prompt');
    expect((await spawn(await create({ status: 'resolved' }))).status).toBe(409);
    expect((await spawn(2_000_000_000)).status).toBe(404);
  });

  it('never gives an agent more than its spawner has, nor more than was wanted', async () => {
    const { token } = await server.user('agent-operator');
    const ticket = await ticketWithLog(server);
    const wanted = ['tickets:read', 'tickets:note', 'keys:manage', 'agents:spawn'];
    const spawned = await server.as(token)('POST', `/api/tickets/${ticket}/assign-agent`, {
      requested_permissions: wanted,
    });
    const { rows } = await server.owner.query<{ scopes: string[] }>('select scopes from runs where number = $1', [
      spawned.body.agent_id,
    ]);
    expect(rows[0]?.scopes.sort()).toEqual(['tickets:note', 'tickets:read']);
  });
});

describe('looking at agents', () => {
  it('lists by status and ticket; one that waits is not active', async () => {
    const { ticket, agent } = await waitingAgent(server);
    const list = (await server.call('GET', `/api/agents?ticket_id=${ticket}&status=pending_approval`)).body;
    expect(list).toMatchObject({
      total: 1,
      agents: [{ id: agent, ticket_title: 'SSH logins fail', task_status: 'pending_approval' }],
    });
    const active = (await server.call('GET', '/api/agents/active')).body;
    expect(active.agents.map((a: { id: number }) => a.id)).not.toContain(agent);
    expect(active.count).toBe(active.agents.length);
    expect(active.queue_health.waiting).toBeGreaterThan(0);
    expect((await server.call('GET', '/api/agents?status=asleep')).status).toBe(400);
    expect((await server.call('GET', '/api/agents/one')).status).toBe(404);
  });

  it('tells what an agent did, a line each, the last ones', async () => {
    const { agent } = await waitingAgent(server);
    const logs = (await server.call('GET', `/api/agents/${agent}/logs`)).body;
    const lines = (logs.content as string).trimEnd().split('\n');
    expect(lines[0]).toMatch(/^\S+Z run\.spawned - allow$/);
    expect(logs.content).toMatch(/Z execution logs\.errors allow What fails in ssh\.log/);
    expect(lines.at(-1)).toContain('run.waiting');
    const last = (await server.call('GET', `/api/agents/${agent}/logs?lines=2`)).body.content as string;
    expect(last).toBe(`${lines.slice(-2).join('\n')}\n`);
    expect((await server.call('GET', `/api/agents/${agent}/logs?lines=2001`)).status).toBe(400);
  });
});

describe('stopping', () => {
  it('fences first, ends the run, and says the same when asked again', async () => {
    const { agent } = await waitingAgent(server);
    const stopped = await server.call('POST', `/api/agents/${agent}/stop`, { reason: 'wrong ticket' });
    expect(stopped).toMatchObject({ status: 200, body: { status: 'stopped', agent_id: agent } });
    expect((await server.call('GET', `/api/agents/${agent}`)).body).toMatchObject({
      status: 'stopped',
      error_message: 'wrong ticket',
    });
    const kinds = await kindsOfRun(server, agent);
    expect(kinds.indexOf('run.stop_requested')).toBeLessThan(kinds.indexOf('run.stopped'));
    const again = await server.call('POST', `/api/agents/${agent}/stop`);
    expect(again).toMatchObject({ status: 200, body: { status: 'stopped', agent_id: agent } });
    await server.call('POST', `/api/agents/${agent}/stop`);
    expect((await kindsOfRun(server, agent)).filter((k) => k === 'run.stop_requested')).toHaveLength(1);
    // Its gate went with it.
    await until(
      async () => (await server.call('GET', `/api/changes?agent_id=${agent}&status=expired`)).body.total === 1,
      'the gate to expire',
    );
  });

  it('lets one of several that stop at once do it', async () => {
    const { agent } = await waitingAgent(server);
    const answers = await Promise.all([1, 2, 3, 4].map(() => server.call('POST', `/api/agents/${agent}/stop`)));
    expect(answers.map((a) => [a.status, a.body.status])).toEqual(Array(4).fill([200, 'stopped']));
    expect((await kindsOfRun(server, agent)).filter((k) => k === 'run.stopped')).toHaveLength(1);
  });

  it('unassigns: the agent is terminated and gone from the ticket; again changes nothing', async () => {
    const { ticket, agent } = await waitingAgent(server);
    const unassign = () => server.call('POST', `/api/tickets/${ticket}/unassign-agent`);
    expect(await unassign()).toMatchObject({ status: 200, body: { status: 'agent_unassigned', ticket_id: ticket } });
    expect((await server.call('GET', `/api/agents/${agent}`)).body.status).toBe('terminated');
    expect((await server.call('GET', `/api/tickets/${ticket}`)).body).toMatchObject({
      agent_id: null,
      status: 'pending_approval',
    });
    // Of runs alone: the gate that it waited for is withdrawn a moment later, and says so itself.
    const count = () => server.owner.query(`select count(*) as n from log where subject_kind = 'run'`);
    const before = await count();
    expect((await unassign()).status).toBe(200);
    expect((await count()).rows).toEqual(before.rows);
    expect(await assign(server, ticket)).not.toBe(agent);
  });

  it('knows no agent of another tenant', async () => {
    const { agent } = await waitingAgent(server);
    const foreign = server.as((await server.tenant()).token);
    for (const [method, path] of [
      ['GET', ''], ['GET', '/logs'], ['GET', '/steering'], ['POST', '/stop'], ['GET', '/vault'],
    ] as const) {
      expect((await foreign(method, `/api/agents/${agent}${path}`)).status).toBe(404);
    } // prettier-ignore
    expect((await server.call('GET', `/api/agents/${agent}`)).body.status).toBe('pending_approval');
  });
});

describe("a run's own credential", () => {
  it('sees its ticket and its agent, and nothing else, lists included', async () => {
    const own = await waitingAgent(server);
    const other = await waitingAgent(server);
    const call = server.as(await runKey(server, own.agent));
    expect((await call('GET', `/api/tickets/${own.ticket}`)).status).toBe(200);
    for (const path of [
      `/api/tickets/${other.ticket}`,
      `/api/tickets/${other.ticket}/context`,
      `/api/agents/${other.agent}`,
    ]) {
      expect((await call('GET', path)).status).toBe(404);
    }
    expect((await call('POST', `/api/tickets/${other.ticket}/notes`, { body: 'x' })).status).toBe(404);
    expect((await call('POST', `/api/tickets/${other.ticket}/status`, { status: 'closed' })).status).toBe(404);
    expect((await call('GET', '/api/tickets')).body).toMatchObject({ total: 1, tickets: [{ id: own.ticket }] });
    expect((await call('GET', '/api/agents')).body).toMatchObject({ total: 1, agents: [{ id: own.agent }] });
    const changes = (await server.call('GET', `/api/changes?ticket_id=${own.ticket}`)).body;
    expect((await server.call('GET', '/api/changes')).body.total).toBeGreaterThan(changes.total as number);
    expect((await call('GET', '/api/changes')).body).toEqual(changes);
    expect((await call('GET', `/api/changes?ticket_id=${other.ticket}`)).body).toMatchObject({ total: 0, changes: [] });
    const pending = (await call('GET', '/api/changes/pending')).body;
    expect(pending.changes.map((c: { ticket_id: number }) => c.ticket_id)).toEqual([own.ticket]);
    expect((await call('GET', '/api/changes/stats')).body).toMatchObject({ pending: 1 });
    expect((await call('GET', `/api/tickets/${own.ticket}/context`)).body.related_tickets).toEqual([]);
    expect((await call('POST', '/api/tickets', { title: 'x' })).status).toBe(403);
  });
});
