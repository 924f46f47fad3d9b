import { createActivities } from '../../activities';
import { fence } from '../../db/run-queries';
import { analyst } from '../../domain/analyst/analyst';
import { reasoner } from '../../domain/reasoner/reasoner';
import { stop } from '../../workflows/agent-run';
import { answers, stubModel, type Turn } from '../stub-model';
import { until } from '../until';
import { keep } from './keep';
import { bob, play } from './play';
import { scripted } from './scripted';
import { clockwork, type Clockwork } from './time';

let stub: Awaited<ReturnType<typeof stubModel>>;
let c: Clockwork;
let p: ReturnType<typeof play>;
beforeAll(async () => {
  stub = await stubModel(() => answers.turn({ calls: [{ tool: 'finish', args: { summary: 'nothing to do' } }] }));
  const models = [
    { name: 'open', api: 'openai', url: stub.url, context_window: 60_000, max_output: 1_000, price: { input: 1, output: 1 } },
  ]; // prettier-ignore
  c = await clockwork((deps) => createActivities(deps, [analyst, reasoner, scripted]), 'agent_only', {
    AGENT_MODELS: JSON.stringify(models),
  });
  p = play(c);
});
afterAll(async () => {
  await c.close();
  await stub.close();
});

const PUBLISH = 'publish_static_site';
const turn = (t: Turn) => answers.turn(t);
const look = (query: string) =>
  turn({ text: `I look for ${query}.`, calls: [{ tool: 'knowledge_search', args: { query } }] });
const report = {
  title: 'Report', summary: 'All is known', claims: [], hypotheses: [], tables: [], references: [], limits: [], steering: [],
}; // prettier-ignore
const proposes = (slug: string) =>
  turn({
    calls: [{ tool: 'propose_change', args: { tool: 'site.publish', arguments: { slug, report }, reason: 'to tell people' } }],
  }); // prettier-ignore
const turns = async (runId: string) =>
  (await c.owner.query('select turn, attempt, state, purpose, text from model_turns where run_id = $1 order by turn, attempt', [runId])).rows; // prettier-ignore

test('a model looks, proposes, and what people approve is carried out', async () => {
  stub.next(look('sshd'), proposes('NOT A SLUG'), proposes('by-a-model'));
  const run = await p.spawn(await p.ticket(), 'model');
  const gate = await p.gateOf(run.id, PUBLISH);
  await p.runIs(run.id, 'pending_approval');
  expect(gate.target).toBe('by-a-model');
  await p.decide(gate, 'approve');
  await p.runIs(run.id, 'finished');
  expect((await p.row.run(run.id))?.result).toContain('/published/by-a-model/');
  expect((await p.steps(run.id)).map((s) => [s.tool, s.decision])).toEqual([
    ['knowledge.search', 'allow'],
    ['site.publish', 'deny'],
    ['site.publish', 'escalate'],
    ['site.publish', 'allow'],
  ]);
  expect((await p.entries(run.id)).filter((kind) => kind.startsWith('model.'))).toEqual(
    Array.from({ length: 3 }, () => ['model.turn_started', 'model.turn_finished']).flat(),
  );
  await p.agree(run, { gate: gate.id });
  await keep('agentRun.model-published', run.handle);
});

test('what is said while people decide is answered in a turn of its own, and the proposal stands', async () => {
  const ticket = await p.ticket();
  stub.next(proposes('stands'), turn({ text: 'Root is not affected.' }));
  const run = await p.spawn(ticket, 'model');
  const gate = await p.gateOf(run.id, PUBLISH);
  await p.runIs(run.id, 'pending_approval');
  const said = await p.say(run, ticket, 'and root?');
  await until('it is acknowledged', async () => (await said.row())?.status === 'acknowledged');
  expect(stub.asked.at(-1)?.body).toContain('and root?');
  expect((await p.notes(ticket)).map((n) => n.body)).toContain('Root is not affected.');
  expect(await p.row.gate(gate.id)).toMatchObject({ status: 'pending', digest: gate.digest });
  await p.decide(gate, 'approve');
  await p.runIs(run.id, 'finished');
  await p.agree(run, { gate: gate.id });
  await keep('agentRun.model-steered', run.handle);
});

test('a long run goes on in a new workflow: its access, what it heard and what it did go with it', async () => {
  const ticket = await p.ticket();
  const access = { system: 'gitlab', resource: 'ops', permission: 'read', reason: 'to see changes' };
  stub.next(
    look('one'),
    turn({ calls: [{ tool: 'request_access', args: access }] }),
    look('two'),
    look('three'),
    look('four'),
  );
  const run = await p.spawn(ticket, 'model', null, undefined, { turnsEach: 3 });
  await p.runIs(run.id, 'finished');
  const description = await run.handle.describe();
  const first = await p.workflow
    .getHandle(run.handle.workflowId, description.raw.workflowExecutionInfo?.firstRunId ?? '')
    .fetchHistory();
  expect(first.events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes).toBeTruthy();
  expect((await p.steps(run.id)).map((s) => s.step)).toEqual([0, 1, 2, 3]);
  expect((await turns(run.id)).map((t) => t.state)).toEqual(Array(6).fill('answered'));
  expect((await p.entries(run.id)).filter((kind) => kind === 'run.started')).toHaveLength(1);
  const { rows } = await c.owner.query('select id from access_requests where run_id = $1', [run.id]);
  expect(rows).toHaveLength(1);
  await p.accessIs(rows[0].id as string, 'expired'); // it heard of the run's end
  await p.agree(run, { access: rows[0].id as string });
  await keep('agentRun.renewed', { fetchHistory: () => Promise.resolve(first) });
  await keep('agentRun.carried', run.handle);
});

test('a run whose model is stopped in the middle of an answer stops, and what was reserved counts', async () => {
  stub.next(answers.silence());
  const run = await p.spawn(await p.ticket(), 'model');
  await until('the model is asked', async () => (await turns(run.id)).length === 1);
  await c.store.write(c.tenantId, (tx) => fence(tx, run.id, 'enough'));
  await run.handle.executeUpdate(stop, { args: [{ by: bob, reason: 'enough', terminate: false }] });
  await run.handle.result();
  expect(await p.row.run(run.id)).toMatchObject({ status: 'stopped', error: 'enough' });
  await until('its turn is settled', async () => (await turns(run.id))[0]?.state === 'lost');
  await p.agree(run);
  await keep('agentRun.model-stopped', run.handle);
});

test('a model that asks for nothing that there is fails its run, in words', async () => {
  stub.next(...Array.from({ length: 5 }, () => turn({ calls: [{ tool: 'root_shell', args: {} }] })));
  const run = await p.spawn(await p.ticket(), 'model');
  await p.runIs(run.id, 'failed');
  expect((await p.row.run(run.id))?.error).toBe(
    'the model went wrong 5 times in a row: refused (deny): there is no tool root_shell',
  );
  await p.agree(run);
  await keep('agentRun.model-lost', run.handle);
});

test('every history of these tests replays', () => p.replay());
