import { WithStartWorkflowOperation } from '@temporalio/client';
import { v7 } from 'uuid';
import { createActivities } from '../../activities';
import type { PipelineTransition } from '../../activities/lifecycle/pipelines';
import { pipelines } from '../../db/pipelines';
import { analyst } from '../../domain/analyst/analyst';
import { newPipeline, type Pipeline, type StepPlan } from '../../domain/pipeline';
import { agentScopes } from '../../domain/scopes';
import { workflowId } from '../../workflows/ids';
import { end, opened, pipelineRun, pipelineState } from '../../workflows/pipeline-run';
import { settles, until } from '../until';
import { keep } from './keep';
import { ann, bob, DAY, HOUR, play } from './play';
import { scripted } from './scripted';
import { clockwork, type Clockwork } from './time';

/** Transitions whose answer is lost once they are written. */
const lost = new Set<string>();
/** What a worker wrote and died of, by the transition that finds it there. */
const before = new Map<string, PipelineTransition>();

let c: Clockwork;
let p: ReturnType<typeof play>;
beforeAll(async () => {
  c = await clockwork((deps) => {
    const activities = createActivities(deps, [analyst, scripted]);
    return {
      ...activities,
      async recordPipeline(next: Pipeline, t: PipelineTransition) {
        const earlier = before.get(`${next.id} ${t.transition}`);
        if (earlier) await activities.recordPipeline(next, earlier);
        const stands = await activities.recordPipeline(next, t);
        if (lost.delete(`${next.id} ${t.transition}`)) throw new Error('its answer is lost');
        return stands;
      },
    };
  });
  p = play(c);
  await c.owner.query(`update agents set harness = 'scripted' where name = 'analyst'`);
});
afterAll(() => c.close());

const FINISH = 'please finish now';
const plan = (name: string, order: number, prompt = FINISH, more: Partial<StepPlan> = {}): StepPlan => ({
  name, prompt, order, agent: null, retries: 0, timeoutSeconds: null, ...more,
}); // prettier-ignore

async function start(steps: StepPlan[], more: Partial<Pipeline> = {}) {
  const draft = newPipeline(
    {
      id: v7(), tenantId: c.tenantId, name: 'A pipeline', blueprintId: null, blueprintVersion: null, ticketId: null, carriedOutBy: 'runs',
      runId: null, scopes: [...agentScopes], startedBy: ann, createdAt: new Date(await c.env.currentTimeMs()).toISOString(), ...more,
    },
    steps,
  ); // prettier-ignore
  const queues = { agents: c.taskQueue, integrations: c.taskQueue };
  const startWorkflowOperation = new WithStartWorkflowOperation(pipelineRun, {
    workflowId: workflowId('pipelineRun', c.tenantId, draft.id),
    taskQueue: c.taskQueue,
    workflowIdConflictPolicy: 'USE_EXISTING',
    args: [{ pipeline: draft, gateTtlMs: DAY, leaseMs: HOUR, queues }],
  });
  const row = async (): Promise<Pipeline> => {
    const found = await c.store.read(c.tenantId, (tx) => pipelines.byId(tx, draft.id));
    if (!found) throw new Error('no row');
    return found;
  };
  return {
    id: draft.id,
    startWorkflowOperation,
    row,
    open: () => p.workflow.executeUpdateWithStart(opened, { startWorkflowOperation, args: [] }),
    handle: p.handle('pipelineRun', draft.id),
    is: (status: string) => until(`the pipeline is ${status}`, async () => (await row()).status === status),
  };
}
async function begun(steps: StepPlan[], more: Partial<Pipeline> = {}) {
  const it = await start(steps, more);
  await it.open();
  return it;
}
const statuses = (it: Pipeline): string[] => it.steps.map((s) => s.status);
const times = async (id: string) =>
  (
    await c.owner.query<{ name: string; at: string; started: Date; finished: Date; prompt: string }>(
      `select s.value ->> 'name' as name, r.created_at as started, r.finished_at as finished, r.prompt
       from pipelines p, jsonb_array_elements(p.steps) s, jsonb_array_elements_text(s.value -> 'runIds') i join runs r on r.id = i::uuid
       where p.id = $1 order by r.number`,
      [id],
    )
  ).rows;

test('steps go in their order, those that share one together; each is told what came before', async () => {
  const it = await begun([plan('last', 3), plan('left', 2), plan('first', 1), plan('right', 2)]);
  await it.is('completed');
  const row = await it.row();
  expect(statuses(row)).toEqual(['completed', 'completed', 'completed', 'completed']);
  expect(row.steps.map((s) => s.attempts)).toEqual([1, 1, 1, 1]);
  expect(row.result).toContain('first: nothing to publish');
  const runs = await times(it.id);
  expect(runs.map((r) => r.name)).toEqual([
    'first',
    expect.stringMatching(/left|right/),
    expect.stringMatching(/left|right/),
    'last',
  ]);
  const [first, left, right, last] = runs;
  expect(first && left && first.finished <= left.started).toBe(true);
  expect(left && right && last && [left, right].every((r) => r.finished <= last.started)).toBe(true);
  expect(last?.prompt).toContain('- left: nothing to publish');
  expect(last?.prompt).not.toContain('- last:');
  const { number, ticketId, status, version, name } = row;
  const steps = row.steps.map(({ name, status, attempts, runIds }) => ({ name, status, attempts, runIds }));
  await settles(async () =>
    expect(await it.handle.query(pipelineState)).toEqual({ number, ticketId, status, version, name, steps }),
  );
  expect((await p.entries(it.id)).filter((k) => k === 'pipeline.step_started')).toHaveLength(4);
  await keep('pipelineRun.completed', it.handle);
});

test('steps that are tasks are carried out by agents of a kind, which try them as often as they say', async () => {
  const { rows } = await c.owner.query(`select agent_type as type from agents where name = 'analyst'`);
  const task = (say: string, retries: number) => ({ agentType: rows[0].type as string, payload: { say }, retries, timeoutSeconds: 60 }); // prettier-ignore
  const it = await begun(
    [
      plan('works', 1, '', { task: task('please finish now', 0) }),
      plan('breaks', 2, '', { task: task('please explode now', 1) }),
    ],
    { parameters: { from: 'all' }, priority: 'high' },
  );
  await p.inTime(it.handle);
  const row = await it.row();
  expect([row.status, row.error, statuses(row), row.steps.map((s) => s.attempts)]).toEqual([
    'failed', 'failed: breaks', ['completed', 'failed'], [1, 2],
  ]); // prettier-ignore
  const orders = await c.owner.query(
    `select o.attempt, o.priority, o.payload, o.superseded from task_orders o join runs r on r.id = o.run_id
     where r.ticket_id = $1 order by r.number`,
    [row.ticketId],
  );
  const previous = { works: { text: 'nothing to publish' } };
  expect(orders.rows).toEqual([
    { attempt: 1, priority: 'high', payload: { from: 'all', say: 'please finish now' }, superseded: false },
    { attempt: 1, priority: 'high', payload: { from: 'all', say: 'please explode now', previous }, superseded: true },
    { attempt: 2, priority: 'high', payload: { from: 'all', say: 'please explode now', previous }, superseded: false },
  ]);
  await keep('pipelineRun.tasks', it.handle);
});

test('a step that fails is tried again as often as it says; then what is left is skipped', async () => {
  const it = await begun([
    plan('breaks', 1, 'please explode now', { retries: 2 }),
    plan('beside', 1),
    plan('after', 2),
  ]);
  await p.inTime(it.handle);
  const row = await it.row();
  expect([row.status, row.error, statuses(row)]).toEqual([
    'failed',
    'failed: breaks',
    ['failed', 'completed', 'skipped'],
  ]);
  expect([row.steps[0]?.attempts, new Set(row.steps[0]?.runIds).size]).toEqual([3, 3]);
  expect(row.steps[0]?.error).toContain('the script ends here');
  await keep('pipelineRun.failed', it.handle);
});

test('a try that takes longer than it may is stopped, with its agent, and fails', async () => {
  const it = await begun([plan('waits', 1, 'please propose now', { timeoutSeconds: 600 })]);
  await until('its agent asks people', async () => ((await it.row()).steps[0]?.runIds.length ?? 0) > 0);
  const [run = ''] = (await it.row()).steps[0]?.runIds ?? [];
  await p.runIs(run, 'pending_approval');
  await p.inTime(it.handle);
  expect((await it.row()).steps[0]).toMatchObject({ status: 'failed', error: 'it took longer than 600 seconds' });
  expect((await p.row.run(run))?.status).toBe('stopped');
  await keep('pipelineRun.timed-out', it.handle);
});

test('ended by a person it stops what goes on and skips the rest; a second end is refused', async () => {
  const it = await begun([plan('waits', 1, 'please propose now'), plan('after', 2)]);
  await until('a run', async () => ((await it.row()).steps[0]?.runIds.length ?? 0) > 0);
  const [run = ''] = (await it.row()).steps[0]?.runIds ?? [];
  await p.runIs(run, 'pending_approval');
  await keep('pipelineRun.suspended', it.handle);
  const stop = { transition: `end:${v7()}`, status: 'cancelled' as const, text: 'enough', by: bob };
  const ends = await Promise.allSettled(
    [stop, { ...stop, transition: 'other', text: 'too late' }].map((how) =>
      it.handle.executeUpdate(end, { args: [how] }),
    ),
  );
  expect(ends.map((e) => e.status).sort()).toEqual(['fulfilled', 'rejected']);
  await it.handle.result();
  await p.runIs(run, 'stopped');
  expect(statuses(await it.row())).toEqual(['cancelled', 'skipped']);
  await keep('pipelineRun.cancelled', it.handle);
});

test('an end that a worker wrote and died of stands: another is refused, and nothing of it goes on', async () => {
  const it = await begun([plan('waits', 1, 'please propose now')]);
  await until('a run', async () => ((await it.row()).steps[0]?.runIds.length ?? 0) > 0);
  const [run = ''] = (await it.row()).steps[0]?.runIds ?? [];
  await p.runIs(run, 'pending_approval');
  const event = { type: 'end' as const, status: 'cancelled' as const, text: 'enough', by: bob };
  before.set(`${it.id} late`, { event, transition: 'end:dead', at: (await it.row()).createdAt });
  const late = { transition: 'late', status: 'failed' as const, text: 'too late', by: bob };
  await expect(it.handle.executeUpdate(end, { args: [late] })).rejects.toThrow('Update failed');
  await it.handle.result();
  await p.runIs(run, 'stopped');
  expect(await it.row()).toMatchObject({ status: 'cancelled', error: 'enough' });
});

test('cancelled in Temporal it ends as that, and so do its agents', async () => {
  const it = await begun([plan('waits', 1, 'please propose now'), plan('beside', 1)]);
  await until('both steps', async () => (await it.row()).steps.every((s) => s.runIds.length > 0));
  const [run = ''] = (await it.row()).steps[0]?.runIds ?? [];
  await p.runIs(run, 'pending_approval');
  await it.handle.cancel();
  await it.handle.result();
  expect(await it.row()).toMatchObject({ status: 'cancelled', error: 'cancelled in Temporal' });
  await p.runIs(run, 'stopped');
  await keep('pipelineRun.cancelled-Temporal', it.handle);
});

test('one that others carry out waits to be told, and costs no run', async () => {
  const it = await begun([], { carriedOutBy: 'reported', ticketId: (await p.ticket()).id });
  expect((await it.row()).status).toBe('queued');
  const told = { transition: `end:${v7()}`, status: 'completed' as const, text: 'done by hand', by: bob };
  await it.handle.executeUpdate(end, { args: [told] });
  await it.handle.result();
  expect(await it.row()).toMatchObject({ status: 'completed', result: 'done by hand', steps: [] });
  await keep('pipelineRun.reported', it.handle);
});

test('what is written and not heard of is found, and no step is tried twice for it', async () => {
  const it = await start([plan('one', 1), plan('two', 1)]);
  for (const transition of ['open', 'start', 'try:0:1', 'done:1', 'end']) lost.add(`${it.id} ${transition}`);
  await it.open();
  await it.is('completed');
  const row = await it.row();
  expect(row.steps.map((s) => [s.status, s.attempts, s.runIds.length])).toEqual([['completed', 1, 1], ['completed', 1, 1]]); // prettier-ignore
  expect(await times(it.id)).toHaveLength(2);
  expect(lost.size).toBe(0);
  await keep('pipelineRun.adopted', it.handle);
});

test('a step that nobody may carry out fails, and is not tried again', async () => {
  const it = await begun([plan('nobody', 1, FINISH, { agent: 'nobody', retries: 5 })]);
  await it.is('failed');
  expect((await it.row()).steps[0]).toMatchObject({ error: 'the agent nobody may not work here now', attempts: 0 });
  const closed = await p.ticket();
  await c.owner.query(`update tickets set status = 'closed' where id = $1`, [closed.id]);
  const late = await begun([plan('late', 1)], { ticketId: closed.id });
  await late.is('failed');
  expect((await late.row()).steps[0]?.error).toBe(`ticket ${closed.number} is closed`);
  await keep('pipelineRun.nobody', it.handle);
});

test('its moves bring no text of its steps into the history', async () => {
  const long = 'The whole of it. '.repeat(1_000);
  const it = await begun([1, 2, 3, 4].map((order) => plan(`step ${order}`, order, `${FINISH}. ${long}`)));
  await it.is('completed');
  await it.handle.result();
  const { events } = await it.handle.fetchHistory();
  const answers = (events ?? []).flatMap((e) =>
    (e.markerRecordedEventAttributes?.details?.['result']?.payloads ?? []).map((r) =>
      Buffer.from(r.data ?? '').toString(),
    ),
  );
  const moves = answers.filter((answer) => answer.includes('"applied"'));
  expect(moves).toHaveLength(1 + 1 + 4 * 2 + 1);
  expect(Math.max(...moves.map((m) => m.length))).toBeLessThan(1_000);
});

test('no branch of it replays another way', async () => {
  await p.replay();
});
