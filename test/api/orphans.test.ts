import { Client, Connection } from '@temporalio/client';
import { queuesOf } from '../../domain/queues';
import { createLogger } from '../../log/logger';
import { openKernel } from '../../log/open';
import { readWindow } from '../../workers/reader';
import { starter } from '../../workers/starter';
import { gateState } from '../../workflows/approval-gate';
import { workflowId } from '../../workflows/ids';
import { gates } from '../../db/gates';
import { caller, startServer, until, withoutTemporal, type Server } from '../harness';
import { settles } from '../until';
import { temporal } from '../stack';

// A gate's row is written before its workflow is started: what if nothing comes after the row?
let server: Server;
let connection: Connection;
beforeAll(async () => {
  server = await startServer({ WORKFLOW_PATIENCE_MS: '3000' }, { worker: false });
  connection = await Connection.connect({ address: temporal().address });
});
afterAll(async () => {
  await connection.close();
  await server.close();
});

test('a gate without a process is started by a repeat, by a decision, and else by the worker', async () => {
  const logger = createLogger('silent', 'test');
  const { store, pool } = await openKernel(server.config, logger);
  const { workflow } = new Client({ connection });
  const ticket = await server.call('POST', '/api/tickets', { title: 'orphans', auto_assign: false });
  const change = { ticket_id: ticket.body.id, action: 'restart', target: 'web-1' };
  const alone = await withoutTemporal(server);
  const asked = await Promise.all(
    ['repeated', 'decided', 'left'].map((key) =>
      caller(alone.url, server.token)('POST', '/api/changes/request', change, { 'idempotency-key': key }),
    ),
  );
  await alone.close();
  expect(asked.map((a) => a.status)).toEqual([503, 503, 503]);
  const standing = () => store.read(server.tenantId, (tx) => gates.list(tx, 'order by number', []));
  const orphans = await standing();
  expect(asked.map((a) => a.body.change_id).sort()).toEqual(orphans.map((g) => g.number));
  expect(orphans).toMatchObject([{ status: 'pending' }, { status: 'pending' }, { status: 'pending' }]);
  const started = async () => {
    const runs = await Promise.allSettled(
      orphans.map((g) => workflow.getHandle(workflowId('approvalGate', server.tenantId, g.id)).describe()),
    );
    return runs.filter((r) => r.status === 'fulfilled').length;
  };
  expect(await started()).toBe(0);

  const again = await server.call('POST', '/api/changes/request', change, { 'idempotency-key': 'repeated' });
  expect(again).toMatchObject({ status: 200, body: { status: 'pending' } });
  expect(await started()).toBe(1);

  const other = orphans.find((g) => g.number !== again.body.change_id)?.number ?? 0;
  const { token } = await server.user('ADMIN');
  const approve = () => server.as(token)('POST', `/api/changes/${other}/approve`, {}, { 'idempotency-key': 'approve' });
  expect(await approve()).toMatchObject({ status: 503 }); // nobody works yet
  expect(await started()).toBe(2);
  const { lifecycle: taskQueue } = queuesOf(server.config.taskQueuePrefix);
  const missing = { ...starter({ temporal: workflow, taskQueue, logger }), graceSeconds: 0 };
  const listed = `WorkflowId in (${orphans.map((g) => `'${workflowId('approvalGate', server.tenantId, g.id)}'`).join(', ')})`;
  await until(async () => (await workflow.count(listed)).count === 2, 'the two that run to be listed');
  const starts = jest.spyOn(workflow, 'start');
  await readWindow(missing, { store, signal: new AbortController().signal }, server.tenantId);
  expect(starts).toHaveBeenCalledTimes(1); // those that run are left alone
  expect(await started()).toBe(3);

  await server.startWorker();
  await until(async () => (await approve()).status === 200, 'the approval');
  for (const row of await standing()) {
    const handle = workflow.getHandle(workflowId('approvalGate', server.tenantId, row.id));
    await settles(async () => expect(await handle.query(gateState)).toEqual(row));
  }
  const { rows } = await server.owner.query(`select 1 from log where kind = 'gate.requested'`);
  expect(rows).toHaveLength(3);
  await pool.end();
}, 120_000);
