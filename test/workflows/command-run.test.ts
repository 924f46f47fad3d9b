import { join } from 'node:path';
import { v7 } from 'uuid';
import { createActivities } from '../../activities';
import { analyst } from '../../domain/analyst/analyst';
import { commandHarness } from '../../domain/command-harness';
import { fence } from '../../db/run-queries';
import { stop } from '../../workflows/agent-run';
import { settings } from '../runner/server';
import { until } from '../until';
import { keep } from './keep';
import { bob, play } from './play';
import { clockwork, type Clockwork } from './time';

// What the workflow makes of the ends of commands; the commands are real, the clock skips what they wait.

let c: Clockwork;
let p: ReturnType<typeof play>;
const names = ['normal', 'fails', 'busy-once', 'busy-always', 'asks-user', 'talks-forever'];
beforeAll(async () => {
  c = await clockwork((deps) => createActivities(deps, [analyst, ...names.map(commandHarness)]), 'agent_only', {
    ...settings,
    PATH: join(__dirname, '../runner/bin'),
    AGENT_RETRY_SECONDS: '2',
  });
  p = play(c);
});
afterAll(() => c.close());

const launches = async (id: string) =>
  (await c.owner.query(`select launch, outcome ->> 'is' as outcome from agent_processes where run_id = $1 order by launch`, [id])).rows; // prettier-ignore

test('a command that ends well, one that does not, and one that is not there', async () => {
  const runtime = { timeout_minutes: 60, reasoning_effort: null, fast_mode: false, skills: [] };
  const well = await p.spawn(await p.ticket(), 'normal', null, v7(), {}, runtime);
  const ill = await p.spawn(await p.ticket(), 'fails');
  await p.runIs(well.id, 'finished');
  await p.runIs(ill.id, 'failed');
  expect(await p.row.run(well.id)).toMatchObject({ progress: 100, result: expect.stringContaining('did: ') });
  expect((await p.row.run(ill.id))?.error).toContain('exit code 1');
  expect(await p.entries(well.id)).toEqual(
    expect.arrayContaining(['run.started', 'process.launched', 'run.checkpoint', 'process.ended', 'run.finished']),
  );
  await keep('agentRun.command-finished', well.handle);
  await keep('agentRun.command-failed', ill.handle);
});

test('trouble that passes is waited out, three times', async () => {
  const [once, always] = [await p.spawn(await p.ticket(), 'busy-once'), await p.spawn(await p.ticket(), 'busy-always')];
  await p.inTime(once.handle);
  await p.inTime(always.handle);
  expect((await p.row.run(once.id))?.result).toBe('fine now');
  expect((await p.row.run(always.id))?.error).toContain('3 more attempts met the same');
  expect((await launches(always.id)).map((l) => l.outcome)).toEqual(['again', 'again', 'again', 'again']);
  await keep('agentRun.command-again', once.handle);
  await keep('agentRun.command-given-up', always.handle);
});

test('it waits for people, hears what does not end that, and goes on with the answer', async () => {
  const ticket = await p.ticket();
  const run = await p.spawn(ticket, 'asks-user');
  await p.runIs(run.id, 'awaiting_user_response');
  await keep('agentRun.command-waiting', run.handle);
  await p.say(run, ticket, 'web-7');
  await p.runIs(run.id, 'finished');
  expect((await p.row.run(run.id))?.result).toBe('web-7');
  expect(await launches(run.id)).toEqual([
    { launch: 1, outcome: 'waiting' },
    { launch: 2, outcome: 'finished' },
  ]);
  await keep('agentRun.command-answered', run.handle);
});

test('stopped by people it ends, and stays stopped', async () => {
  const run = await p.spawn(await p.ticket(), 'talks-forever');
  await until('it runs', async () => (await launches(run.id)).length === 1);
  await c.store.write(c.tenantId, (tx) => fence(tx, run.id, 'enough'));
  await run.handle.executeUpdate(stop, { args: [{ by: bob, reason: 'enough', terminate: false }] });
  await until('its command is over', async () => (await launches(run.id))[0].outcome === 'stopped');
  await run.handle.result();
  expect(await p.row.run(run.id)).toMatchObject({ status: 'stopped', error: 'enough' });
  await keep('agentRun.command-stopped', run.handle);
});

test('every history replays', () => p.replay());
