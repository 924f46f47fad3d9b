import { z } from 'zod';
import { JsonObject } from './common.schema';
import { usualLimits, type WorkLimits } from './agent-work';

const known = {
  max_concurrent_tasks: z.int().min(1).max(1_000),
  timeout: z.int().min(1).max(86_400),
  retry_attempts: z.int().min(0).max(20),
};

/** What people may keep in an agent's configuration; what is known of it has its bounds. */
export const ConfigurationSchema = z
  .looseObject(known)
  .partial()
  .refine((c) => JsonObject.safeParse(c).success && JSON.stringify(c).length <= 64_000, 'more than 64,000 characters');

const Limits = z.object({
  max_concurrent_tasks: known.max_concurrent_tasks.catch(usualLimits.maxConcurrentTasks),
  timeout: known.timeout.catch(usualLimits.timeoutSeconds),
  retry_attempts: known.retry_attempts.catch(usualLimits.retryAttempts),
});

/** What a configuration says of limits; what it does not say, or another door kept there in another form, is as usual. */
export function limitsOf(configuration: Record<string, unknown>): WorkLimits {
  const read = Limits.parse(configuration);
  return {
    maxConcurrentTasks: read.max_concurrent_tasks,
    timeoutSeconds: read.timeout,
    retryAttempts: read.retry_attempts,
  };
}
