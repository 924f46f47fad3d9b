import type { Logger } from 'pino';
import type { Config } from '../config';
import { inLots, sharedPoints } from '../db/rate-limits';
import type { TransactionSources } from '../db/transactions/sources';
import type { openKernel } from '../log/open';
import type { Tool } from './call';
import { Connections } from './mcp/connections';
import type { Watcher } from './mcp/child';
import { servedBy, type ServedDeps } from './mcp/served';
import { loadPolicies, type PolicyEngine } from './policy';
import { createEvaluator } from './rego/evaluator';
import { tenantPolicies } from './rego/tenants';
import { createPipeline, type Pipeline } from './run';
import { combine, screenCall } from './screening';
import { builtinTools } from './tools';

/** What an installation adds to what is built in. */
export interface PipelineExtensions {
  tools?: readonly Tool[];
  /** Policies over the built-in ones. */
  policies?: (builtin: PolicyEngine) => PolicyEngine;
}

/** Calls that one agent may make in a minute, and how many of them a process asks for at a time: less than 1 %. */
const callsPerMinute = 3_000;
const lot = 20;
/** A message of a tool server's, and how many processes of them there are at a time. */
const connectionLimits = { maxBytes: 1024 * 1024, mostChildren: 32 };

/**
 * The governed pipeline over a kernel, for whichever process carries calls out. Connections to tool servers are the
 * process's own, begun when needed, as is the thread of the tenants' policies: close them with it.
 */
export async function openPipeline(
  config: Config,
  {
    store,
    files,
    masterKey,
    pool,
  }: Pick<Awaited<ReturnType<typeof openKernel>>, 'store' | 'files' | 'masterKey' | 'pool'>,
  {
    policyDir,
    policyThread,
    transactions,
    watcher,
    logger,
  }: {
    /** The compiled policies. */
    policyDir: string;
    /** What evaluates those of tenants, in a thread of its own. */
    policyThread: string;
    transactions: TransactionSources;
    watcher: Watcher;
    logger: Logger;
  },
  added: PipelineExtensions = {},
): Promise<{ pipeline: Pipeline; served: ServedDeps; close: () => Promise<void> }> {
  const builtin = await loadPolicies(policyDir, (err) => logger.error({ err }, 'a policy failed: the call was denied'));
  const policies = added.policies?.(builtin) ?? builtin;
  const limiter = inLots(sharedPoints(pool, 'call', callsPerMinute), lot);
  const { publicUrl, backTestMs } = config;
  const { allowPrivate, idleMs, programs, startTimeoutMs: connectMs } = config.tools;
  const connections = new Connections({ allowPrivate, idleMs, connectMs, ...connectionLimits }, watcher, logger);
  const served = { store, masterKey, connections, programs };
  const tools = [...builtinTools({ store, files, publicUrl, transactions, backTestMs }), ...(added.tools ?? [])];
  const evaluator = createEvaluator(policyThread, (err) =>
    logger.error({ err }, 'a policy of a tenant failed: the call was denied'),
  );
  return {
    served,
    async close() {
      await connections.close();
      await evaluator.close();
    },
    pipeline: createPipeline({
      store,
      files,
      masterKey,
      tools,
      policies,
      own: tenantPolicies(store, evaluator),
      screen: screenCall,
      decide: combine,
      limiter,
      served: servedBy(served),
    }),
  };
}
