import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { v7 } from 'uuid';
import { createActivities, type Activities } from '../../activities';
import { here } from '../../activities/agents/command/here';
import { endLeftOver } from '../../activities/agents/command/left-over';
import { loadConfig } from '../../config';
import { insertLaunch, launchOf } from '../../db/agent-processes';
import { commandHarness } from '../../domain/command-harness';
import { createLogger } from '../../log/logger';
import { giveUp } from '../../runner/launch';
import { filesOf } from '../../runner/state';
import { settings } from '../runner/server';
import { play } from './play';
import { clockwork, type Clockwork } from './time';

// Launches of which no supervisor says how they end.

let c: Clockwork;
let p: ReturnType<typeof play>;
let activities: Activities;
beforeAll(async () => {
  c = await clockwork(
    (deps) => (activities = createActivities(deps, [commandHarness('normal')])),
    'agent_only',
    settings,
  );
  p = play(c);
});
afterAll(() => c.close());

const launches = async (id: string) =>
  (
    await c.owner.query(`select outcome ->> 'is' as outcome from agent_processes where run_id = $1 order by launch`, [
      id,
    ])
  ).rows;

test('a launch of which nothing can be read, and one that nobody takes up, are over', async () => {
  const run = await p.spawn(await p.ticket(), 'normal');
  await p.runIs(run.id, 'finished');
  const folder = mkdtempSync(join(tmpdir(), 'wh-launches-'));
  const attend = async (launch: number, prepare: (stateDir: string) => void) => {
    const stateDir = join(folder, String(launch));
    mkdirSync(stateDir);
    prepare(stateDir);
    await c.store.write(c.tenantId, (tx) =>
      insertLaunch(tx, {
        id: v7(), runId: run.id, launch, harness: 'normal', program: '/gone', ...here(), workDir: folder, logPath: join(folder, 'log'),
        stateDir, keyId: v7(), readTo: 0,
      }),
    ); // prettier-ignore
    return new MockActivityEnvironment().run(activities.attendCommand, { tenantId: c.tenantId, runId: run.id, launch });
  };
  const unread = (stateDir: string): void => writeFileSync(filesOf(stateDir).exit, '{"code": 0');
  expect(await attend(2, unread)).toEqual({ is: 'failed', error: 'what its supervisor wrote is not to be read: exit.json' }); // prettier-ignore
  expect(await attend(3, (stateDir) => giveUp(stateDir))).toEqual({ is: 'failed', error: 'its supervisor did not begin' }); // prettier-ignore
  expect(await launches(run.id)).toMatchObject([{ outcome: 'finished' }, { outcome: 'failed' }, { outcome: 'failed' }]);
});

test('what was left over without having begun does not begin any more', async () => {
  const run = await p.spawn(await p.ticket(), 'normal');
  await p.runIs(run.id, 'finished');
  const stateDir = join(mkdtempSync(join(tmpdir(), 'wh-launches-')), 'state');
  await c.store.write(c.tenantId, (tx) =>
    insertLaunch(tx, {
      id: v7(), runId: run.id, launch: 2, harness: 'normal', program: '/gone', ...here(), workDir: stateDir, logPath: join(stateDir, 'log'),
      stateDir, keyId: v7(), readTo: 0,
    }),
  ); // prettier-ignore
  await c.owner.query(`update agent_processes set attended_at = now() - interval '1 minute' where run_id = $1 and launch = 2`, [run.id]); // prettier-ignore
  const around = { store: c.store, agents: loadConfig({}).agents, logger: createLogger('silent', 'test') };
  expect(await endLeftOver(around, c.tenantId, here().place)).toBe(1);
  expect(await c.store.read(c.tenantId, (tx) => launchOf(tx, run.id, 2))).toMatchObject({
    endReason: 'its supervisor did not begin',
    outcome: { is: 'stopped' },
  });
  expect(giveUp(stateDir)).toBe(false);
});
