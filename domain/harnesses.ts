/**
 * How a harness comes to its moves. rules: by itself. model: a language model is asked, one turn after the other. command: a
 * child process works, and the kernel stays with it. remote: an agent elsewhere reports in.
 */
export type HarnessKind = 'rules' | 'model' | 'command' | 'remote';

export interface HarnessEntry {
  kind: HarnessKind;
  /** The agent whose definition and grants it works with. */
  agent: string;
}

/** The harnesses that can be asked for, by the name that a run keeps. */
export const harnesses: Readonly<Record<string, HarnessEntry>> = {
  embedded: { kind: 'rules', agent: 'analyst' },
  model: { kind: 'model', agent: 'analyst' },
};

export const usualHarness = 'embedded';

/** Null for a name that is not in the table. */
export const harnessEntry = (name: string): HarnessEntry | null =>
  Object.hasOwn(harnesses, name) ? (harnesses[name] ?? null) : null;

/** Whether an installation has what a harness of that kind needs. */
export type Present = Readonly<Record<HarnessKind, (name: string) => boolean>>;

/** The names of those that can work on an installation, in the order of the table. */
export const availableHarnesses = (present: Present): string[] =>
  Object.entries(harnesses).flatMap(([name, { kind }]) => (present[kind](name) ? [name] : []));
