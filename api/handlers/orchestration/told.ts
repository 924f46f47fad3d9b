import type { Entry } from '../../../domain/log';
import { resultOf } from '../../../domain/task-order';
import type { eventTypes } from '../../contracts/orchestration/events';

// What the log says, in the words of this door's events.

export interface Told {
  type: (typeof eventTypes)[number];
  payload: Record<string, unknown>;
  /** It is about a task: its run's. */
  task: boolean;
}
type Words = Pick<Entry, 'kind' | 'body' | 'reason' | 'subjectId'>;

const statuses: Record<string, string> = { paused: 'inactive', disabled: 'inactive' };
const statusOf = (v: unknown): string | null => (typeof v === 'string' ? (statuses[v.toLowerCase()] ?? v.toLowerCase()) : null); // prettier-ignore

function agentMoved({ kind, body }: Words): Told | null {
  const said = body['said'] as Record<string, unknown> | undefined;
  const status = kind === 'agent.deleted' ? 'inactive' : statusOf(body['status'] ?? said?.['status']);
  const was = statusOf(body['was']);
  if (status === null || status === was) return null;
  return { type: 'agent_status_change', payload: { name: body['name'], status, previous_status: was }, task: false };
}

const task = (type: Told['type'], payload: Record<string, unknown>): Told => ({ type, payload, task: true });

/** Null: nobody at this door is told. */
export function toldOf(e: Words): Told | null {
  const { body, reason } = e;
  switch (e.kind) {
    case 'agent.updated':
    case 'agent.initialized':
    case 'agent.deleted':
      return agentMoved(e);
    case 'run.spawned':
      return task('task_created', { status: 'pending' });
    case 'run.started':
      return task('task_started', { status: 'running' });
    case 'run.waiting':
      return task('task_progress', { status: 'running', waits_for: body['status'] });
    case 'run.checkpoint':
      return task('task_progress', { status: 'running', progress: body['progress_pct'], message: reason ?? body['step'] });
    case 'run.finished':
      return task('task_completed', { status: 'completed', progress: 100, result: resultOf(body['result'] as string | null) });
    case 'run.failed':
      if (typeof body['next_attempt_at'] === 'string')
        return task('task_retrying', { status: 'pending', error: reason, attempt: body['attempt'], next_attempt_at: body['next_attempt_at'] });
      return task('task_failed', { status: 'failed', error: reason });
    case 'run.stopped':
    case 'run.terminated':
      return task('task_failed', { status: 'failed', error: reason });
    case 'alert.fired':
      return {
        type: 'system_alert',
        payload: { alert_id: e.subjectId, rule_type: body['rule_type'], agent_name: body['agent_name'], message: reason },
        task: false,
      };
  } // prettier-ignore
  return null;
}

/** What the whole system is told of: how tasks end, how agents stand, and alerts. */
const ofSystem: ReadonlySet<Told['type']> = new Set([
  'agent_status_change',
  'task_completed',
  'task_failed',
  'system_alert',
]);
export const isOfSystem = (told: Told): boolean => ofSystem.has(told.type);
