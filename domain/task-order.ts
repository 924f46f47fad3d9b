import type { Actor } from './principal';
import { newRun, turnRank, type Run, type TaskType } from './run';
import type { RunRuntime } from './runtime';

/** What a task is to the orchestration door. pending: it waits for its time, its turn, or its next attempt. */
export const taskStatuses = ['pending', 'running', 'completed', 'failed'] as const;
export type TaskStatus = (typeof taskStatuses)[number];

export const taskPriorities = ['low', 'medium', 'high', 'critical'] as const;
export type TaskPriority = (typeof taskPriorities)[number];
export const usualPriority: TaskPriority = 'medium';

/** What was asked for of a run as a task, beside what every run has. Each attempt at it is a run. */
export interface TaskOrder {
  /** The run of the first attempt. */
  taskId: string;
  /** The integer that the door knows: that of the first attempt; 0 until there is one. */
  number: number;
  /** From 1. */
  attempt: number;
  /** After the first it may fail so many times more. */
  retries: number;
  kind: string;
  priority: TaskPriority;
  payload: Record<string, unknown>;
  /** Not before. */
  runAt: string | null;
  createdAt: string;
}

const ranks: Record<TaskPriority, number> = { critical: 0, high: 1, medium: 2, low: 3 };
/** On the scale of `turnRank`: a task's own priority goes before that of the ticket it is on. */
export const orderRank = (own: TaskPriority | null, ticket: string | null, taskType: TaskType): number =>
  own === null ? turnRank(ticket, taskType) : ranks[own];

const firstWaitMs = 1_000;
const longestWaitMs = 300_000;
/** How long a failed attempt is left before the next, in milliseconds: twice as long each time. */
export const backOffMs = (attempt: number): number => Math.min(longestWaitMs, firstWaitMs * 2 ** (attempt - 1));

/** What the agent of a task is told. */
export function orderText(kind: string, payload: Readonly<Record<string, unknown>>): string {
  const lines = Object.entries(payload).map(
    ([key, value]) => `${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return [`Task: ${kind}.`, ...lines].join('\n');
}

/** What a run of a task runs with: the time that it has, and nothing else that a profile would say. */
export const runtimeFor = (timeoutSeconds: number): RunRuntime => ({
  timeout_minutes: timeoutSeconds / 60,
  reasoning_effort: null,
  fast_mode: false,
  skills: [],
  fallback_models: [],
  budget_tokens: null,
  budget_money: null,
});

/** The next attempt at what failed, with its own time and its own steps; null: it was tried often enough. */
export function nextAttempt(
  failed: Run,
  order: TaskOrder,
  id: string,
  by: Actor,
  at: string,
): { run: Run; order: TaskOrder } | null {
  if (order.attempt > order.retries) return null;
  const { tenantId, agentId, ticketId, taskType, harness, model, profileId, runtime, prompt, scopes, triggerKind } =
    failed;
  const { definitionVersion } = failed;
  const draft = {
    tenantId,
    agentId,
    ticketId,
    taskType,
    harness,
    model,
    profileId,
    runtime,
    prompt,
    scopes,
    triggerKind,
  };
  return {
    run: newRun({ ...draft, id, definitionVersion, spawnedBy: by }, at),
    order: {
      ...order,
      attempt: order.attempt + 1,
      runAt: new Date(Date.parse(at) + backOffMs(order.attempt)).toISOString(),
    },
  };
}

/** What came of a task: an object as its agent gave it, or whatever it said. */
export function resultOf(text: string | null): Record<string, unknown> | null {
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Words, as most agents answer.
  }
  return { text };
}
