import { lockAgentNumbered } from '../../../db/agents';
import { draftRun } from '../../../db/own-work';
import { runLines } from '../../../db/run-queries';
import { orderOf } from '../../../db/task-orders';
import { listTasks, taskByNumber, taskOfRun, type Task } from '../../../db/tasks';
import type { Read } from '../../../db/tx';
import { inactiveReason } from '../../../domain/agent';
import { Conflict, NotFound } from '../../../domain/errors';
import { limitsOf } from '../../../domain/agent-work.schema';
import { orderText, runtimeFor, type TaskOrder } from '../../../domain/task-order';
import { idOf, pageOf } from '../../contracts/orchestration/door';
import type { tasks } from '../../contracts/orchestration/tasks';
import type { Ctx, Handlers } from '../../kernel';
import { openRun } from '../agentic/spawn';
import { taskDetail, taskView } from './task-views';

/** Of its log. */
const mostLines = 100;

/** @throws NotFound, for a foreign task as for one that never was */
export async function seenTask(ctx: Ctx, tx: Read, number: number): Promise<Task> {
  const found = await taskByNumber(tx, number, ctx.principal.ticketId);
  if (!found) throw new NotFound(`no task ${idOf('task', number)}`);
  return found;
}

const taskOf = async (tx: Read, runId: string): Promise<Task> => {
  const found = await taskOfRun(tx, runId);
  if (!found) throw new Error(`run ${runId} is no task`);
  return found;
};

type Asked = Parameters<Handlers<typeof tasks>['createWorkTask']>[0]['body'];

/** The run of a new task, on the ticket that its agent works on by itself. @throws NotFound, Conflict */
const draftTask = (ctx: Ctx, id: string, asked: Asked) =>
  ctx.write(async (tx) => {
    const agent = await lockAgentNumbered(tx, asked.agent_id);
    if (!agent) throw new NotFound(`no agent ${idOf('agent', asked.agent_id)}`, { field: 'agent_id' });
    const inactive = inactiveReason(agent);
    if (inactive !== null) throw new Conflict(inactive, { field: 'agent_id', status: agent.status.toLowerCase() });
    const limits = limitsOf(agent.configuration);
    const drafted = await draftRun(tx, agent, {
      id,
      kind: 'manual',
      context: {},
      said: orderText(asked.type, asked.payload),
      runtime: runtimeFor(limits.timeoutSeconds),
      by: ctx.actor,
      scopes: ctx.principal.scopes,
    });
    const order: TaskOrder = {
      taskId: id,
      number: 0,
      attempt: 1,
      retries: limits.retryAttempts,
      kind: asked.type,
      priority: asked.priority,
      payload: asked.payload,
      runAt: asked.schedule.type === 'scheduled' ? asked.schedule.run_at : null,
      createdAt: drafted.run.createdAt,
    };
    return { ...drafted, order };
  });

export const taskHandlers: Handlers<typeof tasks> = {
  listWorkTasks: async ({ query }, ctx) => {
    const filter = {
      only: ctx.principal.ticketId,
      agent: query.agent_id ?? null,
      status: query.status ?? null,
      priority: query.priority ?? null,
      createdAfter: query.created_after ?? null,
      createdBefore: query.created_before ?? null,
    };
    const { tasks, total } = await ctx.read((tx) => listTasks(tx, filter, query.limit, (query.page - 1) * query.limit));
    return pageOf(query, tasks.map(taskView), total);
  },

  createWorkTask: async ({ body }, ctx) => {
    const id = ctx.newId();
    const stands = ctx.repeatable && (await ctx.read((tx) => orderOf(tx, id))) !== null;
    if (!stands) {
      const { ticket, run, order } = await draftTask(ctx, id, body);
      await openRun(ctx, ticket, run, order);
    }
    return taskView(await ctx.read((tx) => taskOf(tx, id)));
  },

  getWorkTask: ({ params }, ctx) =>
    ctx.read(async (tx) => {
      const task = await seenTask(ctx, tx, params.task_id);
      return taskDetail(task, await runLines(tx, task.runId, mostLines));
    }),
};
