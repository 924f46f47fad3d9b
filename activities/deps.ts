import type { WazuhSettings } from '../config-wazuh';
import type { WorkflowClient } from '@temporalio/client';
import type { Logger } from 'pino';
import type { AgentSettings } from '../config-agents';
import type { LearningSettings } from '../config-models';
import type { KeptKind } from '../domain/agent-records';
import type { CredentialProvider } from '../domain/credentials';
import type { AgentModel, Model } from '../domain/model';
import type { Spending } from '../domain/model-turn';
import type { PartSettings } from '../domain/parts';
import type { Provided, SyncOutcome } from '../domain/provider';
import type { FileStore } from '../log/files';
import type { Keyring } from '../log/keys';
import type { Store } from '../log/store';
import type { ServedDeps } from '../pipeline/mcp/served';
import type { Pipeline } from '../pipeline/run';

/** What of the configuration says which parts there are, and how they are asked. */
export interface Settings extends PartSettings {
  opsAgentModel: { url: string; key: string | null } | null;
  credentialProvider: { url: string; secret: string } | null;
  tools: { checkTimeoutMs: number; startTimeoutMs: number };
  wazuh: WazuhSettings | null;
}

/** What side effects lean on. By argument, never by module state. */
export interface Deps {
  store: Store;
  keyring: Keyring;
  pipeline: Pipeline;
  files: FileStore;
  masterKey: Buffer;
  credentials: CredentialProvider;
  /** Null: the rules plan and narrate. */
  model: Model | null;
  /** What agents can work with, the usual one first. */
  models: readonly AgentModel[];
  /** Of one run. */
  runBudget: Spending;
  /** Who writes postmortems from the records, null: the rules; and what a tenant's may spend in a day. */
  learning: LearningSettings;
  temporal: WorkflowClient;
  logger: Logger;
  gateTtlMs: number;
  /** Commands that work as agents. */
  agents: AgentSettings;
  /** For how many days what agents report is kept. */
  retentionDays: Record<KeptKind, number>;
  /** Null: tickets are kept here alone. */
  provided: Provided | null;
  /** Has a ticket's own process look after it at its provider, and answers what came of that. */
  askSync: (tenantId: string, ticketId: string) => Promise<SyncOutcome>;
  /** Webhooks may go to private addresses. */
  webhookAllowPrivate: boolean;
  /** Connections to tool servers, and what it takes to begin one. */
  tools: ServedDeps;
  settings: Settings;
}
