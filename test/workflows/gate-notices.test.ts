import { Client, Connection } from '@temporalio/client';
import { Webhook } from 'standardwebhooks';
import { evaluateAlerts } from '../../workflows';
import { workflowId } from '../../workflows/ids';
import { startServer, until, type Answer, type Server } from '../harness';
import { temporal } from '../stack';
import { keep } from './keep';
import { receiver } from './receiver';

// Groups that a change waits for hear of it, at a receiver that speaks HTTP and fails on demand. On the dev server.

let s: Server;
let hook: Awaited<ReturnType<typeof receiver>>;
let leads: Awaited<ReturnType<typeof receiver>>;
let connection: Connection;
let client: Client;
let ticket: number;
const secrets: Record<string, string> = {};
let ann: Awaited<ReturnType<Server['user']>>;
beforeAll(async () => {
  [hook, leads] = [await receiver(), await receiver()];
  s = await startServer({ ALERT_SECONDS: '86400', SWEEP_SECONDS: '86400', WEBHOOK_ALLOW_PRIVATE: '1' });
  connection = await Connection.connect({ address: temporal().address });
  client = new Client({ connection });
  ann = await s.user('SECURITY_ANALYST');
  const dan = await s.user('SECURITY_ANALYST');
  ticket = ok(await s.call('POST', '/api/tickets', { title: 'web-1 is slow', auto_assign: false })).id;
  for (const [name, members, url] of [
    ['sre', [ann.email], hook.url], ['leads', [dan.email], leads.url], ['silent', [dan.email], null],
  ] as const) {
    const saved = ok(await s.call('POST', '/api/approver-groups', { name, members, notify_channel: url }));
    secrets[name] = saved.signing_secret;
  } // prettier-ignore
});
afterAll(async () => {
  await connection.close();
  await s.close();
  await hook.close();
  await leads.close();
});

const ok = (a: Answer) => {
  if (a.status !== 200) throw new Error(`${a.status} ${a.text}`);
  return a.body;
};
const request = async (approval_policy: object): Promise<number> =>
  ok(
    await s.call('POST', '/api/changes/request', {
      ticket_id: ticket,
      action: 'restart',
      target: 'web-1',
      approval_policy,
    }),
  ).change_id;
type Told = Record<string, any>;
const told = async (change: number): Promise<Told[]> =>
  ok(await s.call('GET', `/api/changes/${change}/status`)).approval.told;
const untilTold = (change: number, event: string, status: string): Promise<Told> =>
  until(
    async () => (await told(change)).find((m) => m['event'] === event && m['status'] === status),
    `${event}: ${status}`,
  );
const process_ = (message: Told) =>
  client.workflow.getHandle(workflowId('notifyGate', s.tenantId, message['id'] as string));
const vote = (change: number, verdict = 'approve') => s.as(ann.token)('POST', `/api/changes/${change}/${verdict}`, {});
const ofChange = (at: typeof hook, change: number): any[] =>
  at.received.map((r) => JSON.parse(r.body)).filter((b) => b.data.change_id === change);

test('who is asked hears of it, signed; what fails is sent again under the same id until it is heard; once', async () => {
  hook.answers((res, nth) => {
    if (nth === 1)
      res.destroy(); // dies with it in its hands
    else res.writeHead(nth === 2 ? 503 : 200).end();
  });
  const change = await request({ quorum: '1 of sre or 1 of silent' });
  const message = await untilTold(change, 'gate.requested', 'delivered');
  expect(message).toMatchObject({ group: 'sre', n: 1, attempts: 3, error: null, delivered_at: expect.any(String) });
  expect(hook.received).toHaveLength(3);
  const { requested_at } = ok(await s.call('GET', `/api/changes/${change}`));
  for (const { headers, body } of hook.received) {
    expect(headers['webhook-id']).toBe(message['id']);
    expect(new Webhook(secrets['sre'] ?? '').verify(body, headers)).toMatchObject({
      type: 'gate.requested',
      timestamp: requested_at,
      data: {
        change_id: change, group: 'sre', n: 1, action: 'restart', target: 'web-1', risk_level: 'unknown', requested_by: s.admin.email,
        quorum: '1 of sre or 1 of silent', can_decide: expect.arrayContaining([ann.email]), expires_at: expect.any(String),
      },
    }); // prettier-ignore
    expect(() => new Webhook(secrets['leads'] ?? '').verify(body, headers)).toThrow();
  }
  expect(await told(change)).toHaveLength(1);
  await process_(message).result();
  await keep('notifyGate.delivered', process_(message));
  const { rows } = await s.owner.query(
    `select kind from log where kind like 'gate.%noticed' and body->>'change_id' = $1`,
    [String(change)],
  );
  expect(rows).toEqual([{ kind: 'gate.noticed' }]);
});

test('reminders and the escalation are told when they come, the escalation to those whom it is for', async () => {
  hook.answers((res) => res.writeHead(204).end());
  const change = await request({
    quorum: '1 of sre', remind: { after_seconds: 1, times: 2 }, escalate: { after_seconds: 3, to: '1 of leads' },
  }); // prettier-ignore
  const last = await untilTold(change, 'gate.escalated', 'delivered');
  expect(last['group']).toBe('leads');
  await until(async () => (await told(change)).every((m) => m['status'] === 'delivered'), 'all of them');
  expect((await told(change)).map((m) => [m['event'], m['n'], m['group']])).toEqual([
    ['gate.requested', 1, 'sre'], ['gate.reminded', 1, 'sre'], ['gate.reminded', 2, 'sre'], ['gate.escalated', 1, 'leads'],
  ]); // prettier-ignore
  expect(ofChange(hook, change).map((b) => b.type)).toEqual(['gate.requested', 'gate.reminded', 'gate.reminded']);
  expect(ofChange(leads, change)).toMatchObject([
    { type: 'gate.escalated', data: { group: 'leads', quorum: '1 of sre' } },
  ]);
});

test('of an access request, its owning group hears; of a change that nobody in particular decides, nobody', async () => {
  hook.answers((res) => res.writeHead(204).end());
  const plain = await request({ assignment_group: 'sre' });
  const asked = ok(
    await s.call('POST', `/api/tickets/${ticket}/access-request`, {
      resource: 'gitlab project ops', permission: 'read', assignment_group: 'SRE',
    }),
  ); // prettier-ignore
  await untilTold(asked.change_id as number, 'gate.requested', 'delivered');
  expect(ofChange(hook, asked.change_id as number)).toMatchObject([
    { data: { action: 'grant_access', can_decide: null } },
  ]);
  expect(await told(plain)).toEqual([]);
});

test('a receiver that is gone for good is said to be, and so is what is decided before anybody hears', async () => {
  hook.answers((res) => res.writeHead(410).end());
  const gone = await request({ quorum: '1 of sre' });
  const given = await untilTold(gone, 'gate.requested', 'failed');
  expect(given).toMatchObject({ attempts: 1, error: 'the receiver answered 410', delivered_at: null });
  await keep('notifyGate.gone', process_(given));

  hook.answers((res) => res.writeHead(503).end());
  const quick = await request({ quorum: '1 of sre' });
  const trying = await until(async () => (await told(quick)).find((m) => m['attempts'] > 0), 'an attempt');
  await keep('notifyGate.suspended', process_(trying));
  expect((await vote(quick)).body.status).toBe('approved');
  await untilTold(quick, 'gate.requested', 'moot');
});

test('what nobody tells, as its workflow was terminated, is found by the Schedule', async () => {
  hook.answers((res) => res.writeHead(500).end());
  const change = await request({ quorum: '1 of sre' });
  const message = await until(async () => (await told(change)).find((m) => m['attempts'] > 0), 'an attempt');
  await process_(message).terminate('by an operator');
  await s.owner.query(`update gate_notices set created_at = now() - interval '2 minutes' where id = $1`, [
    message['id'],
  ]);
  await client.workflow.execute(evaluateAlerts, {
    workflowId: `${s.config.taskQueuePrefix}-evaluate-notices`,
    taskQueue: `${s.config.taskQueuePrefix}-lifecycle`,
    args: [],
  });
  expect((await told(change))[0]).toMatchObject({ status: 'failed', error: 'its workflow was terminated' });
});

test('what was asked while no worker was there is told when there is', async () => {
  hook.answers((res) => res.writeHead(200).end());
  await s.stopWorker();
  const asked = s.call('POST', '/api/changes/request', {
    ticket_id: ticket, action: 'restart', target: 'web-2', approval_policy: { quorum: '1 of sre' },
  }); // prettier-ignore
  await until(
    async () =>
      (await s.owner.query(`select from log where kind = 'gate.requested' and body->>'target' = 'web-2'`)).rowCount,
    'the request to be written',
  );
  await s.startWorker();
  const change = ok(await asked).change_id as number;
  await untilTold(change, 'gate.requested', 'delivered');
  expect(ofChange(hook, change)).toHaveLength(1);
});
