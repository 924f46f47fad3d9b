import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { Webhook } from 'standardwebhooks';
import { evaluateAlerts } from '../../workflows';
import { workflowId } from '../../workflows/ids';
import { keep } from './keep';
import { receiver } from './receiver';
import { startServer, until, type Server } from '../harness';
import { temporal } from '../stack';

// On the dev server, with a receiver that speaks HTTP and fails on demand.

let s: Server;
let hook: Awaited<ReturnType<typeof receiver>>;
let connection: Connection;
let client: Client;
beforeAll(async () => {
  hook = await receiver();
  s = await startServer({ ALERT_SECONDS: '86400', SWEEP_SECONDS: '86400', WEBHOOK_ALLOW_PRIVATE: '1' });
  connection = await Connection.connect({ address: temporal().address });
  client = new Client({ connection });
});
afterAll(async () => {
  await connection.close();
  await s.close();
  await hook.close();
});

const base = '/api/v1/agent-ops';
const rule = async (agent: string, more: object = {}): Promise<{ id: string; signing_secret: string }> =>
  (
    await s.call('POST', `${base}/alert-rules`, {
      type: 'consecutive_failures', threshold: { max_failures: 1 }, agent_name: agent, notify_channel: hook.url, ...more,
    })
  ).body.data; // prettier-ignore
const fail = (agent: string) => s.call('POST', `${base}/runs`, { agent_name: agent, status: 'failed' });
type Alert = Record<string, any>;
const alertOf = async (agent: string): Promise<Alert | undefined> =>
  (await s.call('GET', `${base}/alerts?agent_name=${agent}`)).body.data[0];
const toldOf = (agent: string, status: string): Promise<Alert> =>
  until(async () => {
    const alert = await alertOf(agent);
    return alert?.['notification']?.status === status && alert;
  }, `${agent}: ${status}`);
const notice = (alert: Alert) =>
  client.workflow.getHandle(workflowId('notifyAlert', s.tenantId, alert['id'] as string));
const kinds = async (alert: Alert) =>
  (await s.owner.query('select kind from log where subject_id = $1 order by seq', [alert['id']])).rows.map(
    (r) => r.kind as string,
  );
const evaluateNow = () =>
  client.workflow.start(evaluateAlerts, {
    workflowId: `${s.config.taskQueuePrefix}-evaluate-${randomUUID()}`,
    taskQueue: `${s.config.taskQueuePrefix}-lifecycle`,
    args: [],
  });

test('a webhook is signed, and what fails is sent again under the same id until it is heard', async () => {
  hook.answers((res, nth) => {
    if (nth === 1)
      res.destroy(); // dies with it in its hands
    else res.writeHead(nth === 2 ? 503 : 200).end('thank you');
  });
  const { signing_secret: secret, id } = await rule('flaky');
  await fail('flaky');
  const alert = await toldOf('flaky', 'delivered');
  expect(alert['notification']).toEqual({
    status: 'delivered',
    attempts: 3,
    error: null,
    delivered_at: expect.any(String),
  });
  expect(hook.received).toHaveLength(3);
  for (const { headers, body } of hook.received) {
    expect(headers['webhook-id']).toBe(alert['id']);
    expect(new Webhook(secret).verify(body, headers)).toEqual({
      type: 'alert.fired',
      timestamp: alert['fired_at'],
      data: {
        alert_id: alert['id'], rule_id: id, rule_type: 'consecutive_failures', agent_name: 'flaky',
        message: alert['message'], run_ids: alert['run_ids'], fired_at: alert['fired_at'],
      },
    }); // prettier-ignore
    expect(() => new Webhook('whsec_AAAA').verify(body, headers)).toThrow();
  }
  expect(await kinds(alert)).toEqual(['alert.fired', 'alert.delivered']);
  await notice(alert).result();
  await keep('notifyAlert.delivered', notice(alert));
});

test('a receiver that is gone for good, and one that redirects, are said to be', async () => {
  hook.answers((res) => res.writeHead(410).end());
  await rule('gone');
  await fail('gone');
  const alert = await toldOf('gone', 'failed');
  expect(alert['notification']).toMatchObject({ attempts: 1, error: 'the receiver answered 410', delivered_at: null });
  expect(await kinds(alert)).toEqual(['alert.fired', 'alert.undelivered']);
  await keep('notifyAlert.gone', notice(alert));

  hook.answers((res, nth) => (nth === 1 ? res.writeHead(302, { location: hook.url }).end() : res.writeHead(200).end()));
  await rule('moved');
  await fail('moved');
  expect((await toldOf('moved', 'delivered'))['notification'].attempts).toBe(2); // not followed: sent again
});

test('what nobody told, as its workflow was terminated, is found by the Schedule', async () => {
  hook.answers((res) => res.writeHead(500).end());
  await rule('cut');
  await fail('cut');
  const alert = await until(async () => {
    const found = await alertOf('cut');
    return found?.['notification'].attempts > 0 && found;
  }, 'an attempt');
  await keep('notifyAlert.suspended', notice(alert));
  await notice(alert).terminate('by an operator');
  await s.owner.query(`update alerts set fired_at = now() - interval '2 minutes' where id = $1`, [alert['id']]);
  await (await evaluateNow()).result();
  expect((await alertOf('cut'))?.['notification']).toMatchObject({
    status: 'failed',
    error: 'its workflow was terminated',
  });
  expect(await kinds(alert)).toEqual(['alert.fired', 'alert.undelivered']);
});

test('one that was fired while no worker was there is told when there is', async () => {
  hook.answers((res) => res.writeHead(200).end());
  await rule('dark');
  await s.stopWorker();
  await fail('dark');
  expect(await alertOf('dark')).toBeUndefined();
  await s.startWorker();
  expect((await toldOf('dark', 'delivered'))['notification'].attempts).toBe(1);
  expect(hook.received).toHaveLength(1);
});

test('no run for too long: only time tells, of agents that are to run; both sides of the limit', async () => {
  const minute = 60_000;
  const ago = (ms: number): string => new Date(Date.now() - ms).toISOString();
  const all = await s.call('POST', `${base}/alert-rules`, { type: 'no_run_since', threshold: { max_gap_minutes: 60 } });
  const agents: [name: string, status: string, made: number, ran: number | null, expected: boolean][] = [
    ['ran-lately', 'ACTIVE', 100 * minute, 59 * minute, false],
    ['ran-long-ago', 'ACTIVE', 100 * minute, 61 * minute, true],
    ['never-ran', 'ACTIVE', 61 * minute, null, true],
    ['is-new', 'ACTIVE', 59 * minute, null, false],
    ['paused', 'PAUSED', 100 * minute, 61 * minute, false],
    ['disabled', 'DISABLED', 100 * minute, 61 * minute, false],
  ];
  for (const [name, status, made, ran] of agents) {
    await s.owner.query(
      `insert into agents (id, tenant_id, name, harness, runtime, status, created_at) values ($1, $2, $3, 'external', 'external', $4, $5)`,
      [randomUUID(), s.tenantId, name, status, ago(made)],
    );
    if (ran !== null)
      await s.call('POST', `${base}/runs`, { agent_name: name, status: 'completed', completed_at: ago(ran) });
  }
  await (await evaluateNow()).result();
  for (const [name, , , , expected] of agents)
    expect([name, (await alertOf(name)) !== undefined]).toEqual([name, expected]);
  expect(await alertOf('ran-long-ago')).toMatchObject({ rule_id: all.body.data.id, run_ids: [expect.any(String)] });
  await s.call('POST', `${base}/runs`, { agent_name: 'ran-long-ago', status: 'started' });
  await (await evaluateNow()).result();
  expect((await alertOf('ran-long-ago'))?.['ended_at']).not.toBeNull();
});

test('a run under way for too long is noticed while it goes on', async () => {
  await s.call('POST', `${base}/alert-rules`, {
    type: 'duration_exceeded',
    threshold: { max_duration_ms: 60_000 },
    agent_name: 'endless',
  });
  const started = (ms: number) =>
    s.call('POST', `${base}/runs`, {
      agent_name: 'endless',
      eve_id: `endless-${ms}`,
      status: 'started',
      started_at: new Date(Date.now() - ms).toISOString(),
    });
  await started(30_000);
  await (await evaluateNow()).result();
  expect(await alertOf('endless')).toBeUndefined();
  const long = await started(61_000);
  await (await evaluateNow()).result();
  expect(await alertOf('endless')).toMatchObject({ run_ids: [long.body.data.id], ended_at: null });
});

test('evaluations at once find an episode once', async () => {
  const agents = Array.from({ length: 20 }, (_, i) => `many-${i}`);
  await s.stopWorker(); // else the end of each run is evaluated by itself
  for (const agent of agents) await fail(agent);
  await Promise.all(agents.map((agent) => rule(agent, { notify_channel: null })));
  const handles = await Promise.all(Array.from({ length: 4 }, evaluateNow));
  await s.startWorker();
  const found = await Promise.all(handles.map((h) => h.result()));
  const { rows } = await s.owner.query(
    `select (select count(*)::int from alerts where agent_name like 'many-%') as alerts,
       (select count(*)::int from log where kind = 'alert.fired' and body->>'agent_name' like 'many-%') as entries`,
  );
  expect(rows).toEqual([{ alerts: agents.length, entries: agents.length }]);
  expect(found.every((f) => f.fired <= agents.length)).toBe(true);
});

test('an evaluation that the database holds up goes on when it is let go', async () => {
  await s.owner.query('begin');
  await s.owner.query('lock table tenants in access exclusive mode');
  const held = await evaluateNow();
  await until(
    async () => ((await held.fetchHistory()).events ?? []).some((e) => e.activityTaskScheduledEventAttributes),
    'its activity is scheduled',
  );
  await keep('evaluateAlerts.suspended', held);
  await s.owner.query('rollback');
  await held.result();
  await keep('evaluateAlerts.done', held);
});

test('both Schedules stand', async () => {
  for (const [name, workflow] of [['sweep', 'sweep'], ['evaluateAlerts', 'evaluateAlerts']]) {
    const { action, spec } = await client.schedule.getHandle(`${s.config.taskQueuePrefix}-${name}`).describe();
    expect([action.workflowType, spec.intervals?.[0]?.every]).toEqual([workflow, 86_400_000]);
  }
}); // prettier-ignore
