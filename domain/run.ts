import { Conflict } from './errors';
import type { Actor } from './principal';
import type { RunRuntime } from './runtime';
import { priorityRank } from './ticket';

export const runStatuses = [
  'spawned', 'running', 'pending_approval', 'awaiting_access', 'awaiting_user_response', 'blocked',
  'finished', 'failed', 'stopped', 'terminated',
] as const; // prettier-ignore
export type RunStatus = (typeof runStatuses)[number];

/** Working now; a waiting run is alive but not active. */
export const activeStatuses: readonly RunStatus[] = ['spawned', 'running'];
export const endedStatuses: readonly RunStatus[] = ['finished', 'failed', 'stopped', 'terminated'];

export const taskTypes = ['ticket_resolution', 'ad_hoc', 'postmortem', 'workflow_build', 'pipeline_step'] as const;
export type TaskType = (typeof taskTypes)[number];

/** assigned: people set the agent to work on a ticket. manual: a test run. scheduled: by its own schedule. */
export const triggerKinds = ['assigned', 'manual', 'scheduled'] as const;
export type TriggerKind = (typeof triggerKinds)[number];

/** One durable execution of an agent on a task. */
export interface Run {
  id: string;
  tenantId: string;
  /** The integer that the doors call agent id; the database gives it, 0 until then. */
  number: number;
  /** The integer that the doors call task id. */
  taskNumber: number;
  agentId: string;
  ticketId: string;
  taskType: TaskType;
  harness: string;
  model: string | null;
  /** The runtime profile that it was spawned with. */
  profileId: string | null;
  /** What that gave it; null: it was spawned without one. */
  runtime: RunRuntime | null;
  prompt: string | null;
  /** What the run may do: its spawner's scopes cut down to an agent's. */
  scopes: string[];
  /** Null where nothing was said of it. */
  triggerKind: TriggerKind | null;
  /** Of its agent's definition; null: there was none. */
  definitionVersion: number | null;
  status: RunStatus;
  progress: number;
  /** Steps recorded so far; the next one has this number. */
  steps: number;
  spawnedBy: Actor;
  result: string | null;
  error: string | null;
  createdAt: string;
  startedAt: string | null;
  finishedAt: string | null;
  version: number;
}

type Draft = Pick<
  Run,
  | 'id' | 'tenantId' | 'agentId' | 'ticketId' | 'harness' | 'model' | 'profileId' | 'prompt' | 'scopes' | 'triggerKind'
  | 'definitionVersion' | 'spawnedBy'
> & Partial<Pick<Run, 'taskType' | 'runtime'>>; // prettier-ignore

/** A run that is about to be opened. */
export const newRun = (draft: Draft, at: string): Run => ({
  taskType: 'ticket_resolution',
  runtime: null,
  ...draft,
  number: 0,
  taskNumber: 0,
  status: 'spawned',
  progress: 0,
  steps: 0,
  result: null,
  error: null,
  createdAt: at,
  startedAt: null,
  finishedAt: null,
  version: 1,
});

export type RunEvent =
  | { type: 'start' }
  | { type: 'wait'; for: 'pending_approval' | 'awaiting_access' | 'awaiting_user_response' | 'blocked' }
  /** `by` is whoever said so in the agent's place. */
  | { type: 'finish'; result: string; by?: Actor }
  | { type: 'fail'; error: string; by?: Actor }
  | { type: 'stop'; by: Actor; reason: string; terminate: boolean };

const ended = (status: RunStatus): boolean => endedStatuses.includes(status);
export const isEnded = (run: Pick<Run, 'status'>): boolean => ended(run.status);

const target = (event: RunEvent): RunStatus => {
  switch (event.type) {
    case 'start':
      return 'running';
    case 'wait':
      return event.for;
    case 'finish':
      return 'finished';
    case 'fail':
      return 'failed';
    case 'stop':
      return event.terminate ? 'terminated' : 'stopped';
  }
};

/**
 * The only way a run changes state: anything that is alive may start, wait or end; what has ended stays ended.
 * @throws Conflict naming the state that stands.
 */
export function step(run: Run, event: RunEvent, at: string): Run {
  if (isEnded(run)) throw new Conflict(`cannot ${event.type} an agent that is ${run.status}`, { status: run.status });
  const status = target(event);
  const next: Run = { ...run, status, version: run.version + 1 };
  if (event.type === 'start') return { ...next, startedAt: run.startedAt ?? at, progress: Math.max(run.progress, 5) };
  if (event.type === 'finish') return { ...next, result: event.result, progress: 100, finishedAt: at };
  if (event.type === 'fail') return { ...next, error: event.error, finishedAt: at };
  if (event.type === 'stop') return { ...next, error: event.reason, finishedAt: at };
  return next;
}

/** How far a run is that has taken so many steps, from 5 (started) to 90 (proposed): an embedded one takes about fifteen. */
export const progressAt = (step: number): number => Math.min(90, 5 + step * 6);

/** Work that nobody waits for: it takes its turn after that on tickets. */
const later: readonly TaskType[] = ['postmortem', 'workflow_build'];

/** Whose turn comes first when more are spawned than may work at once: the lower, 0 (P1) to 5. */
export const turnRank = (priority: string | null, taskType: TaskType): number =>
  (priorityRank(priority) ?? 3) - 1 + (later.includes(taskType) ? 2 : 0);
