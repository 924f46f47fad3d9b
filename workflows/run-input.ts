import type { AccessRequest } from '../domain/access';
import type { Actor } from '../domain/principal';
import type { Run } from '../domain/run';
import type { TaskOrder } from '../domain/task-order';

// What a run's workflow is given, and told.

export interface RunInput {
  run: Run;
  /** What was asked for as a task: written with the run. */
  order?: TaskOrder;
  /** Whoever started it starts the next attempt at its task as well. */
  retriedByParent?: true;
  gateTtlMs: number;
  leaseMs: number;
  /** Without one of their own, commands are waited for where tools are. */
  queues: { agents: string; integrations: string; processes?: string };
  /** A new workflow goes on with the run after so many turns. Unset: when its history has grown as long as Temporal has it. */
  turnsEach?: number;
  /** Goes on with a run that another workflow began. */
  carried?: Carried;
}
/** What the workflow of a long run hands to the next one, beside its row. */
export interface Carried {
  access: AccessRequest[];
  asked: string[];
  seen: string[];
  /** Milliseconds that it has worked. */
  worked?: number;
  /** Which offer to agents elsewhere it goes on with. */
  launch?: number;
  /** How often that met trouble that passes, one after the other. */
  tried?: number;
}
export interface Stop {
  by: Actor;
  reason: string;
  terminate: boolean;
}
/** Said of a run by somebody else. */
export interface Conclusion {
  by: Actor;
  reason: string;
  status: 'finished' | 'failed';
}
