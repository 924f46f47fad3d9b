import { join } from 'node:path';
import type { WorkflowClient } from '@temporalio/client';
import type { Logger } from 'pino';
import type { Deps } from '../activities/deps';
import { byKeeper } from '../activities/integrations/credentials/by-keeper';
import { embeddedCredentials } from '../activities/integrations/credentials/embedded';
import { httpModel } from '../activities/agents/model/http';
import { httpCredentials } from '../activities/integrations/credentials/http';
import { vaultCredentials } from '../activities/integrations/credentials/vault/provider';
import { itopProvider } from '../activities/providers/itop/provider';
import { root, type Config } from '../config';
import { isTenant } from '../db/provider-states';
import { inLots, sharedPoints } from '../db/rate-limits';
import { transactionSources } from '../db/transactions/sources';
import type { CredentialProvider } from '../domain/credentials';
import type { Harness } from '../domain/harness';
import { queuesOf } from '../domain/queues';
import type { openKernel } from '../log/open';
import type { Tool } from '../pipeline/call';
import { loadPolicies, type PolicyEngine } from '../pipeline/policy';
import { Connections } from '../pipeline/mcp/connections';
import { servedBy } from '../pipeline/mcp/served';
import { createEvaluator } from '../pipeline/rego/evaluator';
import { tenantPolicies } from '../pipeline/rego/tenants';
import { createPipeline } from '../pipeline/run';
import { combine, screenCall } from '../pipeline/screening';
import { builtinTools } from '../pipeline/tools';
import { askToSync } from './ticket-sync';
import { watchGroups } from './tool-processes';

type Kernel = Awaited<ReturnType<typeof openKernel>>;

/** What an installation adds to what is built in. */
export interface Extensions {
  tools?: readonly Tool[];
  /** Another of a built-in harness's name takes its place. */
  harnesses?: readonly Harness[];
  /** Policies over the built-in ones. */
  policies?: (builtin: PolicyEngine) => PolicyEngine;
}

/** Calls that one agent may make in a minute, and how many of them a process asks for at a time: less than 1 %. */
const callsPerMinute = 3_000;
const lot = 20;

/** The vault for the tenant whose it is, or for all; else the service that is named; else this installation's database. */
function credentialsOf({ vault, credentialProvider }: Config, store: Kernel['store']): CredentialProvider {
  const usual = credentialProvider ? 'http' : 'database';
  return byKeeper({
    known: {
      database: embeddedCredentials(store),
      ...(credentialProvider && { http: httpCredentials(credentialProvider) }),
      ...(vault && { vault: vaultCredentials(vault) }),
    },
    current: async (tenantId) => {
      const slug = vault?.tenant ?? null;
      if (!vault) return usual;
      return slug === null || (await store.read(tenantId, (tx) => isTenant(tx, slug))) ? 'vault' : usual;
    },
  });
}

/** Whoever may ask for access in any tenant may be lent what the vault has: said once, at the start, where there are several. */
export async function warnOfSharedVault(
  { vault }: Pick<Config, 'vault'>,
  store: Pick<Kernel['store'], 'tenants'>,
  logger: Pick<Logger, 'warn'>,
): Promise<void> {
  if (!vault || vault.tenant !== null) return;
  const tenants = (await store.tenants()).length;
  if (tenants > 1) logger.warn({ tenants }, 'VAULT_TENANT is not set: secrets of the vault are lent in every tenant');
}

/** A message of a tool server's, and how many processes of them there are at a time. */
const connectionLimits = { maxBytes: 1024 * 1024, mostChildren: 32 };

/** What activities lean on: the kernel, and the governed pipeline over it. */
export async function createDeps(
  config: Config,
  kernel: Kernel,
  temporal: WorkflowClient,
  logger: Logger,
  added: Pick<Extensions, 'tools' | 'policies'> = {},
): Promise<Deps> {
  const { store, files, masterKey, pool } = kernel;
  const builtin = await loadPolicies(join(root, 'policy/compiled'), (err) =>
    logger.error({ err }, 'a policy failed: the call was denied'),
  );
  const policies = added.policies?.(builtin) ?? builtin;
  const limiter = inLots(sharedPoints(pool, 'call', callsPerMinute), lot);
  const { publicUrl, backTestMs } = config;
  const transactions = transactionSources(config.transactionView);
  await warnOfSharedVault(config, store, logger);
  const { allowPrivate, idleMs, programs, startTimeoutMs: connectMs } = config.tools;
  const limits = { allowPrivate, idleMs, connectMs, ...connectionLimits };
  const connections = new Connections(limits, watchGroups(), logger);
  const served = { store, masterKey, connections, programs };
  const tools = [...builtinTools({ store, files, publicUrl, transactions, backTestMs }), ...(added.tools ?? [])];
  return {
    ...kernel,
    logger,
    temporal,
    credentials: credentialsOf(config, store),
    model: config.opsAgentModel && httpModel(config.opsAgentModel),
    models: config.models,
    runBudget: config.runBudget,
    learning: config.learning,
    gateTtlMs: config.gateTtlMs,
    agents: config.agents,
    retentionDays: config.retentionDays,
    provided: config.itop && {
      provider: itopProvider(config.itop),
      tenant: config.itop.tenant,
      active: config.ticketProvider !== 'local',
    },
    askSync: askToSync(temporal, queuesOf(config.taskQueuePrefix)),
    webhookAllowPrivate: config.webhookAllowPrivate,
    tools: served,
    settings: config,
    pipeline: createPipeline({
      store,
      files,
      masterKey,
      tools,
      policies,
      own: tenantPolicies(
        store,
        createEvaluator(join(root, 'dist/pipeline/rego/thread.js'), (err) =>
          logger.error({ err }, 'a policy of a tenant failed: the call was denied'),
        ),
      ),
      screen: screenCall,
      decide: combine,
      limiter,
      served: servedBy(served),
    }),
  };
}
