import type { RunEvent } from './run';

/** What came of a launch. */
export type CommandOutcome =
  | { is: 'finished'; result: string }
  | { is: 'waiting'; for: Extract<RunEvent, { type: 'wait' }>['for']; why: string }
  /** By whoever stopped its run. */
  | { is: 'stopped'; why: string }
  | { is: 'failed'; error: string }
  /** Trouble of its model's that passes: the same again, after a while. */
  | { is: 'again'; why: string; afterMs: number };

/** One launch of a command that works as an agent. */
export interface AgentProcess {
  id: string;
  tenantId: string;
  runId: string;
  /** From 1, of its run. */
  launch: number;
  harness: string;
  program: string;
  host: string;
  /** Where its pid means what it does here; runner/proc.ts. */
  place: string;
  workDir: string;
  logPath: string;
  stateDir: string;
  keyId: string;
  pid: number | null;
  pgid: number | null;
  pidStarted: number | null;
  launchedAt: string;
  startedAt: string | null;
  attendedAt: string;
  endedAt: string | null;
  exitCode: number | null;
  signal: string | null;
  endLimit: string | null;
  endReason: string | null;
  /** Null while it runs. */
  outcome: CommandOutcome | null;
  outputBytes: number;
  rssBytes: number;
  peakBytes: number;
  readTo: number;
  said: string | null;
  saidFailed: boolean;
  lines: string[];
  tail: string;
}
