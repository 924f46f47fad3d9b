import { createInterface } from 'node:readline';
import type { Config } from '../../config';
import { ask, serverOf, type Reached } from './client';
import { CliError, exits } from './exit';
import { plain, print, printJson, short } from './print';
import { watchAgents, type AgentEvent } from './watch';

export interface RunOptions {
  ticket?: number;
  follow?: number;
  model?: string;
  harness?: string;
  profile?: string;
  detach?: boolean;
  json?: boolean;
}
interface Agent {
  status: string;
  ticket_id: number | null;
  error_message: string | null;
  current_task: { output: string | null };
}

const ended: Record<string, string> = {
  agent_finished: 'finished', agent_failed: 'failed', agent_stopped: 'stopped',
}; // prettier-ignore
const endStatuses = new Set(['finished', 'failed', 'stopped', 'terminated']);

async function start(server: Reached, prompt: string, o: RunOptions): Promise<{ agent: number; ticket: number }> {
  const wanted = {
    ...(o.model !== undefined && { model: o.model }),
    ...(o.harness !== undefined && { harness: o.harness }),
    ...(o.profile !== undefined && { profile_id: o.profile }),
    ...(prompt && { prompt }),
  };
  const path = o.ticket === undefined ? '/api/agents/create-from-prompt' : `/api/tickets/${o.ticket}/assign-agent`;
  const spawned = await ask<{ agent_id: number; ticket_id: number }>(server, 'POST', path, wanted);
  return { agent: spawned.agent_id, ticket: spawned.ticket_id };
}

/** One line for people; null: nothing that they need. */
function lineOf(e: AgentEvent): string | null {
  const word = (value: unknown, most = 160): string => short(value, most);
  switch (e.type) {
    case 'agent_spawned':
      return `began with the harness ${word(e['harness'])}`;
    case 'checkpoint_update':
      return `${word(e['step'], 40)}: ${word(e.status, 30)} (${word(e['progress_pct'])} %)${e['output'] ? `  ${word(e['output'])}` : ''}`;
    case 'agent_waiting':
      return `waits: ${word(e.status, 40)}${e['reason'] ? `, ${word(e['reason'])}` : ''}`;
    case 'change_pending':
      return `asks: ${word(e['action'], 60)} on ${word(e['target'], 80)}\n    npx wheelhouse gates show ${word(e['change_id'])}`;
    case 'agent_stalled':
      return `has said nothing for ${word(e['idle_seconds'])} s`;
    default:
      return null;
  }
} // prettier-ignore

/** What is typed, line by line, steers the agent without interrupting it. */
function steerByLines(server: Reached, agent: number, ticket: number, tell: (line: string) => void): () => void {
  const lines = createInterface({ input: process.stdin, terminal: false });
  lines.on('line', (line) => {
    const body = line.trim();
    if (body === '') return;
    ask<{ steering: { status: string } }>(server, 'POST', `/api/tickets/${ticket}/notes`, { body, agent_id: agent, source: 'dashboard' }).then(
      ({ steering }) => tell(steering.status === 'created' ? `  you: ${plain(body)}` : `  not heard (${steering.status}): ${plain(body)}`),
      (e: unknown) => tell(`  not said: ${(e as Error).message}`),
    );
  }); // prettier-ignore
  return () => lines.close();
}

interface Followed {
  agent: number;
  ticket: number | null;
  json: boolean;
}

/** Tells how it ended. @throws CliError with `runEnded` when it did not finish */
function finish({ agent, json }: Followed, status: string, said: string | null, event?: AgentEvent): void {
  if (json) printJson(event ?? { type: `agent_${status}`, agent_id: agent, output: said });
  else if (status === 'finished') print(`Agent ${agent} finished.${said ? `\n\n${plain(said)}` : ''}`);
  if (status !== 'finished')
    throw new CliError(`Agent ${agent} ${status}${said ? `: ${short(said, 200)}` : ''}`, exits.runEnded);
}

/** What it did before somebody looked, the end of it. */
async function tellPast(server: Reached, { agent }: Followed): Promise<void> {
  const { content } = await ask<{ content: string }>(server, 'GET', `/api/agents/${agent}/logs?lines=20`);
  for (const line of content.split('\n')) if (line !== '') print(`  ${plain(line)}`);
}

/** Tells what it does until it ends. */
async function follow(server: Reached, events: AsyncGenerator<AgentEvent>, run: Followed): Promise<void> {
  const { agent, ticket, json } = run;
  const tell = (line: string): void => void (json ? process.stderr : process.stdout).write(`${line}\n`);
  process.once('SIGINT', () => {
    process.stderr.write(`\nAgent ${agent} goes on. Come back: npx wheelhouse run --follow ${agent}\n`);
    process.exit(exits.interrupted);
  });
  const stopSteering = ticket === null ? null : steerByLines(server, agent, ticket, tell);
  try {
    for await (const event of events) {
      if (event.agent_id !== agent) continue;
      const end = ended[event.type];
      if (end) return finish(run, end, (event['output'] ?? event['reason'] ?? null) as string | null, event);
      const line = lineOf(event);
      if (json) printJson(event);
      else if (line !== null) print(`  ${line}`);
    }
  } finally {
    stopSteering?.();
  }
}

/**
 * Starts a run, on a ticket or on one that is made of the prompt, or takes up one that there is, and tells what it does until it ends.
 * @throws CliError with `runEnded` when it did not finish
 */
export async function run(config: Config, words: string[], o: RunOptions): Promise<void> {
  const prompt = words.join(' ').trim();
  const json = o.json ?? false;
  if (o.follow !== undefined && (prompt || o.ticket !== undefined || o.detach))
    throw new CliError('--follow takes up a run that there is: without a prompt, --ticket and --detach.', exits.usage);
  if (o.follow === undefined && o.ticket === undefined && prompt === '')
    throw new CliError(
      'Say what is to be done: npx wheelhouse run "why do logins fail?", or --ticket <id>.',
      exits.usage,
    );
  const server = await serverOf(config);
  if (o.detach) {
    const { agent, ticket } = await start(server, prompt, o);
    if (json) return printJson({ agent_id: agent, ticket_id: ticket });
    return print(`Agent ${agent} works on ticket ${ticket}. See it: npx wheelhouse run --follow ${agent}`);
  }
  // Listening before it begins, so that nothing of it is missed.
  const watch = watchAgents(server);
  try {
    await watch.ready;
    const hint = 'What you type steers it; Ctrl-C leaves it at work.';
    if (o.follow === undefined) {
      const begun = { ...(await start(server, prompt, o)), json };
      if (!json) print(`Agent ${begun.agent} on ticket ${begun.ticket}. ${hint}`);
      return await follow(server, watch.events, begun);
    }
    const found = await ask<Agent>(server, 'GET', `/api/agents/${o.follow}`);
    const known = { agent: o.follow, ticket: found.ticket_id, json };
    if (!json) await tellPast(server, known);
    if (endStatuses.has(found.status))
      return finish(known, found.status, found.current_task.output ?? found.error_message);
    if (!json) print(`Agent ${known.agent} on ticket ${known.ticket ?? '–'} (${found.status}). ${hint}`);
    await follow(server, watch.events, known);
  } finally {
    watch.close();
  }
}
