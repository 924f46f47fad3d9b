import { join } from 'node:path';
import type { WorkflowClient } from '@temporalio/client';
import type { Logger } from 'pino';
import { RateLimiterPostgres } from 'rate-limiter-flexible';
import type { Deps } from '../activities/deps';
import { root, type Config } from '../config';
import type { openKernel } from '../log/open';
import { loadPolicies } from '../pipeline/policy';
import { createPipeline } from '../pipeline/run';
import { combine, screenCall } from '../pipeline/screening';
import { builtinTools } from '../pipeline/tools';

type Kernel = Awaited<ReturnType<typeof openKernel>>;

/** Calls that one agent may make in a minute. */
const callsPerMinute = 3_000;

/** What activities lean on: the kernel, and the governed pipeline over it. */
export async function createDeps(
  config: Config,
  kernel: Kernel,
  temporal: WorkflowClient,
  logger: Logger,
): Promise<Deps> {
  const { store, files, pool } = kernel;
  const policies = await loadPolicies(join(root, 'policy/compiled'), (err) =>
    logger.error({ err }, 'a policy failed: the call was denied'),
  );
  const limiter = new RateLimiterPostgres({
    storeClient: pool,
    tableName: 'rate_limits',
    tableCreated: true,
    clearExpiredByTimeout: false,
    keyPrefix: 'call',
    points: callsPerMinute,
    duration: 60,
  });
  const tools = builtinTools({ store, dataDir: config.dataDir, publicUrl: config.publicUrl });
  return {
    ...kernel,
    logger,
    temporal,
    gateTtlMs: config.gateTtlMs,
    pipeline: createPipeline({ store, files, tools, policies, screen: screenCall, decide: combine, limiter }),
  };
}
