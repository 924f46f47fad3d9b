/**
 * How a harness comes to its moves. rules: by itself. model: a language model is asked, one turn after the other. command: a
 * child process works, and the kernel stays with it. remote: an agent elsewhere claims the task.
 */
export type HarnessKind = 'rules' | 'model' | 'command' | 'remote';

export interface HarnessEntry {
  kind: HarnessKind;
  /** The agent whose definition and grants it works with. */
  agent: string;
}

/** What is found of one command on a machine. */
export interface FoundCommand {
  harness: string;
  /** As it is configured: a name, or a path. */
  program: string;
  /** Null: it is not there. */
  path: string | null;
  version: string | null;
  error: string | null;
  details: Record<string, unknown>;
}

/** The harnesses that can be asked for, by the name that a run keeps. */
export const harnesses: Readonly<Record<string, HarnessEntry>> = {
  embedded: { kind: 'rules', agent: 'analyst' },
  model: { kind: 'model', agent: 'analyst' },
  'claude-code': { kind: 'command', agent: 'analyst' },
  codex: { kind: 'command', agent: 'analyst' },
  hermes: { kind: 'command', agent: 'analyst' },
  remote: { kind: 'remote', agent: 'analyst' },
};

export const usualHarness = 'embedded';

/** Any other command, by the name that an installation gives it. */
const configured: HarnessEntry = { kind: 'command', agent: 'analyst' };

/** Null for a name that is not in the table, and no command's that is configured. */
export const harnessEntry = (name: string, commands: readonly string[] = []): HarnessEntry | null =>
  Object.hasOwn(harnesses, name) ? (harnesses[name] ?? null) : commands.includes(name) ? configured : null;

/** Whether an installation has what a harness of that kind needs. */
export type Present = Readonly<Record<HarnessKind, (name: string) => boolean>>;

/** The names of those that can work on an installation, in the order of the table; then those that it configured. */
export const availableHarnesses = (present: Present, commands: readonly string[]): string[] =>
  [...new Set([...Object.keys(harnesses), ...commands])].filter((name) => {
    const entry = harnessEntry(name, commands);
    return entry !== null && present[entry.kind](name);
  });
