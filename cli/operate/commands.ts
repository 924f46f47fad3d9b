import { Argument, type Command, InvalidArgumentError } from 'commander';
import { loadConfig } from '../../config';
import { completion, shells } from './completion';
import type { ListOptions } from './gates';
import type { LogOptions } from './logs';
import type { RunOptions } from './run';

/** @throws InvalidArgumentError */
function number(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('a whole number.');
  return Number(text);
}
const json = ['--json', 'one JSON value a line, for programs'] as const;

/** What an operator does with a server that runs, here or elsewhere. */
export function addOperatorCommands(program: Command): void {
  program
    .command('run [prompt...]')
    .description('have an agent work on something, and follow it here; what is typed steers it')
    .option('--ticket <id>', 'the ticket to work on, instead of one made of the prompt', number)
    .option('--follow <agent>', 'take up an agent that is there', number)
    .option('--model <name>', 'the model it asks')
    .option('--harness <name>', 'what carries it out: embedded, model, claude-code …')
    .option('--profile <id>', 'the profile that says both')
    .option('--detach', 'start it and return')
    .option(...json)
    .action(async (words: string[], options: RunOptions) =>
      (await import('./run.js')).run(loadConfig(), words, options),
    );

  const gates = program.command('gates').description('what waits for a decision of people');
  gates
    .command('list', { isDefault: true })
    .description('list change requests, newest first')
    .option('--status <status>', 'pending, approved, rejected, completed, expired …, or all', 'pending')
    .option('--limit <n>', 'how many', number, 50)
    .option(...json)
    .action(async (options: ListOptions) => (await import('./gates.js')).listGates(loadConfig(), options));
  gates
    .command('show')
    .argument('<id>', 'the change request', number)
    .description('what is asked for, by whom, and who can decide')
    .option(...json)
    .action(async (id: number, options: { json?: boolean }) =>
      (await import('./gates.js')).showGate(loadConfig(), id, options),
    );
  for (const verdict of ['approve', 'reject'] as const)
    gates
      .command(verdict)
      .argument('<id>', 'the change request', number)
      .description(`${verdict} it; with a quorum: vote ${verdict === 'approve' ? 'for' : 'against'} it`)
      .option('--reason <text>', 'why, for whoever reads the log')
      .option(...json)
      .action(async (id: number, options: { reason?: string; json?: boolean }) =>
        (await import('./gates.js')).decideGate(loadConfig(), verdict, id, options),
      );

  program
    .command('logs')
    .description('the audit log, oldest first')
    .option('-f, --follow', 'go on with what is added, until Ctrl-C')
    .option('-n, --lines <n>', 'how many of the last entries', number, 20)
    .option('--after <seq>', 'instead: all that came after this place in the log', number)
    .option('--agent <uuid>', 'what this agent did')
    .option('--action <name>', 'entries of this action: execute_tool, gate_approved …')
    .option('--decision <name>', 'allow, deny, escalate …')
    .option('--tool <name>', 'calls of this tool')
    .option('--since <time>', 'from this day or time on')
    .option(...json)
    .action(async (options: LogOptions) => (await import('./logs.js')).logs(loadConfig(), options));

  program
    .command('mcp')
    .description('the server as an MCP server on standard input and output, for a client on this machine')
    .action(async () => (await import('./mcp.js')).mcp(loadConfig()));

  program
    .command('replay <history>')
    .description("whether today's workflows go the way of a recorded history: a file, or the id of a workflow")
    .option(...json)
    .action(async (what: string, options: { json?: boolean }) =>
      (await import('./replay.js')).replay(loadConfig(), what, options),
    );

  program
    .command('completion')
    .addArgument(new Argument('<shell>', 'the shell').choices(shells))
    .description('print a script that completes commands and options: source <(wheelhouse completion bash)')
    .action((shell: (typeof shells)[number]) => completion(program, shell));

  program
    .command('doctor')
    .description('what is there and what is missing, with what mends it')
    .option(...json)
    .action(async (options: { json?: boolean }) => (await import('./doctor.js')).doctor(loadConfig(), options));
}
