import { WithStartWorkflowOperation } from '@temporalio/client';
import { v7 } from 'uuid';
import { createActivities } from '../../activities';
import { investigations } from '../../db/investigations';
import { traceOf } from '../../db/traces';
import { analyst } from '../../domain/analyst/analyst';
import { Unusable, type Model } from '../../domain/model';
import { step, type Investigation } from '../../domain/investigation';
import { attemptId, workflowId } from '../../workflows/ids';
import {
  begun,
  investigation,
  investigationState,
  resumed,
  type InvestigationInput,
} from '../../workflows/investigation';
import { settles, until } from '../until';
import { keep } from './keep';
import { ann, bob, play, refused } from './play';
import { clockwork, type Clockwork } from './time';

const transactionId = v7();
const plan = JSON.stringify({ tools: ['terminal_history'], reason: 'the terminal is new' });
const story = JSON.stringify({ summary: 'Large', statements: [{ type: 'story', summary: 'It is 900', cites: [2] }] });

type Say = Model['ask'];
const usual: Say = (messages) => Promise.resolve(messages[1]?.content.includes('EVIDENCE\n') ? story : plan);
const never: Say = (_m, _k, signal) =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
let say: Say = usual;
let asked = 0;
const model: Model = { name: 'small', timeoutMs: 1_000, ask: (...args) => ((asked += 1), say(...args)) };
/** What a call of this tool fails with. */
let broken: { tool: string; message: string } | null = null;
let dying = false;

let c: Clockwork;
let p: ReturnType<typeof play>;
beforeAll(async () => {
  c = await clockwork((d) => {
    const execute: typeof d.pipeline.execute = (call, options) =>
      broken?.tool === call.tool ? Promise.reject(new Error(broken.message)) : d.pipeline.execute(call, options);
    const activities = createActivities({ ...d, model, pipeline: { ...d.pipeline, execute } }, [analyst]);
    const consultModel: typeof activities.consultModel = (input) =>
      dying ? Promise.reject(new Error('the worker is gone')) : activities.consultModel(input);
    return { ...activities, consultModel };
  });
  p = play(c);
  await c.owner.query(
    `insert into transactions (tenant_id, transaction_id, occurred_at, customer_id, terminal_id, amount) values ($1, $2, '2021-01-01', 'c', 't', 900)`,
    [c.tenantId, transactionId],
  );
});
beforeEach(() => {
  say = usual;
  broken = null;
  dying = false;
});
afterAll(() => c.close());

const rowOf = (id: string) => c.store.read(c.tenantId, (tx) => investigations.byId(tx, id));
const trace = async (id: string) => {
  const found = await c.store.read(c.tenantId, (tx) => traceOf(tx, id));
  if (!found) throw new Error(`no investigation ${id}`);
  return found;
};
const handleOf = (it: Pick<Investigation, 'id' | 'attempt'>) =>
  p.workflow.getHandle<typeof investigation>(workflowId('investigation', c.tenantId, attemptId(it.id, it.attempt)));
const starting = (it: Investigation, input: Omit<InvestigationInput, 'investigation'>) =>
  new WithStartWorkflowOperation(investigation, {
    workflowId: handleOf(it).workflowId,
    taskQueue: c.taskQueue,
    workflowIdConflictPolicy: 'USE_EXISTING',
    args: [{ investigation: it, ...input }],
  });

async function investigate(limits: Pick<InvestigationInput, 'deadlineMs' | 'patienceMs'> = { deadlineMs: 60_000 }) {
  const it: Investigation = {
    id: v7(), tenantId: c.tenantId, ticketId: null, transactionId, agentId: p.agentId, mode: 'full', status: 'PENDING', steps: 0, attempt: 1,
    severity: null, confidence: null, conclusion: null, error: null, startedBy: ann, createdAt: new Date().toISOString(), finishedAt: null,
    version: 1,
  }; // prettier-ignore
  await p.workflow.executeUpdateWithStart(begun, { startWorkflowOperation: starting(it, limits), args: [] });
  return it;
}

/** As the API does it: a workflow of its own for the next attempt, which knows who resumed it. */
async function resume(id: string, transition: string, deadlineMs = 60_000) {
  const left = await rowOf(id);
  if (!left) throw new Error('no row');
  const { attempt } = step(left, { type: 'resume' }, left.createdAt);
  const next = { ...left, attempt };
  const startWorkflowOperation = new WithStartWorkflowOperation(investigation, {
    workflowId: handleOf(next).workflowId,
    taskQueue: c.taskQueue,
    workflowIdConflictPolicy: 'USE_EXISTING',
    args: [{ investigation: left, deadlineMs, resume: { transition, by: bob } }],
  });
  await p.workflow.executeUpdateWithStart(resumed, { startWorkflowOperation, args: [transition] });
  return handleOf(next);
}

test('the model plans and tells; the numbers are the tools’, and all that was said and seen is kept', async () => {
  const it = await investigate();
  const end = await handleOf(it).result();
  expect(end).toMatchObject({ status: 'COMPLETED', severity: 'CRITICAL', steps: 5 });
  await settles(async () => expect(await handleOf(it).query(investigationState)).toEqual(await rowOf(it.id)));
  await keep('investigation.consulted', handleOf(it));
  const t = await trace(it.id);
  expect(t.executions.map((e) => e.tool)).toEqual([
    'terminal_history',
    'transaction',
    'customer_history',
    'neighbours',
    'back_test',
  ]);
  expect(t.decisions.map((d) => [d.phase, d.decidedBy, d.answer])).toEqual([
    ['plan', 'model', plan], ['narrative', 'model', story], ['weigh', 'rules', null],
  ]); // prettier-ignore
  expect(t.decisions[0]?.prompt).toHaveLength(2);
  expect(t.insights.map((i) => i.insightType)).toContain('story');
  const known = new Set(t.evidence.map((e) => e.id));
  for (const i of [...t.insights, ...t.recommendations]) expect(i.evidence.every((e) => known.has(e))).toBe(true);
  expect(await p.entries(it.id)).toEqual([
    'investigation.opened', 'investigation.begun', ...Array<string>(3).fill('investigation.decided'), 'investigation.concluded',
  ]); // prettier-ignore
});

test('a tool that fails for longer than the patience fails it; resumed, it repeats no finished step', async () => {
  broken = { tool: 'neighbours', message: 'the source is away' };
  const it = await investigate({ deadlineMs: 60_000, patienceMs: 1_000 });
  expect(await handleOf(it).result()).toMatchObject({ status: 'FAILED', error: 'the source is away', steps: 3 });
  await keep('investigation.tool-failed', handleOf(it));
  const before = await trace(it.id);
  broken = null;
  const [asks] = [asked];
  const second = await resume(it.id, 'resume:1');
  await refused('Conflict', second.executeUpdate(resumed, { args: ['resume:2'] }));
  expect(await second.result()).toMatchObject({ status: 'COMPLETED', attempt: 2, error: null, steps: 5 });
  await keep('investigation.resumed', second);
  const after = await trace(it.id);
  expect(after.executions.slice(0, 3)).toEqual(before.executions);
  expect(asked).toBe(asks + 1); // the plan stood
  await settles(async () => expect(await second.query(investigationState)).toEqual(await rowOf(it.id)));
  expect(after.moves.map((m) => [m.kind, m.actor]).slice(2)).toEqual([
    ['investigation.failed', 'ann'], ['investigation.resumed', 'bob'], ['investigation.concluded', 'ann'],
  ]); // prettier-ignore
});

test('a model that is asked and never answers: the deadline passes, twice; the third time it is told', async () => {
  say = (messages, ...rest) => (messages[1]?.content.includes('EVIDENCE\n') ? never : usual)(messages, ...rest);
  const it = await investigate({ deadlineMs: 5_000 });
  expect(await handleOf(it).result()).toMatchObject({ status: 'TIMED_OUT', steps: 5 });
  const second = await resume(it.id, 'resume:a', 5_000);
  await until('the model to be asked again', async () => (await second.describe()).raw.pendingActivities?.length === 1);
  await keep('investigation.resumed-suspended', second);
  expect(await second.result()).toMatchObject({ status: 'TIMED_OUT', attempt: 2 });
  await keep('investigation.timed-out-asking', second);
  say = usual;
  const third = await resume(it.id, 'resume:b');
  expect(await third.result()).toMatchObject({ status: 'COMPLETED', attempt: 3, steps: 5 });
});

test('a model of no use, and a worker that dies at each attempt to ask it, leave both decisions to the rules', async () => {
  say = () => Promise.reject(new Unusable('the answer is not JSON', 'Hm.'));
  const it = await investigate();
  expect(await handleOf(it).result()).toMatchObject({ status: 'COMPLETED', severity: 'CRITICAL' });
  const said = (await trace(it.id)).decisions.map((d) => [d.decidedBy, d.reason, d.answer]);
  expect(said.slice(0, 2)).toEqual(Array(2).fill(['fallback', 'the rules decide: the answer is not JSON', 'Hm.']));
  dying = true;
  const other = await investigate();
  expect(await handleOf(other).result()).toMatchObject({ status: 'COMPLETED' });
  await keep('investigation.without-model', handleOf(other));
  expect((await trace(other.id)).decisions.map((d) => d.reason)).toContain('the rules decide: the worker is gone');
});

test('cancelled in Temporal while the model is asked, it does not wait for an answer', async () => {
  say = never;
  const it = await investigate();
  await until('the model to be asked', async () => (await handleOf(it).describe()).raw.pendingActivities?.length === 1);
  await keep('investigation.suspended-asking', handleOf(it));
  await handleOf(it).cancel();
  expect(await handleOf(it).result()).toMatchObject({ status: 'INTERRUPTED', error: 'cancelled in Temporal' });
  await keep('investigation.cancelled-asking', handleOf(it));
});

test('a source that does not know the payment: inconclusive, and the reason is among the limits', async () => {
  await c.owner.query('delete from transactions');
  const it = await investigate();
  expect(await handleOf(it).result()).toMatchObject({ status: 'COMPLETED', severity: 'LOW', confidence: 0 });
  const { insights, recommendations, investigation: row } = await trace(it.id);
  expect([insights, recommendations]).toEqual([[], []]);
  expect(row.conclusion).toMatchObject({
    inconclusive: true,
    limits: expect.arrayContaining([expect.stringContaining('transaction')]),
  });
});

test('every history of these tests replays', () => p.replay());
