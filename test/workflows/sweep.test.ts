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
