import { v7 } from 'uuid';
import { createActivities } from '../../activities';
import { attemptRunId } from '../../activities/lifecycle/attempts';
import { runs } from '../../db/runs';
import { analyst } from '../../domain/analyst/analyst';
import { usualRuntime, type RunRuntime } from '../../domain/runtime';
import type { TaskOrder } from '../../domain/task-order';
import { agentRun, conclude, stop } from '../../workflows/agent-run';
import { workflowId } from '../../workflows/ids';
import { turn } from '../../workflows/messages';
import { until } from '../until';
import { keep } from './keep';
import { ann, bob, DAY, HOUR, play } from './play';
import { scripted } from './scripted';
import { clockwork, type Clockwork } from './time';

// Whose turn it is, how long it may work, and an end that is said of it from outside.

let c: Clockwork;
let p: ReturnType<typeof play>;
beforeAll(async () => {
  c = await clockwork((deps) => createActivities(deps, [analyst, scripted]));
  p = play(c);
});
afterAll(() => c.close());

const minutes = (timeout_minutes: number): RunRuntime => ({
  timeout_minutes,
  reasoning_effort: null,
  fast_mode: false,
  skills: [],
  fallback_models: [],
  budget_tokens: null,
  budget_money: null,
});
const halt = { by: bob, reason: 'enough', terminate: false };
const atMost = (n: number) =>
  c.owner.query(
    `insert into runtime_configs (tenant_id, config, version, updated_by, updated_at) values ($1, $2, 1, '{}', now())
     on conflict (tenant_id) do update set config = excluded.config`,
    [c.tenantId, { ...usualRuntime, max_concurrent_agents: n }],
  );

test('a run that may not begin yet begins when it is called, and not before it is its turn', async () => {
  await atMost(1);
  const first = await p.spawn(await p.ticket(), 'scripted', 'hold');
  await p.runIs(first.id, 'running');
  const second = await p.spawn(await p.ticket(), 'scripted', 'hold');
  await second.handle.signal(turn); // too early: it stays as it is
  await until('a few steps of the first', async () => (await p.steps(first.id)).length > 3);
  expect((await p.row.run(second.id))?.status).toBe('spawned');
  await first.handle.executeUpdate(stop, { args: [halt] });
  await second.handle.signal(turn);
  await p.runIs(second.id, 'running');
  await second.handle.executeUpdate(stop, { args: [halt] });
  await second.handle.result();
  expect((await p.entries(second.id)).filter((kind) => kind === 'run.started')).toHaveLength(1);
  await p.agree(second);
  await keep('agentRun.queued', second.handle);
  await atMost(50);
});

test.each(['finished', 'failed'] as const)(
  'what was left behind is concluded as %s from outside, once',
  async (status) => {
    const run = await p.spawn(await p.ticket(), 'scripted', 'hold');
    await p.runIs(run.id, 'running');
    await run.handle.executeUpdate(conclude, { args: [{ by: bob, reason: 'told by the records', status }] });
    const ended = await run.handle.result();
    expect(ended).toMatchObject({ status, [status === 'finished' ? 'result' : 'error']: 'told by the records' });
    await p.agree(run);
    await keep(`agentRun.concluded-${status}`, run.handle);
  },
);

test('a run with a time to work in ends within it, or is stopped within it', async () => {
  const [quick, stopped] = await Promise.all(
    ['finish', 'hold'].map(async (prompt) => p.spawn(await p.ticket(), 'scripted', prompt, v7(), {}, minutes(60))),
  );
  if (!quick || !stopped) throw new Error('two were spawned');
  expect(await quick.handle.result()).toMatchObject({ status: 'finished' });
  await p.runIs(stopped.id, 'running');
  await stopped.handle.executeUpdate(stop, { args: [halt] });
  expect(await stopped.handle.result()).toMatchObject({ status: 'stopped', error: 'enough' });
  await keep('agentRun.in-its-time', quick.handle);
  await keep('agentRun.stopped-in-its-time', stopped.handle);
});

test('a run that has worked for as long as it may fails, and says so', async () => {
  const ticket = await p.ticket();
  const at = new Date().toISOString();
  const run = await c.store.write(c.tenantId, (tx) =>
    runs.insert(tx, {
      id: v7(), tenantId: c.tenantId, number: 0, taskNumber: 0, agentId: p.agentId, ticketId: ticket.id, taskType: 'ticket_resolution',
      harness: 'scripted', model: null, profileId: null, runtime: minutes(1), prompt: 'hold', scopes: [], triggerKind: null, definitionVersion: null,
      status: 'running', progress: 5, steps: 0, spawnedBy: ann, result: null, error: null, createdAt: at, startedAt: at, finishedAt: null, version: 2,
    }),
  ); // prettier-ignore
  if (!run) throw new Error('the run stands already');
  const queues = { agents: c.taskQueue, integrations: c.taskQueue };
  // As a workflow that another has handed the run to, all but a fifth of a second of its minute spent.
  const carried = { access: [], asked: [], seen: [], worked: 59_800 };
  const handle = await p.workflow.start(agentRun, {
    workflowId: workflowId('agentRun', c.tenantId, run.id),
    taskQueue: c.taskQueue,
    args: [{ run, gateTtlMs: DAY, leaseMs: HOUR, queues, carried }],
  });
  expect(await handle.result()).toMatchObject({
    status: 'failed',
    error: 'it worked for longer than the 1 minutes that its profile allows',
  });
  await p.agree(run);
  await keep('agentRun.over-its-time', handle);
});

test('a task waits for its time, and what fails is tried again by another run, as often as it may be', async () => {
  const id = v7();
  const now = await c.env.currentTimeMs();
  const order: TaskOrder = {
    taskId: id, number: 0, attempt: 1, retries: 1, kind: 'moving', priority: 'high', payload: { n: 1 },
    runAt: new Date(now + HOUR).toISOString(), createdAt: new Date(now).toISOString(),
  }; // prettier-ignore
  const run = await p.spawn(await p.ticket(), 'scripted', 'explode', id, { order });
  expect((await p.row.run(id))?.status).toBe('spawned');
  expect(await p.inTime(run.handle)).toMatchObject({ status: 'failed' });
  const second = p.handle('agentRun', attemptRunId(id, 2));
  expect(await p.inTime(second)).toMatchObject({ status: 'failed', error: expect.stringContaining('the script ends here') }); // prettier-ignore
  const { rows } = await c.owner.query(
    'select attempt, superseded, number, run_id, run_at from task_orders where task_id = $1 order by attempt',
    [id],
  );
  const first = await p.row.run(id);
  expect(rows).toMatchObject([
    { attempt: 1, superseded: true, number: first?.taskNumber, run_id: id },
    { attempt: 2, superseded: false, number: first?.taskNumber },
  ]);
  expect(Date.parse(first?.startedAt ?? '')).toBeGreaterThanOrEqual(now + HOUR);
  expect(rows[1].run_at.getTime()).toBe(Date.parse(first?.finishedAt ?? '') + 1_000);
  await p.agree(run);
  await keep('agentRun.tried-again', run.handle);
  await keep('agentRun.last-attempt', second);
});

test('and every one of them replays', () => p.replay());
