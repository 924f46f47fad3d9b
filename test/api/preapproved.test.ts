import { startServer, until, type Server } from '../harness';
import { settles } from '../until';
import { assign } from './working';

// Leases that a reviewed workflow preapproves for whoever works by it.

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const wazuh = { system: 'wazuh', resource_type: 'api', resource_id: 'wazuh.manager', action: 'read' };
const flow = async (key: string, leases: unknown): Promise<number> =>
  (
    await server.call('POST', '/api/workflows', {
      workflow_key: key,
      blueprint: '1. Look.',
      status: 'tested',
      approval_policy: { preapproved_leases: leases },
    })
  ).body.id;
const review = (id: number) => server.call('POST', `/api/workflows/${id}/review`, { approved: true });
const ticket = async (title: string): Promise<number> =>
  (await server.call('POST', '/api/tickets', { title, ticket_class: 'Incident', auto_assign: false })).body.id;
/** Without the references to the own ticket. */
const leases = async (agent: number) =>
  (await server.call('GET', `/api/agents/${agent}/vault`)).body.leases.filter(
    (l: { system: string }) => l.system !== 'dashboard',
  );
const kindsOf = async (agent: number) =>
  (
    await server.owner.query<{ kind: string; reason: string | null }>(
      'select l.kind, l.reason from log l join runs r on r.id = l.run_id where r.number = $1 order by l.seq',
      [agent],
    )
  ).rows;
/** The reader has come past the agent's beginning. */
const passed = (agent: number) =>
  until(async () => {
    const { rows } = await server.owner.query(
      `select 1 from cursors c join log l on l.tenant_id = c.tenant_id and l.kind = 'run.spawned' join runs r on r.id::text = l.subject_id
       where c.reader = 'preapproved leases' and r.number = $1 and c.seq >= l.seq`,
      [agent],
    );
    return rows.length > 0;
  }, 'the reader to come past the agent');

test('an agent on its ticket has them from the start, and until its end', async () => {
  const workflow = await flow('Incident:edr-sysmon', [wazuh]);
  const before = await assign(server, await ticket('Sysmon says something'));
  await passed(before);
  expect(await leases(before)).toEqual([]); // nobody has reviewed it yet
  expect((await review(workflow)).status).toBe(200);

  const on = await ticket('Sysmon says something else');
  const agent = await assign(server, on);
  const [lease] = await until(async () => {
    const all = await leases(agent);
    return all[0]?.lease_status === 'active' ? all : null;
  }, 'the lease');
  expect(lease).toMatchObject({ ...wazuh, granted_by: expect.stringMatching(new RegExp(`^workflow ${workflow}, version \\d+, reviewed by `)) }); // prettier-ignore
  expect((await server.call('POST', `/api/agents/${agent}/vault/lease`, wazuh)).status).toBe(200);
  // The lease is active a step before its request says that it was granted.
  await settles(async () => {
    const [asked] = (await server.call('GET', `/api/tickets/${on}/access-requests`)).body.access_requests;
    expect(asked).toMatchObject({ status: 'granted', change_id: null, access_ticket_id: on, lease_request: wazuh });
  });
  await server.call('POST', `/api/agents/${agent}/stop`);
  await until(async () => (await leases(agent))[0]?.lease_status === 'revoked', 'the lease to end with its run');
});

test('a policy in another form lends nothing, and that is written down; so does a ticket of another kind', async () => {
  await review(await flow('Incident:phishing', [{ system: 'wazuh' }]));
  const agent = await assign(server, await ticket('Suspicious email'));
  await passed(agent);
  expect(await kindsOf(agent)).toContainEqual({
    kind: 'access.preapproval_invalid',
    reason: expect.stringContaining('preapproved_leases.0.resource_type'),
  });
  expect(await leases(agent)).toEqual([]);
  const other = await assign(server, await ticket('The printer is away'));
  await passed(other);
  expect(await leases(other)).toEqual([]);
});
