import type { Config } from '../config';

/** Which Temporal a proof runs against: the embedded dev server, or a server on Postgres (bench/production). */
export type Form = 'embedded' | 'production';

export interface Options {
  config: Config;
  /** How much: kills, gates, faults, tamperings; what is counted is the proof's own. */
  count: number;
  /** Repeats the plan: who is killed when, who calls what. */
  seed: number;
  form: Form;
  /** One line of progress, to stderr. */
  say: (line: string) => void;
}

/** What was measured, and what of it may not be: a proof holds when there are no violations. */
export interface Outcome {
  figures: Record<string, string | number>;
  violations: string[];
}

export interface Proof {
  /** What it shows, in a line. */
  title: string;
  /** The form that it is about, where it is about one: what runs unless another is asked for. */
  form?: Form;
  /** The count of the form that CI runs. */
  quick: number;
  /** It waits for deadlines most of its time: `quick` runs it beside the others. */
  waits?: true;
  /** What it needs and this machine has not: then `quick` says so and goes on. Null: nothing. */
  lacks?: () => string | null;
  run: (options: Options) => Promise<Outcome>;
}
