import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createActivities } from '../../activities';
import type { Deps } from '../../activities/deps';
import { insertRule } from '../../db/alerts';
import { analyst } from '../../domain/analyst/analyst';
import { system } from '../../domain/principal';
import { seal } from '../../log/keys';
import { notifyAlert } from '../../workflows';
import { workflowId } from '../../workflows/ids';
import { clockwork, type Clockwork } from './time';

let c: Clockwork;
let masterKey: Buffer;
beforeAll(async () => {
  c = await clockwork((deps: Deps) => {
    ({ masterKey } = deps);
    return createActivities({ ...deps, webhookAllowPrivate: true }, [analyst]);
  });
});
afterAll(() => c.close());

test('a webhook that nobody takes for a day is given up: on the alert and in the log, once', async () => {
  const heard: (string | undefined)[] = [];
  const receiver = createServer((req, res) => {
    heard.push(req.headers['webhook-id'] as string | undefined);
    req.resume().on('end', () => res.writeHead(503).end());
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
  const { tenantId } = c;
  const [ruleId, alertId] = [randomUUID(), randomUUID()];
  const secret = seal(masterKey, `whsec_${Buffer.alloc(24, 7).toString('base64')}`, `alert-rule:${ruleId}`);
  await c.store.write(tenantId, (tx) =>
    insertRule(tx, {
      id: ruleId, tenantId, ruleType: 'consecutive_failures', threshold: 1, agentName: 'digest', notifyChannel: url, enabled: true, createdBy: system,
    }, secret),
  ); // prettier-ignore
  await c.owner.query(
    `insert into alerts (id, tenant_id, rule_id, rule_type, agent_name, message, run_ids, notification)
     values ($1, $2, $3, 'consecutive_failures', 'digest', 'digest failed', '{}', 'pending')`,
    [alertId, tenantId, ruleId],
  );

  const handle = await c.env.client.workflow.start(notifyAlert, {
    workflowId: workflowId('notifyAlert', tenantId, alertId),
    taskQueue: c.taskQueue,
    args: [{ tenantId, alertId, queue: c.taskQueue }],
  });
  await handle.result();
  const { startTime, closeTime } = await handle.describe();
  const hours = ((closeTime?.getTime() ?? 0) - startTime.getTime()) / 3_600_000;
  expect(hours).toBeGreaterThan(23);
  expect(hours).toBeLessThan(24.1);

  // 1 s, 2 s, … 17 minutes, and then every half an hour.
  expect(heard.length).toBeGreaterThan(50);
  expect(heard.length).toBeLessThan(70);
  expect(new Set(heard)).toEqual(new Set([alertId]));
  const { rows } = await c.owner.query(
    'select notification, notify_attempts, notify_error, notified_at from alerts where id = $1',
    [alertId],
  );
  expect(rows).toEqual([
    { notification: 'failed', notify_attempts: heard.length, notify_error: expect.stringContaining('the receiver answered 503'), notified_at: null },
  ]); // prettier-ignore
  const { rows: entries } = await c.owner.query('select kind, decision, reason, body from log where subject_id = $1', [
    alertId,
  ]);
  expect(entries).toEqual([
    {
      kind: 'alert.undelivered', decision: 'error', reason: rows[0].notify_error,
      body: { rule_id: ruleId, agent_name: 'digest', attempts: heard.length },
    },
  ]); // prettier-ignore

  // One that comes later finds that it is known.
  await c.env.client.workflow.execute(notifyAlert, {
    workflowId: `${handle.workflowId}:again`,
    taskQueue: c.taskQueue,
    args: [{ tenantId, alertId, queue: c.taskQueue }],
  });
  expect((await c.owner.query('select from log where subject_id = $1', [alertId])).rowCount).toBe(1);
  receiver.closeAllConnections();
  await new Promise((resolve) => receiver.close(resolve));
});
