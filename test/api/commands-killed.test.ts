import type { ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { Group, markOf } from '../../runner/group';
import { processOf } from '../../runner/proc';
import { workflowId } from '../../workflows/ids';
import type { Server } from '../harness';
import { agentBecomes, commandsAreFound, commandServer, set, settings } from '../runner/server';
import { temporal } from '../stack';
import { until } from '../until';
import { kill, workerProcess } from '../worker-process';

let s: Server;
let client: Client;
const workers: ChildProcess[] = [];

/** One that can be killed, with nothing in it of this process. */
const worker = async (): Promise<ChildProcess> => {
  const child = await workerProcess(s, {
    ...settings,
    DASHBOARD_API_BASE: s.url,
    AGENT_UNATTENDED_SECONDS: '25',
    SWEEP_SECONDS: '3',
    AGENT_TOOL_CALL_SECONDS: '1',
    AGENT_GRACE_MS: '3000',
  });
  workers.push(child);
  return child;
};
const rowsOf = async (agent: number): Promise<any[]> =>
  (await s.owner.query('select p.*, r.id as run from agent_processes p join runs r on r.id = p.run_id where r.number = $1 order by launch', [agent])).rows; // prettier-ignore
const left = (id: string): number => new Group(null, markOf(id)).members().length;
const effects = async (ticket: number): Promise<number> =>
  (await s.owner.query(`select count(*) as n from ticket_notes n join tickets t on t.id = n.ticket_id where t.number = $1 and n.body = 'the effect'`, [ticket])).rows[0].n; // prettier-ignore

beforeAll(async () => {
  s = await commandServer({}, { worker: false });
  client = new Client({ connection: await Connection.connect({ address: temporal().address }) });
});
afterAll(async () => {
  for (const child of workers) if (child.exitCode === null && child.signalCode === null) await kill(child);
  await client.connection.close();
  await s.close();
});

test('a worker is killed: the next one finds the process, and what it did is done once; one whose workflow is terminated ends', async () => {
  const first = await worker();
  await commandsAreFound(s);
  const [once, lost, ended, asked] = [
    await set(s, 'effect-once'), await set(s, 'talks-forever'), await set(s, 'forever'), await set(s, 'no-tool-stays'),
  ]; // prettier-ignore
  await until('the effect is there', async () => (await effects(once.ticket)) === 1);
  await until('all run', async () =>
    (await Promise.all([once, lost, ended].map((a) => rowsOf(a.agent)))).every(([p]) => p?.pid),
  );
  const [before, watched, other] = (await Promise.all([once, lost, ended].map((a) => rowsOf(a.agent)))).map(([p]) => p);
  // It is dead between what it asks a command to do and what comes of that.
  const log = async () => (await s.call('GET', `/api/agents/${asked.agent}/logs`)).body.content as string;
  await until('one is asked to end', async () => (await log()).includes('[runner] ended: stop'));
  await kill(first);
  expect(processOf(before.pid)?.started).toBe(before.pid_started);
  // While nobody looks: one of the supervisors is killed, one of the workflows terminated.
  const shim = processOf(watched.pid)?.ppid ?? 0;
  process.kill(shim, 'SIGKILL');
  await client.workflow.getHandle(workflowId('agentRun', other.tenant_id, other.run)).terminate('by a test');

  await worker();
  await until(
    'it is attended to again',
    async () => (await rowsOf(once.agent))[0].attended_at > before.attended_at,
    40_000,
  );
  expect(processOf(before.pid)?.started).toBe(before.pid_started);
  writeFileSync(join(before.work_dir, 'finish'), '');
  const done = await agentBecomes(s, once.agent, 'finished');
  expect(done.current_task.output).toBe('ended by itself');
  expect(await rowsOf(once.agent)).toHaveLength(1);
  expect(await effects(once.ticket)).toBe(1);
  expect((await s.call('GET', `/api/agents/${once.agent}/logs`)).body.content.match(/did the effect/g)).toHaveLength(1);

  expect((await agentBecomes(s, lost.agent, 'failed')).error_message).toBe('its supervisor was killed');
  expect((await agentBecomes(s, asked.agent, 'failed')).error_message).toBe(
    'tool call limit: its model stopped to call a tool, and called none for 1 s',
  );
  await until('the terminated one is over', async () => (await rowsOf(ended.agent))[0].ended_at !== null, 60_000);
  await until('nothing is left', () => [before, watched, other].every((p) => left(p.id) === 0));
}, 120_000);

test('nobody comes: the command is ended all the same, and the next worker says so', async () => {
  for (const child of workers) if (child.signalCode === null) await kill(child);
  const first = await workerProcess(s, { ...settings, DASHBOARD_API_BASE: s.url, AGENT_UNATTENDED_SECONDS: '5' });
  workers.push(first);
  const { agent } = await set(s, 'talks-forever');
  await until('it runs', async () => (await rowsOf(agent))[0]?.pid > 0);
  await kill(first);
  const [row] = await rowsOf(agent);
  await until('it is ended', () => left(row.id) === 0, 30_000);
  await worker();
  expect((await agentBecomes(s, agent, 'failed')).error_message).toMatch(/^no worker attended to it for \d+ s$/);
  expect((await rowsOf(agent))[0]).toMatchObject({ end_limit: 'unattended' });
}, 120_000);
