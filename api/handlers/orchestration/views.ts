import type { WorkAgent } from '../../../db/agent-work';
import { healthOf, workStatusOf } from '../../../domain/agent-work';
import { limitsOf } from '../../../domain/agent-work.schema';
import { idOf } from '../../contracts/orchestration/door';

// The domain as this door's wire has it.

export const percentOf = (part: number, whole: number): number | null =>
  whole === 0 ? null : Math.round((part / whole) * 1000) / 10;

const named = (a: WorkAgent) => ({
  id: idOf('agent', a.number),
  name: a.name,
  type: a.workType,
  status: workStatusOf(a),
  created_at: a.createdAt,
  updated_at: a.updatedAt,
});
const counted = (a: WorkAgent) => ({
  tasks_completed: a.completed,
  success_rate: percentOf(a.completed, a.completed + a.failed),
  avg_response_time: a.averageMs,
});

export const listedAgentView = (a: WorkAgent) => ({ ...named(a), metrics: counted(a) });

export function agentView(a: WorkAgent) {
  const { maxConcurrentTasks, timeoutSeconds, retryAttempts } = limitsOf(a.configuration);
  const shown = workStatusOf(a);
  return {
    ...named(a),
    environment: a.environment,
    harness: a.harness,
    configuration: {
      ...a.configuration,
      max_concurrent_tasks: maxConcurrentTasks,
      timeout: timeoutSeconds,
      retry_attempts: retryAttempts,
    },
    health: {
      status: healthOf({ shown, consecutiveFailures: a.consecutiveFailures }),
      last_check: a.lastRunAt,
      uptime: shown === 'active' ? Math.max(0, Math.floor(a.uptime)) : 0,
    },
    metrics: { ...counted(a), tasks_failed: a.failed, memory_usage: null, cpu_usage: null },
  };
}
