import { v5 } from 'uuid';
import { agentOfType, currentDefinition } from '../../db/agents';
import { runs } from '../../db/runs';
import { orderOf } from '../../db/task-orders';
import type { Read } from '../../db/tx';
import { promptOf, taskHarness } from '../../domain/agent';
import { limitsOf } from '../../domain/agent-work.schema';
import type { Pipeline, StepTask } from '../../domain/pipeline';
import { newRun, type Run } from '../../domain/run';
import { agentScopes } from '../../domain/scopes';
import { orderText, resultOf, runtimeFor, usualPriority, type TaskOrder } from '../../domain/task-order';
import { attemptRunId } from './attempts';

export type StepDraft = { run: Run; title: string; order?: TaskOrder } | { run: null; reason: string };

interface Try {
  index: number;
  attempt: number;
  at: string;
  ticketId: string;
  task: StepTask;
}

/** What the agent of a step is given: what is given to all, what is its own, and what came of the steps before, by their names. */
const payloadOf = (p: Pipeline, { index, task }: Try): Record<string, unknown> => {
  const order = p.steps[index]?.order ?? 0;
  const before = p.steps.filter((s) => s.order < order && s.result !== null);
  const results = Object.fromEntries(before.map((s) => [s.name, resultOf(s.result)]));
  return { ...p.parameters, ...task.payload, ...(before.length > 0 && { previous: results }) };
};

/** The run that is to try a step as a task of an agent of its kind; after the first, the one that stands since that one failed. */
export async function draftStepTask(tx: Read, p: Pipeline, of: Try): Promise<StepDraft> {
  const { index, attempt, at, ticketId, task } = of;
  const title = `${p.name}: ${p.steps[index]?.name ?? ''}`;
  const taskId = v5(`step:${index}:1`, p.id);
  if (attempt > 1) {
    const id = attemptRunId(taskId, attempt);
    const [run, order] = [await runs.byId(tx, id), await orderOf(tx, id)];
    if (run && order) return { run, order, title };
    const last = await runs.byId(tx, attempt === 2 ? taskId : attemptRunId(taskId, attempt - 1));
    return { run: null, reason: last?.error ?? 'it is not tried again' };
  }
  const agent = await agentOfType(tx, task.agentType);
  if (!agent) return { run: null, reason: `there is no active agent of type ${task.agentType}` };
  const current = await currentDefinition(tx, agent);
  const limits = limitsOf(agent.configuration);
  const payload = payloadOf(p, of);
  const run = newRun(
    {
      id: taskId, tenantId: p.tenantId, agentId: agent.id, ticketId, taskType: 'pipeline_step',
      harness: taskHarness(agent), model: current?.definition.model ?? agent.model,
      profileId: null, runtime: runtimeFor(task.timeoutSeconds ?? limits.timeoutSeconds),
      prompt: promptOf(current?.definition ?? null, `Step “${p.steps[index]?.name ?? ''}” of ${p.name}.\n\n${orderText(task.agentType, payload)}`),
      scopes: agentScopes.filter((s) => p.scopes.includes(s)), triggerKind: 'assigned', definitionVersion: current?.version ?? null,
      spawnedBy: p.startedBy,
    },
    at,
  ); // prettier-ignore
  const order: TaskOrder = {
    taskId, number: 0, attempt: 1, retries: task.retries ?? limits.retryAttempts, kind: task.agentType,
    priority: p.priority ?? usualPriority, payload, runAt: null, createdAt: at,
  }; // prettier-ignore
  return { run, order, title };
}
