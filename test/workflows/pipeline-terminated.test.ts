import { Client, Connection } from '@temporalio/client';
import { workflowId } from '../../workflows/ids';
import { ticketWithLog } from '../api/working';
import { startServer, until, type Server } from '../harness';
import { temporal } from '../stack';
import { keep } from './keep';

// On the dev server: it tells a workflow that its child was terminated.

let s: Server;
let connection: Connection;
beforeAll(async () => {
  s = await startServer();
  connection = await Connection.connect({ address: temporal().address });
});
afterAll(async () => {
  await connection.close();
  await s.close();
});

test('an agent whose workflow is terminated fails its step, which is tried again by another', async () => {
  const ticket = await ticketWithLog(s, { auto_assign: false });
  const steps = [{ name: 'look', retries: 1 }];
  const flow = (await s.call('POST', '/api/workflows', { blueprint: 'Look.', status: 'tested', steps })).body
    .id as number;
  const run = (await s.call('POST', `/api/workflows/${flow}/runs`, { ticket_id: ticket })).body.id as number;
  const waiting = (tries: number) =>
    until(async () => {
      const { rows } = await s.owner.query<{ id: string; pipeline: string }>(
        `select r.id, p.id as pipeline from pipelines p, jsonb_array_elements_text(p.steps -> 0 -> 'runIds') with ordinality i (id, nth)
           join runs r on r.id = i.id::uuid where p.number = $1 and i.nth = $2 and r.status = 'pending_approval'`,
        [run, tries],
      );
      return rows[0];
    }, `try ${tries} to ask people`);
  const { workflow } = new Client({ connection });
  const first = await waiting(1);
  await workflow.getHandle(workflowId('agentRun', s.tenantId, first.id)).terminate();
  const second = await waiting(2);
  expect(second.id).not.toBe(first.id);
  await s.call('POST', `/api/workflows/runs/${run}/complete`, { status: 'cancelled' });
  const handle = workflow.getHandle(workflowId('pipelineRun', s.tenantId, first.pipeline));
  await handle.result();
  const [shown] = (await s.call('GET', `/api/workflows/${flow}`)).body.runs;
  expect([shown.status, shown.steps[0].attempts, shown.steps[0].status]).toEqual(['cancelled', 2, 'cancelled']);
  await keep('pipelineRun.agent-terminated', handle);
});

test('a pipeline whose workflow is terminated is ended by the sweep, and its agents with it', async () => {
  const ticket = await ticketWithLog(s, { auto_assign: false });
  const flow = (
    await s.call('POST', '/api/workflows', { blueprint: 'Look.', status: 'tested', workflow_key: 'a:swept' })
  ).body.id as number;
  await s.call('POST', `/api/workflows/${flow}/runs`, { ticket_id: ticket });
  const shown = async () => (await s.call('GET', `/api/workflows/${flow}`)).body.runs[0];
  const agent = await until(async () => (await shown()).steps[0].agent_ids[0] as number | undefined, 'its agent');
  await until(
    async () => (await s.call('GET', `/api/agents/${agent}`)).body.status === 'pending_approval',
    'it asks people',
  );
  const { rows } = await s.owner.query<{ id: string }>('select id from pipelines order by number desc limit 1');
  const { workflow } = new Client({ connection });
  await workflow.getHandle(workflowId('pipelineRun', s.tenantId, rows[0]?.id ?? '')).terminate();
  await workflow.execute('sweep', {
    workflowId: `sweep-${s.tenantId}`,
    taskQueue: `${s.config.taskQueuePrefix}-lifecycle`,
  });
  expect(await shown()).toMatchObject({
    status: 'failed',
    error: 'its workflow was terminated',
    steps: [{ status: 'cancelled' }],
  });
  await until(
    async () => (await s.call('GET', `/api/agents/${agent}`)).body.status === 'stopped',
    'its agent to be stopped',
  );
});
