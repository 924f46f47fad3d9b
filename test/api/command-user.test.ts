import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Server } from '../harness';
import { agentBecomes, commandServer, set } from '../runner/server';
import { until } from '../until';

// Commands that have the rights of a user of their own. That takes a worker that is root.

const asRoot = process.getuid?.() === 0 ? describe : describe.skip;

asRoot('as nobody', () => {
  let s: Server;
  let base: string;
  beforeAll(async () => {
    base = mkdtempSync(join(tmpdir(), 'wh-nobody-'));
    chmodSync(base, 0o711);
    s = await commandServer({ AGENT_COMMAND_USER: 'nobody', AGENT_WORK_BASE: join(base, 'work') });
  });
  afterAll(async () => {
    await s.close();
    rmSync(base, { recursive: true });
  });
  const uid = 65534;
  const at = (agent: number, file: string): string => join(base, 'work', String(agent), file);

  test('it has that user’s rights and no way to more, its files, and no one else’s', async () => {
    const { agent } = await set(s, 'rights');
    const { current_task } = await agentBecomes(s, agent, 'finished');
    expect(JSON.parse(current_task.output as string)).toEqual({
      uid, groups: [expect.any(Number)], noNew: '1', HOME: '/nonexistent', USER: 'nobody', cwd: true, log: false, ticketIs: 'in_progress',
    }); // prettier-ignore
    for (const file of ['AGENTS.md', '.claude/settings.json', 'dashboard_auth.json', 'bin/curl', '.'])
      expect([file, statSync(at(agent, file)).uid]).toEqual([file, uid]);
    expect(statSync(at(agent, '.')).mode & 0o777).toBe(0o700);
    expect(statSync(join(base, 'work/.runner')).uid).toBe(0);
    expect(statSync(join(base, 'work/.runner')).mode & 0o777).toBe(0o700);
    expect(readFileSync(at(agent, 'output.log'), 'utf8')).toContain('[runner] task');
  });

  test('what people say reaches it, and it is ended', async () => {
    const { agent, ticket } = await set(s, 'steered');
    await until('it listens', async () => (await s.call('GET', `/api/agents/${agent}`)).body.task_progress_pct >= 20);
    await s.call('POST', `/api/tickets/${ticket}/notes`, {
      body: 'look at web-3',
      source: 'dashboard',
      author: 'dana',
    });
    expect((await agentBecomes(s, agent, 'finished')).current_task.output).toBe('heard: look at web-3; true');
    const { agent: other } = await set(s, 'talks-forever');
    await until('it runs', async () => (await s.call('GET', `/api/agents/${other}`)).body.current_task.pid !== null);
    await s.call('POST', `/api/agents/${other}/stop`, { reason: 'enough' });
    await until('it is over', async () => (await s.call('GET', `/api/agents/${other}`)).body.current_task.pid === null);
  });

  test('a folder that the user cannot get to is said, and nothing runs', async () => {
    chmodSync(base, 0o700);
    const { agent } = await set(s, 'normal');
    const failed = await agentBecomes(s, agent, 'failed');
    expect(failed.error_message).toMatch(/^the command could not be run: nobody cannot have its files in .*EACCES/);
    chmodSync(base, 0o711);
  });
});
