import { Client, Connection } from '@temporalio/client';
import { v7 } from 'uuid';
import { z } from 'zod';
import { startApi } from '../../api/main';
import { tool, type Tool } from '../../pipeline/call';
import { startWorker, type RunningWorker } from '../../workers/main';
import { caller, startServer, until, type Server } from '../harness';
import { idOf } from '../payments';
import { answers, stubModel } from '../stub-model';

// An investigation whose worker dies, whose tool fails, whose model is late; and what goes on from there.

let s: Server;
let worker: RunningWorker | null = null;
let stub: Awaited<ReturnType<typeof stubModel>>;
const base = '/api/v1/ops-agent';
const payment = {
  transaction_id: idOf('resumed'),
  occurred_at: '2021-03-01T10:00:00Z',
  customer_id: 'c',
  terminal_id: 't',
  amount: 700,
};
const plan = { tools: ['terminal_history', 'transaction', 'customer_history'], reason: 'the terminal is new' };
const story = { summary: 'Looks unusual', statements: [{ type: 'story', summary: 'The amount is 700', cites: [2] }] };

beforeAll(async () => {
  stub = await stubModel(({ messages }) => answers.says(messages[1]?.content.includes('EVIDENCE\n') ? story : plan));
  s = await startServer(
    { OPS_AGENT_MODEL_URL: stub.url, OPS_AGENT_MODEL_NAME: 'small', OPS_AGENT_MODEL_KEY: 'k', OPS_AGENT_MODEL_TIMEOUT_MS: '400', SWEEP_SECONDS: '1' },
    { worker: false },
  ); // prettier-ignore
  await s.call('POST', `${base}/transactions`, [payment]);
}, 60_000);
afterEach(async () => {
  await worker?.close();
  worker = null;
});
afterAll(async () => {
  await s.close();
  await stub.close();
});

/** A worker whose tools can be made to fail; what is built in stands behind them. */
async function start(tools: readonly Tool[] = []): Promise<void> {
  worker = await startWorker(s.config, { tools });
}
const run = async (call: Server['call'] = (...asked) => s.call(...asked)): Promise<string> =>
  (await call('POST', `${base}/investigations/run`, { transaction_id: payment.transaction_id })).body.investigation_id;
/** One that has so long, and a quarter of it for a step that fails. */
async function runFor(investigationDeadlineMs: number): Promise<string> {
  const api = await startApi({ ...s.config, investigationDeadlineMs });
  try {
    return await run(caller(api.url, s.token));
  } finally {
    await api.close();
  }
}
const detail = async (id: string) => (await s.call('GET', `${base}/investigations/${id}`)).body;
const is = (id: string, ...statuses: string[]) =>
  until(
    async () => {
      const it = await detail(id);
      return statuses.includes(it.status) ? it : null;
    },
    `investigation ${id} to be ${statuses.join(' or ')}`,
  );
const resume = (id: string, headers = {}) => s.call('POST', `${base}/investigations/${id}/resume`, undefined, headers);
const tools = (it: any): string[] => it.tool_executions.map((e: any) => e.tool);
const ids = (it: any): string[] => it.tool_executions.map((e: any) => e.execution_id);
/** In place of the built-in one. */
const failing = (message: string): Tool =>
  tool({
    name: 'customer_history', description: 'fails', effect: 'read', scope: 'ops_agent:read', content: 'prose', args: z.any(),
    target: () => 'x', run: () => Promise.reject(new Error(message)),
  }); // prettier-ignore

test('with a model: its plan, its words over the evidence, and what the rule says stays', async () => {
  await start();
  const it = await is(await run(), 'COMPLETED');
  expect(tools(it)).toEqual([...plan.tools, 'back_test']);
  expect(it.planner_decisions.map((d: any) => [d.phase, d.decided_by, d.model])).toEqual([
    ['plan', 'model', 'small'], ['narrative', 'model', 'small'], ['weigh', 'rules', null],
  ]); // prettier-ignore
  expect(it).toMatchObject({ summary: 'Looks unusual', trace: { model_calls: 2 } });
  expect(it.insights.map((i: any) => i.insight_type)).toContain('story');
  const html = await s.call('GET', `${base}/investigations/${it.investigation_id}/trace`);
  expect([html.status, html.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  expect(html.text).toContain('the terminal is new');
});

test.each([
  ['nonsense', [answers.says('Everything.')], 'not JSON'],
  ['the wrong shape', [answers.says({ tools: 'all' })], 'wrong shape'],
  ['a tool there is not', [answers.says({ tools: ['site.publish'], reason: 'x' })], 'a tool that there is not'],
  ['too much', [answers.says('x'.repeat(20_000))], 'more than 16000'],
  ['nothing, each time', [answers.silence(), answers.silence(), answers.silence()], 'did not answer in time'],
  ['503, each time', [answers.status(503), answers.status(503), answers.status(503)], 'answered 503'],
])('a model that answers %s leaves the plan to the rules, and the decision says so', async (_what, script, says) => {
  await start();
  stub.next(...script);
  const it = await is(await run(), 'COMPLETED');
  expect(it.planner_decisions[0]).toMatchObject({
    phase: 'plan',
    decided_by: 'fallback',
    reason: expect.stringContaining(says),
  });
  expect(tools(it)).toEqual(['transaction', 'customer_history', 'terminal_history', 'back_test']);
});

/** Told beside what it found before it was stopped: the same steps, and those that were left. */
async function goesOn(id: string, before: any, status = 'COMPLETED') {
  const it = await is(id, status);
  expect(ids(it).slice(0, ids(before).length)).toEqual(ids(before));
  expect([...tools(it)].sort()).toEqual(['back_test', 'customer_history', 'terminal_history', 'transaction']);
  expect(it).toMatchObject({ attempt: before.attempt + 1, error: null });
  const { rows } = await s.owner.query(
    `select kind from log where subject_id = $1 and version is not null order by seq`, [id],
  ); // prettier-ignore
  expect(rows.map((r) => r.kind)).toContain('investigation.resumed');
  return it;
}
const patient = (timeoutMs: number) =>
  s.config.opsAgentModel && { ...s.config, opsAgentModel: { ...s.config.opsAgentModel, timeoutMs } };

test('the worker dies in the middle: another goes on, and no finished step is repeated', async () => {
  worker = await startWorker(patient(60_000) ?? s.config);
  stub.next(answers.says(plan), answers.silence());
  const id = await run();
  const before = await until(async () => {
    const it = await detail(id);
    return it.step_count === 4 && it;
  }, 'all steps');
  await worker.close(); // while the model is asked for its words
  await start();
  const it = await is(id, 'COMPLETED');
  expect(ids(it)).toEqual(ids(before));
});

test('a model that takes longer than there is time: TIMED_OUT, and resumed it is told after all', async () => {
  worker = await startWorker(patient(60_000) ?? s.config);
  stub.next(answers.says(plan), answers.silence());
  const id = await runFor(6_000);
  const before = await is(id, 'TIMED_OUT');
  expect(before).toMatchObject({ error: 'deadline', step_count: 4, severity: null, recommendations: [] });
  const asked = stub.asked.length;
  expect((await resume(id)).status).toBe(202);
  const it = await goesOn(id, before);
  expect(stub.asked.length).toBe(asked + 1); // the plan stands
  expect(it.insights.map((i: any) => i.insight_type)).toContain('story');
});

test('a tool that fails: FAILED in its words; of two who resume one is heard, and what was done stays done', async () => {
  await start([failing('the ledger is being moved')]);
  const id = await runFor(16_000);
  const before = await is(id, 'FAILED');
  expect(before.error).toContain('the ledger is being moved');
  expect(tools(before)).toEqual(['terminal_history', 'transaction']);
  await worker?.close();
  await start();
  const raced = await Promise.all(Array.from({ length: 4 }, () => resume(id)));
  expect(raced.map((a) => a.status).sort()).toEqual([202, 409, 409, 409]);
  expect(raced.find((a) => a.status === 409)?.body.error.code).toBe('OPS_AGENT_CONFLICT');
  await goesOn(id, before);
  expect((await resume(id)).status).toBe(409);
});

test('cancelled or terminated in Temporal: INTERRUPTED, and resumed by a request whose answer is lost once', async () => {
  const connection = await Connection.connect({ address: s.config.temporalAddress ?? '' });
  const { workflow } = new Client({ connection });
  worker = await startWorker(patient(60_000) ?? s.config);
  try {
    for (const end of ['cancel', 'terminate'] as const) {
      stub.next(answers.silence());
      const asked = stub.asked.length;
      const id = await run();
      await until(() => Promise.resolve(stub.asked.length > asked), 'the model to be asked');
      await workflow.getHandle(`investigation:${s.tenantId}:${id}`)[end]();
      const before = await is(id, 'INTERRUPTED');
      const key = { 'idempotency-key': v7() };
      const first = await resume(id, key);
      await s.owner.query('delete from idempotency_keys');
      expect([first.status, (await resume(id, key)).status]).toEqual([202, 202]);
      await goesOn(id, before);
    }
  } finally {
    await connection.close();
  }
});
