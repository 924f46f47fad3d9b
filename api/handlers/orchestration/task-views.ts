import type { LogLine } from '../../../db/run-queries';
import type { Task } from '../../../db/tasks';
import { resultOf } from '../../../domain/task-order';
import { idOf } from '../../contracts/orchestration/door';

const secondsBetween = (from: string, to: string): number => Math.round((Date.parse(to) - Date.parse(from)) / 1000);

export const taskView = (t: Task) => ({
  id: idOf('task', t.number),
  agent_id: idOf('agent', t.agent),
  type: t.kind,
  status: t.status,
  priority: t.priority,
  progress: t.progress,
  created_at: t.createdAt,
  started_at: t.startedAt,
  completed_at: t.finishedAt,
  duration: t.startedAt === null ? null : secondsBetween(t.startedAt, t.finishedAt ?? new Date().toISOString()),
  result: resultOf(t.result),
  error: t.error,
  attempt: t.attempt,
  retry_attempts: t.retries,
  run_at: t.runAt,
});

/** When it would be done if it went on as it went until now; null where it does not work, or has said nothing yet. */
export function estimateOf(t: Pick<Task, 'status' | 'startedAt' | 'progress'>, now: number): string | null {
  if (t.status !== 'running' || t.startedAt === null || t.progress <= 0) return null;
  const from = Date.parse(t.startedAt);
  return new Date(from + ((now - from) * 100) / t.progress).toISOString();
}

const levels: Record<string, 'info' | 'warning' | 'error'> = { deny: 'warning', error: 'error' };
const words = (kind: string): string => kind.replace(/[._]/g, ' ');

export const logView = ({ at, kind, tool, decision, why }: LogLine) => ({
  timestamp: at,
  level: levels[decision] ?? ('info' as const),
  message: kind === 'run.checkpoint' && why !== null ? why : [tool ?? words(kind), why].filter(Boolean).join(': '),
});

export const taskDetail = (t: Task, lines: readonly LogLine[]) => ({
  ...taskView(t),
  payload: t.payload,
  estimated_completion: estimateOf(t, Date.now()),
  logs: lines.map(logView),
});
