import type { PipelineDefinition } from '../../../db/pipeline-definitions';
import type { Task } from '../../../db/tasks';
import type { Pipeline, PipelineStatus } from '../../../domain/pipeline';
import { resultOf, usualPriority, type TaskStatus } from '../../../domain/task-order';
import { idOf } from '../../contracts/orchestration/door';

/** Steps are known by their place. */
const stepId = (index: number): string => `step_${index + 1}`;

export const workflowView = (d: PipelineDefinition) => ({
  id: idOf('workflow', d.number),
  name: d.name,
  description: d.description,
  status: d.status,
  steps: d.steps.map((s, i) => ({ id: stepId(i), ...s })),
  created_at: d.createdAt,
});

const statuses: Record<PipelineStatus, TaskStatus> = {
  queued: 'pending',
  running: 'running',
  completed: 'completed',
  failed: 'failed',
  cancelled: 'failed',
};

/** `tasks` are those of its steps that have begun. */
export function executionView(d: Pick<PipelineDefinition, 'number'>, p: Pipeline, tasks: readonly Task[]) {
  const byId = new Map(tasks.map((t) => [t.taskId, t]));
  return {
    execution_id: idOf('execution', p.number),
    workflow_id: idOf('workflow', d.number),
    status: statuses[p.status],
    priority: p.priority ?? usualPriority,
    parameters: p.parameters ?? {},
    created_at: p.createdAt,
    started_at: p.startedAt,
    completed_at: p.finishedAt,
    error: p.error,
    task_ids: [...new Set(tasks.map((t) => idOf('task', t.number)))],
    steps: p.steps.map((s, i) => {
      const task = byId.get(s.runIds[0] ?? '');
      return {
        id: stepId(i),
        name: s.name,
        agent_type: s.task?.agentType ?? '',
        order: s.order,
        status: s.status,
        task_id: task ? idOf('task', task.number) : null,
        attempts: s.attempts,
        progress: s.status === 'completed' ? 100 : (task?.progress ?? 0),
        result: resultOf(s.result),
        error: s.error,
      };
    }),
  };
}
