import { z } from 'zod';
import { taskPriorities, taskStatuses, usualPriority } from '../../../domain/task-order';
import { operation } from '../../operation';
import { Instant, name, since1970 } from '../shapes';
import { Id, listed, pageQuery, prefixed } from './door';

const tag = 'Tasks';
export const Priority = z.enum(taskPriorities);
/** An object of JSON: what is asked for, or what came of it. */
export const jsonObject = (most: number) =>
  z
    .record(z.string().max(200), z.unknown())
    .refine((value) => JSON.stringify(value).length <= most, `must be at most ${most} characters of JSON`);

const TaskShape = z.object({
  id: Id('task'),
  agent_id: Id('agent'),
  type: z.string(),
  status: z.enum(taskStatuses),
  priority: Priority,
  progress: z.number().min(0).max(100),
  created_at: Instant,
  started_at: Instant.nullable(),
  completed_at: Instant.nullable(),
  duration: z.number().nullable().describe('Seconds of the attempt that ended it, or goes on'),
  result: z
    .record(z.string(), z.unknown())
    .nullable()
    .describe('As its agent gave it; `{text}` where that was no object'),
  error: z.string().nullable(),
  attempt: z.int().describe('From 1; one that failed and is to be tried again is pending'),
  retry_attempts: z.int().describe('After the first it may fail so many times more'),
  run_at: Instant.nullable().describe('Not before'),
});
const DetailShape = TaskShape.extend({
  payload: z.record(z.string(), z.unknown()).nullable().describe('Null: another door began it'),
  estimated_completion: Instant.nullable().describe('As fast as it went until now; null where nothing tells'),
  logs: z.array(z.object({ timestamp: Instant, level: z.enum(['info', 'warning', 'error']), message: z.string() })),
});

export const tasks = {
  listWorkTasks: operation({
    route: 'GET /v1/tasks',
    tag,
    summary: 'Tasks of every door, newest first: each is a run',
    access: 'agents:read',
    query: pageQuery.extend({
      agent_id: prefixed('agent').optional(),
      status: z.enum(taskStatuses).optional(),
      priority: Priority.optional(),
      created_after: Instant.optional(),
      created_before: Instant.optional(),
    }),
    ...listed(TaskShape),
  }),
  createWorkTask: operation({
    route: 'POST /v1/tasks',
    tag,
    summary: 'Give an agent a task: it begins when its turn comes, by priority, then age',
    access: 'agents:spawn',
    body: z
      .object({
        agent_id: prefixed('agent'),
        type: name(100),
        priority: Priority.default(usualPriority),
        payload: jsonObject(65_536).default({}),
        schedule: z
          .discriminatedUnion('type', [
            z.object({ type: z.literal('immediate') }),
            z.object({ type: z.literal('scheduled'), run_at: Instant.refine(since1970, 'too long ago') }),
          ])
          .default({ type: 'immediate' }),
      })
      .meta({
        example: { agent_id: 'agent_12', type: 'data_processing', priority: 'high', payload: { source: 'database' } },
      }),
    output: TaskShape,
    status: 201,
    errors: ['NotFound', 'Conflict'],
  }),
  getWorkTask: operation({
    route: 'GET /v1/tasks/:task_id',
    tag,
    summary: 'How a task is: its progress, its log, and what came of it',
    access: 'agents:read',
    params: z.object({ task_id: prefixed('task') }),
    output: DetailShape,
    errors: ['NotFound'],
  }),
};
