import { z } from 'zod';
import { InstantSchema, JsonObject } from './common.schema';
import { taskPriorities, type TaskOrder } from './task-order';

export const TaskOrderSchema = z.object({
  taskId: z.uuid(),
  number: z.int(),
  attempt: z.int(),
  retries: z.int(),
  kind: z.string(),
  priority: z.enum(taskPriorities),
  payload: JsonObject,
  runAt: InstantSchema.nullable(),
  createdAt: InstantSchema,
}) satisfies z.ZodType<TaskOrder>;
