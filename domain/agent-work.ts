import type { AgentStatus } from './agent';

// An agent as the orchestration door has it: one row with the other doors.

export const agentEnvironments = ['production', 'staging', 'development'] as const;
export type AgentEnvironment = (typeof agentEnvironments)[number];

/** initializing: registered at this door, and no worker has taken it up. */
export const workStatuses = ['initializing', 'active', 'inactive', 'error'] as const;
export type WorkStatus = (typeof workStatuses)[number];

/** What its tasks are held to. */
export interface WorkLimits {
  /** At work at a time; further ones wait. */
  maxConcurrentTasks: number;
  /** Of one attempt at a task. */
  timeoutSeconds: number;
  /** Attempts after the first that failed. */
  retryAttempts: number;
}
export const usualLimits: WorkLimits = { maxConcurrentTasks: 10, timeoutSeconds: 300, retryAttempts: 3 };

export function workStatusOf(of: { status: AgentStatus; initializedAt: string | null }): WorkStatus {
  if (of.status === 'ERROR') return 'error';
  if (of.status !== 'ACTIVE') return 'inactive';
  return of.initializedAt === null ? 'initializing' : 'active';
}

/** Why it cannot be told to become that; null: it can. */
export function whyNotMoved(from: WorkStatus, to: 'active' | 'inactive'): string | null {
  if (from === 'initializing') return 'the agent is initializing: no worker has taken it up yet';
  return from === 'error' && to === 'inactive' ? 'the agent is in error: it can only become active again' : null;
}

/** Failures in a row from which an agent counts as unwell. */
const unwell = 3;

export function healthOf(of: { shown: WorkStatus; consecutiveFailures: number }): 'healthy' | 'degraded' | 'unhealthy' {
  if (of.shown === 'error' || of.consecutiveFailures >= unwell) return 'unhealthy';
  return of.consecutiveFailures > 0 || of.shown !== 'active' ? 'degraded' : 'healthy';
}
