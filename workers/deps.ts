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
import { transactionSources } from '../db/transactions/sources';
import type { CredentialProvider } from '../domain/credentials';
import type { Harness } from '../domain/harness';
import { queuesOf } from '../domain/queues';
import type { openKernel } from '../log/open';
import { openPipeline, type PipelineExtensions } from '../pipeline/open';
import { askToSync } from './ticket-sync';
import { watchGroups } from './tool-processes';

type Kernel = Awaited<ReturnType<typeof openKernel>>;

/** What an installation adds to what is built in. */
export interface Extensions extends PipelineExtensions {
  /** Another of a built-in harness's name takes its place. */
  harnesses?: readonly Harness[];
}

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

/** What activities lean on: the kernel, and the governed pipeline over it. */
export async function createDeps(
  config: Config,
  kernel: Kernel,
  temporal: WorkflowClient,
  logger: Logger,
  added: PipelineExtensions = {},
): Promise<Deps & { closePipeline(): Promise<void> }> {
  const { store } = kernel;
  const transactions = transactionSources(config.transactionView);
  await warnOfSharedVault(config, store, logger);
  const about = {
    policyDir: join(root, 'policy/compiled'),
    policyThread: join(root, 'dist/pipeline/rego/thread.js'),
    transactions,
    watcher: watchGroups(),
    logger,
  };
  const { pipeline, served, close } = await openPipeline(config, kernel, about, added);
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
    pipeline,
    closePipeline: close,
  };
}
