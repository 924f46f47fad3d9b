import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { v7 } from 'uuid';
import { createActivities } from '../../activities';
import { matterOf } from '../../activities/agents/command/told';
import { Watched } from '../../activities/agents/command/watch';
import { endByTime } from '../../activities/integrations/expire';
import { loadConfig } from '../../config';
import { lastLaunch } from '../../db/agent-processes';
import { newestCommandTurns, recordTurns } from '../../db/command-turns';
import { modelTurns } from '../../db/model-turns';
import { commandHarness } from '../../domain/command-harness';
import { sweepFolders } from '../../workers/work-folders';
import { settings } from '../runner/server';
import { play } from './play';
import { clockwork, type Clockwork } from './time';

// What is left of runs that are over, in rows and in folders, goes by age; what lives keeps everything.

let c: Clockwork;
let p: ReturnType<typeof play>;
beforeAll(async () => {
  c = await clockwork((deps) => createActivities(deps, ['normal', 'asks-user'].map(commandHarness)), 'agent_only', settings); // prettier-ignore
  p = play(c);
});
afterAll(() => c.close());

const { retentionDays, agents } = loadConfig({ RETENTION_RUN_TRACES_DAYS: '7' });
const tables = [
  'agent_processes',
  'run_checkpoints',
  'command_turns',
  'model_turns',
  'api_keys',
  'remote_tasks',
  'run_calls',
];
async function left(runId: string): Promise<number[]> {
  const counts: number[] = [];
  for (const table of tables)
    counts.push((await c.owner.query(`select from ${table} where run_id = $1`, [runId])).rowCount ?? 0);
  return counts;
}
const folderOf = async (runId: string): Promise<string> =>
  (await c.owner.query<{ f: string }>('select work_dir as f from agent_processes where run_id = $1', [runId])).rows[0]?.f ?? ''; // prettier-ignore

async function turn(runId: string): Promise<void> {
  await c.store.write(c.tenantId, (tx) =>
    modelTurns.insert(tx, {
      id: v7(), tenantId: c.tenantId, runId, profileId: null, reasoning: [], turn: 0, attempt: 1, purpose: 'turn', state: 'answered', model: 'm', step: 0, heard: 0, covers: null,
      promptDigest: 'x', promptChars: 1, text: '', calls: [], stopReason: null, tokensIn: 1, tokensOut: 1, costMicros: 0, estimated: false,
      error: null, startedAt: new Date().toISOString(), durationMs: 1,
    }),
  ); // prettier-ignore
}
/** As if it had been worked on elsewhere, and had a tool called. */
async function elsewhere(runId: string): Promise<void> {
  await c.owner.query(
    `insert into remote_tasks (id, tenant_id, run_id, offer, rank, labels, brief, token, ended_at) values ($1, $2, $3, 1, 0, '{}', '{}', 0, now())`,
    [v7(), c.tenantId, runId],
  );
  await c.owner.query(`insert into run_calls (id, tenant_id, run_id, tool, args) values ($1, $2, $3, 't', '{}')`, [
    v7(),
    c.tenantId,
    runId,
  ]);
}
const heardOf = (worker: string, days: number) =>
  c.owner.query(
    `insert into remote_workers (tenant_id, principal_id, worker, name, labels, seen_at) values ($1, $2, $3, 'x', '{}', now() - $4 * interval '1 day')`,
    [c.tenantId, v7(), worker, days],
  );
/** Everything of a run happened so many days ago; its end only where it has one. */
async function ago(runId: string, days: number): Promise<void> {
  const before = `now() - ${days} * interval '1 day'`;
  for (const [table, column] of [['agent_processes', 'ended_at'], ['run_checkpoints', 'at'], ['model_turns', 'started_at'], ['api_keys', 'created_at'], ['remote_tasks', 'ended_at'], ['run_calls', 'asked_at']])
    await c.owner.query(`update ${table} set ${column} = ${before} where run_id = $1`, [runId]);
  await c.owner.query(`update runs set finished_at = ${before} where id = $1 and finished_at is not null`, [runId]);
} // prettier-ignore

test('rows and folders of a run go when it has been over for long enough, and those of one that lives do not', async () => {
  const [old, recent, waits] = [
    await p.spawn(await p.ticket(), 'normal'),
    await p.spawn(await p.ticket(), 'normal'),
    await p.spawn(await p.ticket(), 'asks-user'),
  ];
  await p.runIs(old.id, 'finished');
  await p.runIs(recent.id, 'finished');
  await p.runIs(waits.id, 'awaiting_user_response');
  for (const { id } of [old, recent, waits]) await turn(id).then(() => elsewhere(id));
  await heardOf('gone', 8);
  await heardOf('here', 6);
  expect(await left(old.id)).toEqual([1, 1, 1, 1, 1, 1, 1]);
  const [oldFolder, ...stay] = [await folderOf(old.id), await folderOf(recent.id), await folderOf(waits.id)];
  const base = dirname(oldFolder);
  await ago(old.id, 8);
  await ago(recent.id, 6);
  await ago(waits.id, 30);

  // Of a database before: one that nothing has come to for long, one that something came to lately.
  for (const name of ['900', '901']) {
    mkdirSync(join(base, name));
    mkdirSync(join(base, '.runner', name));
    writeFileSync(join(base, '.runner', name, 'run'), v7());
  }
  const longAgo = new Date(Date.now() - 8 * 86_400_000);
  utimesSync(join(base, '.runner', '900'), longAgo, longAgo);
  const work = { store: c.store, agents: { workBase: base } };
  expect(await sweepFolders(work, 9)).toEqual({ removed: 0, left: [] });
  expect(await sweepFolders(work, 7)).toEqual({ removed: 2, left: [] });
  for (const gone of [oldFolder, join(base, '900')])
    expect([existsSync(gone), existsSync(join(base, '.runner', gone.slice(base.length + 1)))]).toEqual([false, false]);
  for (const folder of [...stay, join(base, '901')]) expect(existsSync(folder)).toBe(true);
  expect(await sweepFolders({ ...work, agents: { workBase: join(base, 'none') } }, 7)).toMatchObject({ removed: 0 });

  await new MockActivityEnvironment().run(() => endByTime({ store: c.store, retentionDays }, c.tenantId));
  expect(await left(old.id)).toEqual([0, 0, 0, 0, 0, 0, 0]);
  expect(await left(recent.id)).toEqual([1, 1, 1, 1, 1, 1, 1]);
  expect(await left(waits.id)).toEqual([1, 1, 0, 1, 1, 1, 1]);
  expect((await c.owner.query('select worker from remote_workers')).rows).toEqual([{ worker: 'here' }]);
  const { rows } = await c.owner.query<{ kind: string; n: number; days: number }>(
    `select kind, (body ->> 'rows')::int as n, (body ->> 'kept_days')::int as days from log where kind like '%.expired' order by kind`,
  );
  expect(rows).toEqual(
    ['agent_processes', 'model_turns', 'remote_tasks', 'remote_workers', 'run_calls', 'run_checkpoints', 'run_keys'].map((kind) => ({ kind: `${kind}.expired`, n: 1, days: 7 })),
  ); // prettier-ignore
});

test('a turn of a model is one, in parts and read again', async () => {
  const run = await p.spawn(await p.ticket(), 'normal');
  await p.runIs(run.id, 'finished');
  const process = await c.store.read(c.tenantId, (tx) => lastLaunch(tx, run.id));
  if (!process) throw new Error('it was not launched');
  const matter = await c.store.read(c.tenantId, (tx) => matterOf(tx, run.id));
  const again = new Watched({ ...c, agents }, { ...process, readTo: 0 }, matter);
  again.read();
  await again.writeTurns();
  const assistant = (id: string, more: object) => `${JSON.stringify({ type: 'assistant', message: { id, model: 'm-1', ...more } })}\n`;
  appendFileSync(process.logPath, assistant('a', { content: [{ type: 'text' }], usage: { output_tokens: 1e300 } }));
  again.read();
  await again.writeTurns();
  appendFileSync(process.logPath, assistant('a', { content: [{ type: 'tool_use' }], stop_reason: 'tool_use' }) + assistant('b\u0000', {}));
  again.read();
  await again.writeTurns();
  const turns = await c.store.read(c.tenantId, (tx) => newestCommandTurns(tx, [run.id], 10));
  expect(turns.reverse()).toMatchObject([
    { turn: 0, model: null, stopReason: 'end_turn', hasToolUse: false, tokensIn: 7, tokensOut: 3 },
    { turn: 1, model: 'm-1', stopReason: 'tool_use', hasToolUse: true, tokensOut: 2 ** 31 - 1, durationMs: expect.any(Number) },
    { turn: 2, model: 'm-1', stopReason: null, hasToolUse: false },
  ]);
  await c.store.write(c.tenantId, (tx) =>
    recordTurns(tx, process, ['a', 'c', 'd'].map((key) => ({ key, model: null, durationMs: 1, stopReason: 'end', hasToolUse: false, tokensIn: 1, tokensOut: 1 })), 4),
  );
  const more = await c.store.read(c.tenantId, (tx) => newestCommandTurns(tx, [run.id], 10));
  expect(more.map((t) => t.stopReason)).toEqual(['end', null, 'end', 'end_turn']);
}); // prettier-ignore

// Only root can have another user's processes.
const asRoot = process.getuid?.() === 0 ? test : test.skip;

asRoot(
  'what is in the folder of another user is removed as that user; one that stays does not keep the next',
  async () => {
    const nobody = 65534;
    const base = mkdtempSync(join(tmpdir(), 'wh-swept-'));
    chmodSync(base, 0o711);
    const longAgo = new Date(Date.now() - 8 * 86_400_000);
    const folder = (name: string): string => {
      const runner = join(base, '.runner', name);
      mkdirSync(runner, { recursive: true });
      writeFileSync(join(runner, 'run'), v7());
      utimesSync(runner, longAgo, longAgo);
      mkdirSync(join(base, name), { mode: 0o700 });
      chownSync(join(base, name), nobody, nobody);
      return join(base, name);
    };
    const [first, second] = [folder('1'), folder('2')];
    // What that user may not remove, as it might be reached through a link.
    mkdirSync(join(first, 'others'));
    writeFileSync(join(first, 'others', 'file'), 'x');
    const outside = join(base, 'outside');
    writeFileSync(outside, 'x');
    mkdirSync(join(second, 'closed'));
    writeFileSync(join(second, 'closed', 'file'), 'x');
    symlinkSync(outside, join(second, 'closed', 'link'));
    symlinkSync(base, join(second, 'folder'));
    chownSync(join(second, 'closed'), nobody, nobody);
    chmodSync(join(second, 'closed'), 0o500);
    const work = { store: c.store, agents: { workBase: base } };
    expect(await sweepFolders(work, 7)).toEqual({
      removed: 1,
      left: [expect.stringMatching(/^user 65534 cannot empty .*\/1: E(ACCES|PERM)/)],
    });
    expect([existsSync(second), existsSync(join(base, '.runner/2'))]).toEqual([false, false]);
    expect(readFileSync(outside, 'utf8')).toBe('x');
    expect([existsSync(join(first, 'others/file')), existsSync(join(base, '.runner/1'))]).toEqual([true, true]);
    rmSync(join(first, 'others'), { recursive: true });
    expect(await sweepFolders(work, 7)).toEqual({ removed: 1, left: [] });
    expect([existsSync(first), existsSync(join(base, '.runner/1'))]).toEqual([false, false]);
    rmSync(base, { recursive: true });
  },
);
