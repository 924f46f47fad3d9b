import { v7 } from 'uuid';
import { createActivities } from '../../activities';
import { runActivities } from '../../activities/lifecycle/runs';
import { analyst } from '../../domain/analyst/analyst';
import { step } from '../../domain/run';
import { gateMoved } from '../../workflows/messages';
import { until } from '../until';
import { ends } from './agent-run-ends';
import { keep } from './keep';
import { bob, play, refused } from './play';
import { scripted } from './scripted';
import { clockwork, type Clockwork } from './time';

const world = {} as { c: Clockwork; p: ReturnType<typeof play> };
let c: Clockwork;
let p: ReturnType<typeof play>;
beforeAll(async () => {
  c = await clockwork((deps) => createActivities(deps, [analyst, scripted]));
  p = play(c);
  Object.assign(world, { c, p });
});
afterAll(() => c.close());

const PUBLISH = 'publish_static_site';

/** A run of the script that has come as far as asking people. */
async function proposed(prompt: string | null = null) {
  const ticket = await p.ticket();
  const run = await p.spawn(ticket, 'scripted', prompt);
  const gate = await p.gateOf(run.id, PUBLISH);
  await p.runIs(run.id, 'pending_approval');
  return { ticket, run, gate };
}

test.each(['scripted', 'embedded'])(
  '%s: an approved proposal is carried out, its gate completed, the run finished',
  async (harness) => {
    const ticket = await p.ticket();
    const run = await p.spawn(ticket, harness);
    const gate = await p.gateOf(run.id, PUBLISH);
    await p.runIs(run.id, 'pending_approval');
    await p.agree(run, { gate: gate.id });
    await p.decide(gate, 'approve');
    await p.runIs(run.id, 'finished');
    const row = await p.row.run(run.id);
    expect(row).toMatchObject({ progress: 100, error: null });
    expect(row?.result).toContain(`/published/${gate.target}/`);
    expect(await p.row.gate(gate.id)).toMatchObject({
      status: 'completed',
      result: row?.result,
      completedBy: { kind: 'agent' },
    });
    expect((await p.steps(run.id)).slice(-2)).toMatchObject([
      { decision: 'escalate' },
      { decision: 'allow', tool: 'site.publish' },
    ]);
    expect(row?.steps).toBe((await p.steps(run.id)).length);
    expect(await p.entries(run.id)).toEqual(
      expect.arrayContaining(['run.spawned', 'run.started', 'run.waiting', 'run.finished']),
    );
    await p.agree(run, { gate: gate.id });
    await keep(`agentRun.published-${harness}`, run.handle);
  },
);

test('a rejected proposal ends the run without publishing, and says why', async () => {
  const { run, gate } = await proposed();
  await keep('agentRun.suspended', run.handle);
  await p.decide(gate, 'reject', 'not this week');
  expect(await run.handle.result()).toMatchObject({
    status: 'finished',
    result: 'not published: the change was rejected by bob: not this week',
  });
  expect((await c.owner.query('select from publications where run_id = $1', [run.id])).rowCount).toBe(0);
  await p.agree(run, { gate: gate.id });
  await keep('agentRun.rejected', run.handle);
});

test('a gate whose deadline passes expires, and the run is told', async () => {
  const { run, gate } = await proposed();
  expect(await p.inTime(run.handle)).toMatchObject({
    status: 'finished',
    result: 'not published: the change was expired: deadline',
  });
  expect(await p.row.gate(gate.id)).toMatchObject({ status: 'expired' });
  await p.agree(run, { gate: gate.id });
  await keep('agentRun.expired', run.handle);
});

test('what is said before the proposal is looked at between two steps, and acknowledged with it', async () => {
  const ticket = await p.ticket();
  const run = await p.spawn(ticket, 'scripted', 'hold');
  await until('a few steps', async () => (await p.steps(run.id)).length > 3);
  const said = await p.say(run, ticket, 'the user root');
  const gate = await p.gateOf(run.id, PUBLISH);
  await until('it is acknowledged', async () => (await said.row())?.status === 'acknowledged');
  expect((await p.notes(ticket)).filter((n) => n.body === 'looked for the user root')).toHaveLength(1);
  await p.runIs(run.id, 'pending_approval');
  await p.agree(run, { gate: gate.id });
  await p.decide(gate, 'reject');
  await run.handle.result();
});

test('what is said while people decide is answered meanwhile, once, and the proposal stands', async () => {
  const { ticket, run, gate } = await proposed();
  const first = await p.say(run, ticket, 'the user admin');
  const second = await p.say(run, ticket, 'the user guest');
  for (const said of [first, second])
    await until('it is acknowledged', async () => (await said.row())?.status === 'acknowledged');
  const answers = (await p.notes(ticket)).map((n) => String(n.body)).filter((body) => body.startsWith('looked for'));
  expect(answers.sort()).toEqual(['looked for the user admin', 'looked for the user guest']);
  expect(await p.row.gate(gate.id)).toMatchObject({ status: 'pending', digest: gate.digest });
  await p.agree(run, { gate: gate.id });
  await p.decide(gate, 'approve');
  await p.runIs(run.id, 'finished');
  await p.agree(run, { gate: gate.id });
  await keep('agentRun.steered', run.handle);
});

test('a proposal that the pipeline refuses asks nobody', async () => {
  const run = await p.spawn(await p.ticket(), 'scripted', 'overreach');
  await p.runIs(run.id, 'finished');
  const row = await p.row.run(run.id);
  expect(row?.result).toMatch(/^not published: the proposal was refused \(deny\): slug/);
  expect((await c.owner.query('select from gates where run_id = $1', [run.id])).rowCount).toBe(0);
  await p.agree(run);
});

test('a harness that throws fails its run, in its own words', async () => {
  const run = await p.spawn(await p.ticket(), 'scripted', 'explode');
  await p.runIs(run.id, 'failed');
  expect((await p.row.run(run.id))?.error).toContain('the script ends here');
  await p.agree(run);
  await keep('agentRun.failed', run.handle);
  const unknown = await p.spawn(await p.ticket(), 'nobody');
  await p.runIs(unknown.id, 'failed');
  expect((await p.row.run(unknown.id))?.error).toContain('there is no harness nobody');
});

test('a ticket has one agent at a time: the second is refused and leaves no row', async () => {
  const { ticket, run, gate } = await proposed();
  const before = (await c.owner.query('select count(*)::int as n from runs')).rows;
  const second = v7();
  await refused('Conflict', p.spawn(ticket, 'scripted', null, second));
  await keep('agentRun.refused', p.handle('agentRun', second));
  expect((await c.owner.query('select count(*)::int as n from runs')).rows).toEqual(before);
  await p.decide(gate, 'reject');
  await run.handle.result();
  await keep('agentRun.rejected-without-reason', run.handle);
  const next = await p.spawn(ticket, 'scripted', 'finish');
  expect(await next.handle.result()).toMatchObject({ status: 'finished', result: 'nothing to publish' });
  await p.agree(next);
  await keep('agentRun.finished', next.handle);
});

test('a row that is ahead of history decides: the run adopts its stop', async () => {
  const { run, gate } = await proposed();
  const row = await p.row.run(run.id);
  if (!row) throw new Error('no row');
  // As after a crash between the commit of a stop and the completion of its workflow task.
  const event = { type: 'stop' as const, by: bob, reason: 'lost', terminate: false };
  await runActivities({ ...c, learning: { model: null } }).recordRun(step(row, event, row.createdAt), {
    event,
    transition: 'lost',
  });
  await p.decide(gate, 'approve');
  expect(await run.handle.result()).toMatchObject({ status: 'stopped', error: 'lost' });
  await keep('agentRun.adopted', run.handle);
  expect((await c.owner.query('select from publications where run_id = $1', [run.id])).rowCount).toBe(0);
  await p.agree(run, { gate: gate.id });
});

test("another's gate that only tells the run decides nothing", async () => {
  const { run, gate } = await proposed();
  await run.handle.signal(gateMoved, { ...gate, id: run.id, status: 'approved', version: 9 });
  // … nor does what its own gate can't say: who believed that would be deaf for what follows …
  await run.handle.signal(gateMoved, { ...gate, version: 1e9 });
  // … nor do a repeat of what it was told already, and messages of no shape at all.
  await run.handle.signal(gateMoved, gate);
  for (const [signal, payload] of [
    ['steer', {}],
    ['steer', null],
    ['accessMoved', {}],
    ['accessMoved', { id: 'x' }],
  ] as const)
    await c.env.client.workflow.getHandle(run.handle.workflowId).signal(signal, payload);
  await p.agree(run, { gate: gate.id });
  expect(await p.row.run(run.id)).toMatchObject({ status: 'pending_approval' });
  await p.decide(gate, 'reject');
  await run.handle.result();
  await keep('agentRun.any-shape', run.handle);
});

test('a word that its gate was approved is not believed over the row of the gate, and the run hears what people decide', async () => {
  const { run, gate } = await proposed();
  await run.handle.signal(gateMoved, { ...gate, status: 'approved', version: 2, decidedBy: bob });
  // Whether it looks before or after they do, the row is what it goes by.
  await p.decide(gate, 'reject', 'not this week');
  expect(await run.handle.result()).toMatchObject({
    status: 'finished',
    result: 'not published: the change was rejected by bob: not this week',
  });
  expect((await p.entries(run.id)).filter((kind) => kind === 'run.started')).toHaveLength(1);
  expect((await p.steps(run.id)).filter(({ decision }) => decision === 'error')).toEqual([]);
  await p.agree(run, { gate: gate.id });
  await keep('agentRun.forged', run.handle);
});

test('nor is a word that it was rejected: the run goes on waiting, and publishes when it is approved', async () => {
  const { ticket, run, gate } = await proposed();
  await run.handle.signal(gateMoved, { ...gate, status: 'rejected', version: 2, decidedBy: bob, decisionReason: 'no' });
  // What is said after it is answered after it: by then it was looked at.
  const said = await p.say(run, ticket, 'the user root');
  await until('it is acknowledged', async () => (await said.row())?.status === 'acknowledged');
  expect(await p.row.run(run.id)).toMatchObject({ status: 'pending_approval' });
  await p.decide(gate, 'approve');
  await p.runIs(run.id, 'finished');
  expect(await p.row.gate(gate.id)).toMatchObject({ status: 'completed' });
  await p.agree(run, { gate: gate.id });
  await keep('agentRun.forged-rejection', run.handle);
});

ends({ world, proposed });

test('every history of these tests replays', () => p.replay());
