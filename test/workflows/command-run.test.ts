import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { v7 } from 'uuid';
import { createActivities, type Activities } from '../../activities';
import { lastCheckpoint } from '../../activities/agents/command/elsewhere';
import { here } from '../../activities/agents/command/here';
import { matterOf } from '../../activities/agents/command/told';
import { Watched } from '../../activities/agents/command/watch';
import { loadConfig } from '../../config';
import { insertLaunch, launchOf } from '../../db/agent-processes';
import { recordCheckpoint } from '../../db/checkpoints';
import { analyst } from '../../domain/analyst/analyst';
import { commandHarness } from '../../domain/command-harness';
import { fence } from '../../db/run-queries';
import { stop } from '../../workflows/agent-run';
import { putFile } from '../../runner/files';
import { commands, settings } from '../runner/server';
import { until } from '../until';
import { keep } from './keep';
import { bob, play } from './play';
import { clockwork, type Clockwork } from './time';

// What the workflow makes of the ends of commands; the commands are real, the clock skips what they wait.

let c: Clockwork;
let p: ReturnType<typeof play>;
let activities: Activities;
const names = [
  'no-tool',
  'foreign',
  'normal',
  'fails',
  'busy-once',
  'busy-always',
  'asks-user',
  'talks-forever',
  'odd-words',
  'gone',
];
beforeAll(async () => {
  c = await clockwork(
    (deps) => (activities = createActivities(deps, [analyst, ...names.map(commandHarness)])),
    'agent_only',
    {
      ...settings,
      AGENT_COMMANDS: JSON.stringify({ ...commands, foreign: { argv: ['true'], tenants: ['another'] } }),
      PATH: join(__dirname, '../runner/bin'),
      AGENT_RETRY_SECONDS: '2',
      AGENT_TOOL_CALL_SECONDS: '1',
    },
  );
  p = play(c);
});
afterAll(() => c.close());

const launches = async (id: string) =>
  (await c.owner.query(`select launch, outcome ->> 'is' as outcome from agent_processes where run_id = $1 order by launch`, [id])).rows; // prettier-ignore

const launched = async (id: string, launch: number) => {
  const found = await c.store.read(c.tenantId, (tx) => launchOf(tx, id, launch));
  if (!found) throw new Error(`the run has no launch ${launch}`);
  return found;
};

test('a command that ends well, one that does not, and one that is not there', async () => {
  const runtime = {
    timeout_minutes: 60,
    reasoning_effort: null,
    fast_mode: false,
    skills: [],
    fallback_models: [],
    budget_tokens: null,
    budget_money: null,
  };
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

test('one that is for another tenant is not begun, whoever spawned it', async () => {
  const run = await p.spawn(await p.ticket(), 'foreign');
  await p.runIs(run.id, 'failed');
  expect((await p.row.run(run.id))?.error).toBe('foreign is not for the agents of local');
  expect(await launches(run.id)).toEqual([]);
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

test('one whose model stops to call a tool and calls none fails', async () => {
  const run = await p.spawn(await p.ticket(), 'no-tool');
  await p.runIs(run.id, 'failed');
  expect((await p.row.run(run.id))?.error).toBe(
    'tool call limit: its model stopped to call a tool, and called none for 1 s',
  );
});

test('words that a database refuses are written without that', async () => {
  const run = await p.spawn(await p.ticket(), 'odd-words');
  await p.runIs(run.id, 'finished');
  expect((await p.row.run(run.id))?.result).toMatch(/x😀$/);
  const { rows } = await c.owner.query('select step, status from run_checkpoints where run_id = $1', [run.id]);
  expect(rows).toEqual([{ step: 'lo\uFFFDok', status: 'run\uFFFDning' }]);
});

test('an agent whose number was another’s, of a database before, has nothing of that one', async () => {
  const first = await p.spawn(await p.ticket(), 'normal');
  await p.runIs(first.id, 'finished');
  const number = (await p.row.run(first.id))?.number ?? 0;
  const { workDir, logPath } = await launched(first.id, 1);
  expect([workDir, logPath]).toEqual([expect.stringMatching(`/${number}$`), expect.stringMatching(`/.runner/${number}/output.log$`)]); // prettier-ignore
  const base = dirname(workDir);
  for (let next = number + 1; next < number + 10; next += 1) {
    mkdirSync(join(base, '.runner', String(next)), { recursive: true });
    writeFileSync(join(base, '.runner', String(next), 'run'), v7());
    mkdirSync(join(base, String(next)));
    writeFileSync(join(base, String(next), 'asked'), ''); // by which the stand-in would take itself for called again
    writeFileSync(join(base, String(next), 'output.log'), 'of another\n');
  }
  const ticket = await p.ticket();
  const second = await p.spawn(ticket, 'asks-user');
  await p.runIs(second.id, 'awaiting_user_response');
  await p.say(second, ticket, 'web-7');
  await p.runIs(second.id, 'finished');
  const other = (await p.row.run(second.id))?.number ?? 0;
  expect(other).toBeLessThan(number + 10);
  for (const launch of [1, 2])
    expect((await launched(second.id, launch)).workDir).toBe(join(base, `${other}-${second.id}`));
  expect(readFileSync(join(base, `${other}-${second.id}`, 'output.log'), 'utf8')).not.toContain('of another');
});

test('what cannot be handed over is over: at once where its program is gone, else after a while', async () => {
  const run = await p.spawn(await p.ticket(), 'gone');
  await p.runIs(run.id, 'failed');
  expect((await p.row.run(run.id))?.error).toContain('there is no command for gone');
  const odd = await p.spawn(await p.ticket(), 'normal');
  await p.runIs(odd.id, 'finished');
  const folder = mkdtempSync(join(tmpdir(), 'wh-launches-'));
  const attend = (of: string, launch: number) =>
    new MockActivityEnvironment().run(activities.attendCommand, { tenantId: c.tenantId, runId: of, launch });
  const write = (of: string, launch: number) =>
    c.store.write(c.tenantId, (tx) =>
      insertLaunch(tx, {
        id: v7(), runId: of, launch, harness: 'gone', program: '/gone', ...here(), workDir: join(folder, 'work'), logPath: join(folder, 'runner/log'),
        stateDir: join(__filename, 'state'), keyId: v7(), readTo: 0,
      }),
    ); // prettier-ignore
  // As after a crash: written down, and not begun.
  await write(run.id, 1);
  expect(await attend(run.id, 1)).toEqual({ is: 'failed', error: 'the command could not be run: there is no command for gone' }); // prettier-ignore
  expect(await launches(run.id)).toEqual([{ launch: 1, outcome: 'failed' }]);
  await write(odd.id, 2);
  await expect(attend(odd.id, 2)).rejects.toThrow('ENOTDIR');
  await c.owner.query(`update agent_processes set launched_at = now() - interval '1 minute' where run_id = $1 and launch = 2`, [odd.id]); // prettier-ignore
  expect(await attend(odd.id, 2)).toMatchObject({ is: 'failed', error: expect.stringContaining('ENOTDIR') });
});

test('checkpoints: what a launch said is its own; said again, a pair is new; beyond the most, that is said once', async () => {
  const ticket = await p.ticket();
  const run = await p.spawn(ticket, 'asks-user');
  await p.runIs(run.id, 'awaiting_user_response');
  await p.say(run, ticket, 'web-7');
  await p.runIs(run.id, 'finished');
  const [one, two] = [await launched(run.id, 1), await launched(run.id, 2)];
  const last = (of: typeof one) => c.store.read(c.tenantId, (tx) => lastCheckpoint(tx, of));
  expect(await last(one)).toMatchObject({ step: 'question', progress: 30 });
  expect(await last(two)).toBeNull();
  const again = { step: 'question', status: 'waiting_for_user', output: 'which one?', progress: 31 };
  expect(await c.store.write(c.tenantId, (tx) => recordCheckpoint(tx, run.id, again, 1))).toBe('again');
  expect(await last(two)).toEqual(again);

  const matter = await c.store.read(c.tenantId, (tx) => matterOf(tx, run.id));
  await c.owner.query(
    `insert into run_checkpoints (run_id, tenant_id, step, status, progress) select $1, $2, 'step ' || n, 'running', 1 from generate_series(1, 498) n`,
    [run.id, c.tenantId],
  );
  const watched = new Watched({ ...c, agents: loadConfig({}).agents }, two, matter);
  for (const step of ['the last', 'one more', 'another', 'step 7']) {
    putFile(two.workDir, 'checkpoint.json', JSON.stringify({ step, status: 'running', progress_pct: 50 }));
    await watched.checkpoint();
  }
  const notes = await c.owner.query(`select body from ticket_notes where ticket_id = $1 and source = 'agent-checkpoint' order by number`, [ticket.id]); // prettier-ignore
  expect(notes.rows.map((n) => n.body as string)).toEqual([
    expect.stringContaining('Checkpoint question'),
    'Checkpoint the last: running (50 %)',
    expect.stringMatching(/^Checkpoints: the 500 /),
  ]);
  expect(await last(two)).toMatchObject({ step: 'step 7', progress: 50 });
});

test('every history replays', () => p.replay());
