import { join } from 'node:path';
import { startServer, type Server } from '../harness';
import { until } from '../until';

// A server whose agents are real commands: the stand-ins of this folder.

const standIn = join(__dirname, 'stand-in.cjs');
const behaviours = [
  'normal', 'forever', 'talks_forever', 'ignores_term', 'hog', 'flood', 'forks', 'fails', 'busy_once', 'busy_always', 'asks_approval', 'asks_user',
  'steered', 'effect_once', 'leaks', 'done_but_stays', 'environment', 'rights', 'no_tool', 'no_tool_stays', 'odd_words',
]; // prettier-ignore
/** By the name of a harness: `asks-user` is the behaviour `asks_user`. */
export const commands = Object.fromEntries(
  behaviours.map((b) => [b.replaceAll('_', '-'), [process.execPath, standIn, b, '{prompt}']]),
);

export const settings: Record<string, string> = {
  // `kept` is for one tenant, the one that a test server begins with.
  AGENT_COMMANDS: JSON.stringify({ ...commands, kept: { argv: commands['normal'], tenants: ['local'] } }),
  PATH: `${join(__dirname, 'bin')}:${process.env['PATH'] ?? ''}`,
  CODEX_SUBSCRIPTION_MODEL: 'default',
  CODEX_OAUTH_MODEL: 'gpt-x',
  AGENT_GRACE_MS: '300',
  AGENT_RETRY_SECONDS: '1',
  AGENT_MAX_PROCESSES: '20',
};

/** With a worker in this process that has looked for the commands. */
export async function commandServer(changes: Record<string, string> = {}, { worker = true } = {}): Promise<Server> {
  const server = await startServer({ ...settings, ...changes }, { worker: false });
  Object.assign(server.config.agents, { apiBase: server.url });
  if (worker) await server.startWorker();
  if (worker) await commandsAreFound(server);
  return server;
}

export const commandsAreFound = (server: Server): Promise<void> =>
  until('the worker says what commands there are', async () => {
    const { body } = await server.call('GET', '/api/agents/runner-health');
    // These are there without any command.
    const always = ['embedded', 'remote'];
    return body.harnesses.some(
      (h: { harness: string; available: boolean }) => h.available && !always.includes(h.harness),
    );
  });

/** A ticket with an agent of that harness on it. */
export async function set(server: Server, harness: string, body: Record<string, unknown> = {}) {
  const ticket = (await server.call('POST', '/api/tickets', { title: 'Disk full', auto_assign: false })).body
    .id as number;
  const spawned = await server.call('POST', `/api/tickets/${ticket}/assign-agent`, { harness, ...body });
  expect(spawned.body).toMatchObject({ status: 'spawned', harness });
  return { ticket, agent: spawned.body.agent_id as number, task: spawned.body.task_id as number };
}

export async function agentBecomes(server: Server, agent: number, ...statuses: string[]): Promise<any> {
  let body: any;
  await until(
    `agent ${agent} is ${statuses.join(' or ')}`,
    async () => {
      body = (await server.call('GET', `/api/agents/${agent}`)).body;
      if (!statuses.includes(body.status) && ['failed', 'finished', 'stopped'].includes(body.status))
        throw new Error(`agent ${agent} is ${body.status}: ${body.error_message ?? body.current_task.output}`);
      return statuses.includes(body.status);
    },
    40_000,
  );
  return body;
}
