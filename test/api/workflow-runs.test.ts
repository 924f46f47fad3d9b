import { Client, Connection } from '@temporalio/client';
import { startServer, until, type Server } from '../harness';
import { temporal } from '../stack';
import { agentIs, runKey, waitingAgent } from './working';

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const call = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  server.call(method, `/api/workflows${path}`, body, headers);
let made = 0;
const tested = async (more: Record<string, unknown> = {}): Promise<number> =>
  (
    await call('POST', '', {
      blueprint: '1. Look at it.\n2. Say so.',
      status: 'tested',
      workflow_key: `run:${(made += 1)}`,
      ...more,
    })
  ).body.id;
const runOf = async (workflow: number) => (await call('GET', `/${workflow}`)).body.runs[0];
/** People approve what its agents propose. */
const ended = (workflow: number) =>
  until(async () => {
    for (const change of (await server.call('GET', '/api/changes?status=pending')).body.changes as { id: number }[])
      await server.call('POST', `/api/changes/${change.id}/approve`, {});
    const run = await runOf(workflow);
    return run.finished_at ? run : null;
  }, 'the run to end');

test('its steps become runs on a ticket of its own; counts and runs are shown', async () => {
  const workflow = await tested({ name: 'Look' });
  expect((await call('GET', `/${workflow}`)).body.steps.map((s: { name: string; order: number }) => [s.name, s.order])).toEqual([
    ['Look at it.', 1], ['Say so.', 2],
  ]); // prettier-ignore
  expect((await call('POST', `/${workflow}/runs`, {})).body).toEqual({ id: expect.any(Number), status: 'created' });
  const run = await ended(workflow);
  expect(run).toMatchObject({
    workflow_id: workflow,
    workflow_version: 1,
    status: 'completed',
    ticket_id: expect.any(Number),
    steps: [{ attempts: 1 }, { attempts: 1 }],
  });
  expect((await server.call('GET', `/api/tickets/${run.ticket_id}`)).body.title).toBe('Run of Look');
  const { agents } = (await server.call('GET', `/api/agents?ticket_id=${run.ticket_id}`)).body;
  expect(agents.map((a: { id: number }) => a.id).sort()).toEqual(
    run.steps.flatMap((s: { agent_ids: number[] }) => s.agent_ids).sort(),
  );
  const listed = (await call('GET', '')).body.workflows.find((w: { id: number }) => w.id === workflow);
  expect(listed).toMatchObject({
    run_count: 1,
    completed_run_count: 1,
    failed_run_count: 0,
    latest_run_at: run.created_at,
  });
  expect((await call('POST', `/runs/${run.id}/complete`, {})).status).toBe(409);
});

test('cancelled, its agents stop; failed is counted', async () => {
  const { ticket, agent } = await waitingAgent(server);
  const workflow = await tested({
    steps: [
      { name: 'a', order: 1 },
      { name: 'b', order: 1 },
      { name: 'c', order: 2 },
    ],
  });
  await call('POST', `/${workflow}/runs`, { ticket_id: ticket });
  const together = await until(async () => {
    const agents = (await runOf(workflow)).steps.flatMap((s: { agent_ids: number[] }) => s.agent_ids) as number[];
    return agents.length === 2 ? agents : null;
  }, 'two agents'); // prettier-ignore
  for (const one of together) await agentIs(server, one, 'pending_approval');
  const run = await runOf(workflow);
  expect((await call('POST', `/runs/${run.id}/complete`, { status: 'cancelled', result: 'enough' })).body).toEqual({
    id: run.id,
    status: 'cancelled',
  });
  for (const one of together) await agentIs(server, one, 'stopped');
  expect(await runOf(workflow)).toMatchObject({
    status: 'cancelled',
    error: 'enough',
    steps: [{ status: 'cancelled' }, { status: 'cancelled' }, { status: 'skipped' }],
  });
  await agentIs(server, agent, 'pending_approval');
  const again = (await call('POST', `/${workflow}/runs`, { status: 'running' })).body.id;
  expect(await runOf(workflow)).toMatchObject({ id: again, status: 'running', steps: [] });
  const key = { 'idempotency-key': 'fail-once' };
  const twice = [
    await call('POST', `/runs/${again}/complete`, { status: 'failed', result: { why: 'no' } }, key),
    await call('POST', `/runs/${again}/complete`, { status: 'failed', result: { why: 'no' } }, key),
  ];
  expect(twice.map((a) => [a.status, a.body.status])).toEqual([[200, 'failed'], [200, 'failed']]); // prettier-ignore
  const listed = (await call('GET', '')).body.workflows.find((w: { id: number }) => w.id === workflow);
  expect(listed).toMatchObject({ run_count: 2, completed_run_count: 0, failed_run_count: 1 });
});

test('an agent that carries it out is named; only tested and active ones run, on open tickets', async () => {
  const { ticket, agent } = await waitingAgent(server);
  const workflow = await tested();
  const { id } = (await call('POST', `/${workflow}/runs`, { agent_id: agent })).body;
  expect(await runOf(workflow)).toMatchObject({ id, status: 'queued', agent_id: agent, ticket_id: ticket, steps: [] });
  expect((await call('POST', `/runs/${id}/complete`, { result: 'done' })).body).toEqual({ id, status: 'completed' });
  expect(await runOf(workflow)).toMatchObject({ status: 'completed', result: 'done', started_at: expect.any(String) });
  const other = (await server.call('POST', '/api/tickets', { title: 'other', auto_assign: false })).body.id;
  expect((await call('POST', `/${workflow}/runs`, { agent_id: agent, ticket_id: other })).status).toBe(404);
  await server.call('POST', `/api/tickets/${other}/status`, { status: 'closed' });
  expect((await call('POST', `/${workflow}/runs`, { ticket_id: other })).status).toBe(409);
  await call('PUT', `/${workflow}`, { status: 'draft' });
  const refused = await call('POST', `/${workflow}/runs`, {});
  expect([refused.status, refused.body.detail.message]).toEqual([409, expect.stringContaining('draft')]);
});

test('the credential of a run sees the runs on its own ticket, and ends none', async () => {
  const [mine, other] = [await waitingAgent(server), await waitingAgent(server)];
  const workflow = await tested();
  const own = (await call('POST', `/${workflow}/runs`, { agent_id: mine.agent })).body.id;
  const foreign = (await call('POST', `/${workflow}/runs`, { agent_id: other.agent })).body.id;
  const nowhere = (await call('POST', `/${workflow}/runs`, { status: 'running' })).body.id;
  const asRun = server.as(await runKey(server, mine.agent));
  const seen = (await asRun('GET', `/api/workflows/${workflow}`)).body.runs as { id: number }[];
  expect(seen.map((r) => r.id)).toEqual([own]);
  for (const id of [own, foreign, nowhere])
    expect((await asRun('POST', `/api/workflows/runs/${id}/complete`, {})).status).toBe(403);
});

test('a step whose name is cut within a character runs', async () => {
  const workflow = await tested({ blueprint: `1. ${'x'.repeat(119)}\u{1F600} and on` });
  const { status, body } = await call('POST', `/${workflow}/runs`, {});
  expect(status).toBe(200);
  expect((await runOf(workflow)).steps[0].name).toBe(`${'x'.repeat(119)}\uFFFD`);
  expect((await call('POST', `/runs/${body.id}/complete`, { status: 'cancelled' })).status).toBe(200);
});

test('one whose workflow ended before it was opened is a conflict when it is asked for again', async () => {
  const workflow = await tested({ name: 'Never opened' });
  await server.owner
    .query(`create function no_row() returns trigger language plpgsql as $$ begin raise 'no row'; end $$;
    create trigger never before insert on pipelines for each row when (new.name = 'Never opened') execute function no_row()`);
  const key = { 'idempotency-key': 'never-opened' };
  const first = call('POST', `/${workflow}/runs`, { status: 'running' }, key);
  const connection = await Connection.connect({ address: temporal().address });
  const client = new Client({ connection });
  const mine = `WorkflowType = 'pipelineRun' and ExecutionStatus = 'Running' and WhTenant = '${server.tenantId}'`;
  const open = async () => {
    for await (const { workflowId } of client.workflow.list({ query: mine }))
      if (!(await server.owner.query('select from pipelines where id = $1', [workflowId.slice(-36)])).rowCount)
        return workflowId;
    return null;
  };
  await client.workflow.getHandle(await until(open, 'its workflow')).terminate();
  await connection.close();
  expect((await first).status).not.toBe(200);
  await server.owner.query('delete from idempotency_keys');
  const again = await call('POST', `/${workflow}/runs`, { status: 'running' }, key);
  expect([again.status, again.body.field]).toEqual([409, 'Idempotency-Key']);
});

test('ended by eight at once, one of them did it, the others are told so, and its agent stops', async () => {
  const workflow = await tested();
  for (let round = 0; round < 3; round += 1) {
    const { id } = (await call('POST', `/${workflow}/runs`, {})).body;
    const ends = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        call('POST', `/runs/${id}/complete`, { status: 'cancelled', result: `${i}` }),
      ),
    );
    expect(ends.map((e) => e.status).sort()).toEqual([200, ...Array.from({ length: 7 }, () => 409)]);
    const run = await runOf(workflow);
    expect(run).toMatchObject({ id, error: `${ends.findIndex((e) => e.status === 200)}` });
    for (const agent of run.steps.flatMap((s: { agent_ids: number[] }) => s.agent_ids) as number[])
      await agentIs(server, agent, 'stopped');
  }
});
