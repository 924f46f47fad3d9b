import { Client, Connection } from '@temporalio/client';
import { sweep } from '../../workflows';
import { workflowId, type Kind } from '../../workflows/ids';
import { keep } from './keep';
import { startServer, until, type Server } from '../harness';
import { temporal } from '../stack';

// On the dev server: what a terminated workflow left behind is found by asking Temporal itself.

let s: Server;
let connection: Connection;
let client: Client;
beforeAll(async () => {
  s = await startServer({ SWEEP_SECONDS: '86400' }); // only those that the tests start
  connection = await Connection.connect({ address: temporal().address });
  client = new Client({ connection });
});
afterAll(async () => {
  await connection.close();
  await s.close();
});

const row = async (sql: string, param: unknown) =>
  (await s.owner.query(sql, [param])).rows[0] as Record<string, unknown>;
const handle = (kind: Kind, id: unknown) => client.workflow.getHandle(workflowId(kind, s.tenantId, String(id)));
const startSweep = (id: string) =>
  client.workflow.start(sweep, {
    workflowId: `${s.config.taskQueuePrefix}-${id}`,
    taskQueue: `${s.config.taskQueuePrefix}-lifecycle`,
    args: [],
  });
const sweepNow = async (id: string): Promise<void> => {
  const handle = await startSweep(id);
  await handle.result();
  await keep(`sweep.${id}`, handle);
};

/** An agent that asked for access to gitlab, and a row of the change that it asked for. */
async function asking() {
  const ticket = await s.call('POST', '/api/tickets', {
    title: 'Look into gitlab',
    ticket_class: 'Incident',
    auto_assign: false,
  });
  const agent = (await s.call('POST', `/api/tickets/${ticket.body.id}/assign-agent`, {})).body.agent_id as number;
  const gateOf = (action: string) =>
    until(
      () =>
        row(
          'select g.* from gates g join runs r on r.id = g.run_id where r.number = $1 and g.action = ' + `'${action}'`,
          agent,
        ),
      action,
    );
  return { agent, gateOf, access: await gateOf('grant_access') };
}
/** A run with an active lease that waits for people to decide on its report; an older one than a minute. */
async function waiting() {
  const { agent, gateOf, access } = await asking();
  expect((await s.call('POST', `/api/changes/${access['number'] as number}/approve`, {})).status).toBe(200);
  expect(
    (await s.call('POST', `/api/changes/${access['number'] as number}/complete`, { result: 'done' })).body.access_sync
      .status,
  ).toBe('granted');
  const gate = await gateOf('publish_static_site');
  const run = await row('select * from runs where number = $1', agent);
  await s.owner.query(`update runs set created_at = created_at - interval '2 minutes' where id = $1`, [run['id']]);
  return { run: run['id'], access: access['access_request_id'], gate: gate['id'] };
}
const stateOf = async (w: Awaited<ReturnType<typeof waiting>>) => ({
  run: (await row('select status from runs where id = $1', w.run))['status'],
  access: (await row('select status from access_requests where id = $1', w.access))['status'],
  lease: (await row('select status from leases where access_request_id = $1', w.access))['status'],
  gate: (await row('select status from gates where id = $1', w.gate))['status'],
});
const swept = { run: 'terminated', access: 'revoked', lease: 'revoked', gate: 'expired' };

test('one that the database holds up goes on when it is let go', async () => {
  await s.owner.query('begin');
  await s.owner.query('lock table tenants in access exclusive mode');
  const held = await startSweep('held');
  const scheduled = async () =>
    ((await held.fetchHistory()).events ?? []).some((e) => e.activityTaskScheduledEventAttributes);
  await until(async () => ((await scheduled()) ? true : null), 'its activity is scheduled');
  await keep('sweep.suspended', held);
  await s.owner.query('rollback');
  expect(await held.result()).toEqual({ runs: 0, leases: 0 });
});

test('a run that lives is left alone', async () => {
  const w = await waiting();
  await sweepNow('living');
  expect(await stateOf(w)).toEqual({ run: 'pending_approval', access: 'granted', lease: 'active', gate: 'pending' });
});

test('of a run that was terminated, the lease is revoked and who waits for it is told', async () => {
  const w = await waiting();
  await handle('agentRun', w.run).terminate('by an operator');
  await sweepNow('run');
  // Told by Signals, so they end themselves.
  await Promise.all([handle('accessRequest', w.access).result(), handle('approvalGate', w.gate).result()]);
  expect(await stateOf(w)).toEqual(swept);
  const { rows } = await s.owner.query(`select secret_sealed from leases where access_request_id = $1`, [w.access]);
  expect(rows).toEqual([{ secret_sealed: null }]);
});

test('a lease whose request was terminated goes back, and its run lives on', async () => {
  const w = await waiting();
  await handle('accessRequest', w.access).terminate('by an operator');
  await sweepNow('request');
  expect(await stateOf(w)).toEqual({ ...swept, run: 'pending_approval', gate: 'pending' });
});

test('of a request that was terminated before anybody decided, the change is ended too', async () => {
  const { access: gate } = await asking();
  await handle('accessRequest', gate['access_request_id']).terminate('by an operator');
  const statuses = async () => [
    (await row('select status from access_requests where id = $1', gate['access_request_id']))['status'],
    (await row('select status from gates where id = $1', gate['id']))['status'],
  ];
  await sweepNow('undecided');
  expect(await statuses()).toEqual(['expired', 'pending']);
  await sweepNow('ended');
  await handle('approvalGate', gate['id']).result(); // told by a Signal, it ends itself
  expect(await statuses()).toEqual(['expired', 'expired']);
});

/** A run that works by a reviewed workflow, with the lease that this preapproves; nobody looks after the lease any more. */
async function preapproved() {
  const key = 'Incident:edr-sysmon';
  const body = { workflow_key: key, blueprint: '1. Look.', status: 'tested', approval_policy: { preapproved_leases: [lease] } };
  const { rows } = await s.owner.query(`select 1 from blueprints where workflow_key = $1 and status = 'active'`, [key]);
  if (!rows.length) {
    const made = (await s.call('POST', '/api/workflows', body)).body.id as number;
    expect((await s.call('POST', `/api/workflows/${made}/review`, { approved: true })).status).toBe(200);
  }
  const asked = { title: 'Sysmon says something', ticket_class: 'Incident', auto_assign: false };
  const ticket = (await s.call('POST', '/api/tickets', asked)).body.id as number;
  const agent = (await s.call('POST', `/api/tickets/${ticket}/assign-agent`, {})).body.agent_id as number;
  const lent = await until(
    () => row(`select l.* from leases l join runs r on r.id = l.run_id where r.number = $1 and l.status = 'active'`, agent),
    'the lease that was preapproved',
  );
  await handle('accessRequest', lent['access_request_id']).terminate('by an operator');
  return { run: lent['run_id'], access: lent['access_request_id'], lease: lent['id'], agent };
} // prettier-ignore
const lease = { system: 'wazuh', resource_type: 'api', resource_id: 'wazuh.manager', action: 'read' };
const outlived = async () =>
  (
    await s.owner.query(
      `select l.id from leases l left join runs r on r.id = l.run_id
       where l.status in ('pending', 'active', 'revoking') and (l.expires_at <= now() or r.finished_at is not null)`,
    )
  ).rows;

test('what a workflow preapproved ends with its time, and with its run, whoever is left to see to it', async () => {
  const over = await preapproved();
  await s.owner.query(`update leases set expires_at = now() - interval '1 second' where id = $1`, [over.lease]);
  const left = await preapproved();
  await handle('agentRun', left.run).terminate('by an operator');
  await s.owner.query(`update runs set created_at = created_at - interval '2 minutes' where id = $1`, [left.run]);
  expect(await outlived()).toHaveLength(1);
  const kept = await preapproved();
  await s.call('POST', `/api/agents/${kept.agent}/stop`);
  await until(() => row('select 1 from runs where id = $1 and finished_at is not null', kept.run), 'the run to end');
  await sweepNow('preapproved');
  const stateOfLease = async ({ access }: { access: unknown }) =>
    row(`select l.status, secret_sealed, a.status as access from leases l join access_requests a on a.id = l.access_request_id where a.id = $1`, access); // prettier-ignore
  expect(await stateOfLease(over)).toEqual({ status: 'expired', secret_sealed: null, access: expect.stringMatching(/^(revoked|expired)$/) }); // prettier-ignore
  for (const one of [left, kept])
    expect(await stateOfLease(one)).toEqual({ status: 'revoked', secret_sealed: null, access: expect.stringMatching(/^(revoked|expired)$/) }); // prettier-ignore
  expect(await outlived()).toEqual([]);
  expect((await row('select finished_at from runs where id = $1', over.run))['finished_at']).toBeNull();
});

test('… and where they were terminated as well, their rows are ended', async () => {
  const w = await waiting();
  for (const h of [handle('agentRun', w.run), handle('accessRequest', w.access), handle('approvalGate', w.gate)])
    await h.terminate('by an operator');
  await sweepNow('all');
  await until(async () => Object.values(await stateOf(w)).join() === Object.values(swept).join(), 'all of it is swept');
  await sweepNow('again');
  expect(await stateOf(w)).toEqual(swept);
  expect((await s.call('GET', '/audit/logs/verify')).body.data.valid).toBe(true);
});
