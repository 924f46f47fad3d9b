import { startServer, until, type Server } from '../harness';
import { owners } from './access-owner';
import { repeats } from './access-repeats';
import { runKey, siblingKey, waitingAgent } from './working';

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const gitlab = {
  resource: 'GitLab project demo/private-infra',
  permission: 'Developer repository read access',
  assignment_group: 'DevSecOps',
};
const ask = (ticket: number, body: object, headers = {}) =>
  server.call('POST', `/api/tickets/${ticket}/access-request`, body, headers);
const accessOf = async (ticket: number) =>
  (await server.call('GET', `/api/tickets/${ticket}/access-requests`)).body.access_requests;
const leasesOf = async (agent: number): Promise<Record<string, any>[]> =>
  (await server.call('GET', `/api/agents/${agent}/vault`)).body.leases;
/** Without the references to the own ticket. */
const lentTo = async (agent: number) => (await leasesOf(agent)).filter((l) => l['system'] !== 'dashboard');
const check = (agent: number, body: object) => server.call('POST', `/api/agents/${agent}/vault/lease`, body);
const wanted = { system: 'gitlab', resource_type: 'project', resource_id: 'demo/private-infra' };
const complete = async (change: number) => {
  const { token } = await server.user('SECURITY_ANALYST');
  const approved = await server.as(token)('POST', `/api/changes/${change}/approve`, { reason: 'least privilege' });
  const completed = await server.as(token)('POST', `/api/changes/${change}/complete`, { result: 'granted' });
  expect([approved.status, completed.status]).toEqual([200, 200]);
};

describe('asking for access', () => {
  it('opens a child ticket and a gate that is linked to ticket and agent', async () => {
    const { ticket, agent } = await waitingAgent(server);
    const asked = await ask(ticket, {
      ...gitlab,
      agent_id: agent,
      account_ref: `agent-${agent}`,
      risk_level: 'medium',
      reason: '403',
    });
    expect(asked.status).toBe(200);
    expect(asked.body).toMatchObject({
      status: 'pending_approval', parent_ticket_id: ticket, resource: gitlab.resource, permission: gitlab.permission, assignment_group: 'DevSecOps',
      lease_request: { ...wanted, action: 'read' }, lease_request_inferred: true,
      access_raci: { responsible: 'DevSecOps', accountable: 'Data Owner' },
      access_ticket: { parent_ticket_id: ticket, ticket_class: 'UserRequest', priority: '3', status: 'new', assignee_team: 'DevSecOps' },
    }); // prettier-ignore
    const gate = (await server.call('GET', `/api/changes/${asked.body.change_id}`)).body;
    expect(gate).toMatchObject({
      ticket_id: ticket,
      agent_id: agent,
      status: 'pending',
      requested_by: `agent-${agent}`,
      on_behalf_of: server.admin.email,
      approval_policy: { lease_request: { ...wanted, action: 'read' }, lease_request_inferred: true },
    });
    const { access_request_id: id, access_ticket_id } = asked.body;
    expect(await accessOf(ticket)).toMatchObject([
      { id, access_ticket_id, change_status: 'pending', lease_status: null },
    ]);
    // Seen from the child, too.
    expect(await accessOf(asked.body.access_ticket_id as number)).toHaveLength(1);
    expect((await server.call('GET', `/api/tickets/${ticket}/context`)).body.access_requests).toHaveLength(1);
    expect((await server.call('GET', `/api/tickets/${ticket}`)).body.status).toBe('pending_approval'); // as the agent's own wait left it
  });

  it('refuses what is wrong', async () => {
    const { ticket, agent } = await waitingAgent(server);
    const other = await waitingAgent(server);
    expect((await ask(ticket, { permission: 'read' })).body.field).toBe('resource');
    expect((await ask(ticket, { resource: 'x' })).body.field).toBe('permission');
    expect((await ask(ticket, { ...gitlab, risk_level: 'huge' })).body.field).toBe('risk_level');
    const noSystem = { ...gitlab, lease_request: { action: 'read' } };
    expect((await ask(ticket, noSystem)).body.field).toBe('lease_request.system');
    const past = { ...wanted, expires_at: '2020-01-01T00:00:00Z' };
    expect((await ask(ticket, { ...gitlab, lease_request: past })).body.field).toBe('lease_request.expires_at');
    expect((await ask(ticket, { ...gitlab, agent_id: other.agent })).status).toBe(404);
    // Who may ask for itself may not ask for an agent.
    const { token } = await server.user('DEVELOPER');
    const posing = await server.as(token)('POST', `/api/tickets/${ticket}/access-request`, {
      ...gitlab,
      agent_id: agent,
    });
    expect([posing.status, posing.body.required_permission]).toEqual([403, 'agents:act']);
    await server.call('POST', `/api/agents/${agent}/stop`);
    expect((await ask(ticket, { ...gitlab, agent_id: agent })).status).toBe(409);
    expect(await accessOf(ticket)).toEqual([]);
  });
});

describe('the references to the own ticket', () => {
  const actions = ['note', 'read', 'request_access'];
  const own = (ticket: number, action: string) => ({
    system: 'dashboard', resource_type: 'ticket', resource_id: String(ticket), action,
  }); // prettier-ignore

  it('are active from the spawn, are for that ticket alone, and end with the agent', async () => {
    const { ticket, agent } = await waitingAgent(server);
    const given = (await leasesOf(agent)).sort((a, b) => String(a['action']).localeCompare(String(b['action'])));
    expect(given).toEqual(
      actions.map((action) => ({
        id: expect.any(Number), ...own(ticket, action), credential_ref: `<vault:agent_${agent}_dashboard_ticket_${ticket}_${action}>`,
        lease_status: 'active', granted_by: server.admin.email, expires_at: null, created_at: expect.any(String),
      })),
    ); // prettier-ignore
    for (const action of actions) {
      const { status, body } = await check(agent, own(ticket, action));
      expect([status, body.allow, body.credential_value]).toEqual([200, true, null]);
      expect(given.map((l) => l['id'])).toContain(body.lease_id);
    }
    for (const wrong of [own(ticket + 1, 'read'), own(ticket, 'close'), { ...own(ticket, 'read'), resource_id: '*' }])
      expect((await check(agent, wrong)).status).toBe(403);
    await server.call('POST', `/api/agents/${agent}/stop`);
    expect((await leasesOf(agent)).map((l) => l['lease_status'])).toEqual(['revoked', 'revoked', 'revoked']);
    expect((await check(agent, own(ticket, 'read'))).status).toBe(403);
  });

  it('are for what the agent may do there', async () => {
    const ticket = (await server.call('POST', '/api/tickets', { title: 'Look, and no more', auto_assign: false })).body;
    const spawned = await server.call('POST', `/api/tickets/${ticket.id}/assign-agent`, {
      requested_permissions: ['tickets:read'],
    });
    expect((await leasesOf(spawned.body.agent_id as number)).map((l) => l['action'])).toEqual(['read']);
  });
});

describe('a lease', () => {
  it('is there when the gate is completed, not before, and gone with its run; no answer holds a secret', async () => {
    const { ticket, agent } = await waitingAgent(server);
    const own = server.as(await runKey(server, agent));
    const asked = await own('POST', `/api/tickets/${ticket}/access-request`, { ...gitlab, agent_id: agent });
    expect(asked.status).toBe(200);
    const refused = await check(agent, wanted);
    expect(refused.status).toBe(403);
    expect(refused.body.detail).toMatchObject({
      allow: false,
      error: 'access_denied',
      reason: 'missing_agent_vault_lease',
    });
    expect(await lentTo(agent)).toEqual([]);
    await complete(asked.body.change_id as number);

    const allowed = await own('POST', `/api/agents/${agent}/vault/lease`, wanted);
    expect(allowed).toMatchObject({
      status: 200,
      body: { allow: true, agent_id: agent, credential_value: null, action: 'read' },
    });
    expect(allowed.body.broker_trace).toMatchObject({ decision: 'allow', secret_values_returned: false });
    for (const more of [
      { action: 'write' },
      { resource_id: 'demo/other' },
      { system: 'wazuh' },
      { resource_type: 'api' },
    ]) {
      expect((await check(agent, { ...wanted, ...more })).status).toBe(403);
    }
    expect((await check(agent, {})).body.field).toBe('system');
    const vault = await server.call('GET', `/api/agents/${agent}/vault`);
    expect(vault.body).toMatchObject({ agent_id: agent, secret_values_returned: false });
    expect(await lentTo(agent)).toMatchObject([
      {
        system: 'gitlab',
        resource_type: 'project',
        resource_id: 'demo/private-infra',
        action: 'read',
        lease_status: 'active',
      },
    ]);
    const listed = await accessOf(ticket);
    expect(listed).toMatchObject([
      { status: 'granted', change_status: 'completed', lease_status: 'active', access_ticket_status: 'resolved' },
    ]);

    const { rows } = await server.owner.query<{ secret: Buffer }>(
      'select secret_sealed as secret from leases where access_request_id is not null',
    );
    for (const answer of [allowed.text, vault.text, JSON.stringify(listed)]) {
      for (const { secret } of rows) {
        expect(answer).not.toContain(secret.toString('hex'));
        expect(answer).not.toContain(secret.toString('base64'));
      }
      expect(answer).not.toMatch(/sealed/);
    }

    await server.call('POST', `/api/agents/${agent}/stop`);
    expect((await check(agent, wanted)).status).toBe(403);
    await until(async () => (await lentTo(agent))[0]?.['lease_status'] === 'revoked', 'the lease to be revoked');
    const kept = await server.owner.query('select 1 from leases where secret_sealed is not null and status <> $1', [
      'active',
    ]);
    expect(kept.rows).toEqual([]);
    // A refusal that the log has is what a repeat with its key gets, not one more.
    const ask = () =>
      server.call('POST', `/api/agents/${agent}/vault/lease`, wanted, { 'idempotency-key': 'asked-once' });
    const checks = 'select from log where kind = $1';
    const before = (await server.owner.query(checks, ['lease.checked'])).rowCount ?? 0;
    const first = await ask();
    expect(await ask()).toMatchObject({ status: 403, body: first.body });
    expect((await server.owner.query(checks, ['lease.checked'])).rowCount).toBe(before + 1);
    const logged = await server.owner.query<{ decision: string }>(
      `select decision from log where kind = 'lease.checked' and body->>'system' = 'gitlab' order by seq`,
    );
    expect(logged.rows.map((r) => r.decision).filter((d) => d === 'allow')).toHaveLength(1);
  });

  it('is seen by its own run: to the credential of another, on the same ticket too, there is none', async () => {
    const { ticket, agent } = await waitingAgent(server);
    await complete((await ask(ticket, { ...gitlab, agent_id: agent })).body.change_id as number);
    const keys = { own: await runKey(server, agent), sibling: await siblingKey(server, agent), stranger: await runKey(server, (await waitingAgent(server)).agent) }; // prettier-ignore
    const seen = async (key: string) => [
      (await server.as(key)('GET', `/api/agents/${agent}/vault`)).status,
      (await server.as(key)('POST', `/api/agents/${agent}/vault/lease`, wanted)).status,
    ];
    const checks = async () => (await server.owner.query(`select from log where kind = 'lease.checked'`)).rowCount ?? 0;
    const before = await checks();
    expect(await seen(keys.sibling)).toEqual([404, 404]);
    expect(await seen(keys.stranger)).toEqual([404, 404]);
    expect(await checks()).toBe(before);
    expect(await seen(keys.own)).toEqual([200, 200]);
  });
});

owners(() => server);
repeats(() => server);
