import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { agentEnvironment, agentsOf, type AgentSettings } from './config-agents';
import { cliEnvironment, cliOf, type CliSettings } from './config-cli';
import { fileEnvironment, filesOf, type FileSettings } from './config-files';
import { itopEnvironment, itopOf, type ItopSettings } from './config-itop';
import { agentModelsOf, modelsEnvironment, opsAgentModelOf, type AgentModels, type ModelSettings } from './config-models'; // prettier-ignore
import { retentionEnvironment, retentionOf } from './config-retention';
import { vaultEnvironment, vaultOf, type VaultSettings } from './config-vault';
import { transparencyEnvironment, transparencyOf, type TransparencySettings } from './config-transparency';
import { wazuhEnvironment, wazuhOf, type WazuhSettings } from './config-wazuh';
import { toolEnvironment, toolSettingsOf, type ToolSettings } from './config-tools';
import type { KeptKind } from './domain/agent-records';

/** The project's folder: where migrations/, policy/ and package.json are, whether this runs from source or from dist/. */
export const root = existsSync(join(__dirname, 'package.json')) ? __dirname : dirname(__dirname);

const flag = z.enum(['0', '1', 'true', 'false']).transform((v) => v === '1' || v === 'true');
const positive = z.coerce.number().int().positive();
const megabytes = 1024 * 1024;

/** Whoever makes credentials outside, as docs/credentials.md says. */
interface CredentialSettings {
  url: string;
  secret: string;
  timeoutMs: number;
}

/** A view of card payments in a tenant's own database, as docs/transactions.md says. */
interface TransactionViewSettings {
  url: string;
  view: string;
  tenantId: string;
  timeoutMs: number;
}

/** Every setting there is. What the Temporal SDK reads itself (TEMPORAL_*) is documented by it. */
const Environment = z.object({
  HOST: z.string().default('127.0.0.1'),
  PORT: z.coerce.number().int().min(0).max(65535).default(8000),
  /** What the outside world calls this server; links in answers start with it. */
  PUBLIC_URL: z.url().optional(),
  WHEELHOUSE_DATA_DIR: z.string().default('.wheelhouse'),
  /** 32 bytes, base64: encrypts signing keys, leased secrets and stored answers. */
  WHEELHOUSE_MASTER_KEY: z
    .base64()
    .refine((v) => Buffer.from(v, 'base64').length === 32, 'must be 32 bytes in base64')
    .optional(),
  DATABASE_URL: z.string().optional(),
  DATABASE_POOL: positive.default(16),
  /** Workflows that a worker keeps in memory; unset: as many as fit an eighth of it (workers/memory.ts). */
  WORKFLOW_CACHE: positive.optional(),
  TEMPORAL_ADDRESS: z.string().optional(),
  TEMPORAL_UI_URL: z.string().optional(),
  /** Prefix of the three task queues, so that two installations can share a namespace. */
  TASK_QUEUE_PREFIX: z.string().default('wheelhouse'),
  /** Makes workers versioned: each run stays on the version that it began on. Unset: any worker goes on with any run. */
  WORKER_DEPLOYMENT: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,100}$/, 'letters, digits, _ and -, 100 at most')
    .optional(),
  /** This worker's version; the digest of its workflows when unset. */
  WORKER_BUILD_ID: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,100}$/, 'letters, digits, _, . and -, 100 at most')
    .optional(),
  METRICS_TOKEN: z.string().min(16).optional(),
  RATE_LIMIT_PER_MINUTE: positive.default(6000),
  /** What one credential may ask of the orchestration door (docs/orchestration.md). */
  ORCHESTRATION_RATE_LIMIT_PER_HOUR: positive.default(1000),
  ORCHESTRATION_RATE_LIMIT_PER_MINUTE: positive.default(100),
  TENANT_QUOTAS: z.stringbool().default(true),
  MAX_BODY_BYTES: positive.default(1 * megabytes),
  MAX_UPLOAD_BYTES: positive.default(64 * megabytes),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  /** Bodies of runs are short; a gate waits for people. */
  GATE_TTL_SECONDS: positive.default(7 * 24 * 3600),
  /** Who grants and ends credentials; when unset, this installation's own database does. */
  CREDENTIAL_PROVIDER_URL: z.url({ protocol: /^https?$/ }).optional(),
  /** What the provider knows us by. */
  CREDENTIAL_PROVIDER_SECRET: z.string().min(16).optional(),
  CREDENTIAL_PROVIDER_TIMEOUT_MS: positive.max(10_000).default(5_000),
  /** A view of a tenant's own Postgres with its card payments (docs/transactions.md); unset: those that were sent here. */
  TRANSACTIONS_VIEW_URL: z.url({ protocol: /^postgres(ql)?$/ }).optional(),
  TRANSACTIONS_VIEW: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}(\.[A-Za-z_][A-Za-z0-9_]{0,62})?$/, 'a view, or schema.view')
    .optional(),
  /** Whose payments it shows. */
  TRANSACTIONS_VIEW_TENANT: z.uuid().toLowerCase().optional(),
  TRANSACTIONS_VIEW_TIMEOUT_MS: positive.max(30_000).default(5_000),
  /** The back-test of a drafted rule that takes longer is stopped, within the ten seconds that a step has. */
  OPS_AGENT_BACK_TEST_TIMEOUT_MS: positive.max(8_000).default(5_000),
  /** An investigation that takes longer is timed out. */
  OPS_AGENT_DEADLINE_SECONDS: positive.max(86_400).default(300),
  /** How long a request waits for its workflow's answer. */
  WORKFLOW_PATIENCE_MS: positive.max(60_000).default(10_000),
  /** How often what terminated workflows left behind is taken back. */
  SWEEP_SECONDS: positive.default(30),
  /** How often all alert rules are held against all agents; those of an agent whose run ended are at once. */
  ALERT_SECONDS: positive.default(30),
  AUTO_ASSIGNMENT_MAX_ACTIVE_PER_RULE: positive.default(1),
  /** Webhooks may go to private and loopback addresses: for receivers on premise. */
  WEBHOOK_ALLOW_PRIVATE: flag.default(false),
  ...itopEnvironment,
  ...agentEnvironment,
  ...modelsEnvironment,
  ...wazuhEnvironment,
  ...transparencyEnvironment,
  ...vaultEnvironment,
  ...toolEnvironment,
  ...fileEnvironment,
  ...retentionEnvironment,
  ...cliEnvironment,
  /** The issuer of a single sign-on may be at private and loopback addresses, and at http. */
  SSO_ALLOW_PRIVATE: flag.default(false),
  /** Whether cookies are for TLS alone; unset: when PUBLIC_URL is https. */
  SECURE_COOKIES: flag.optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: z.string().optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: z.string().optional(),
  OTEL_SERVICE_NAME: z.string().optional(),
});

export interface Config extends AgentModels {
  host: string;
  port: number;
  publicUrl: string | null;
  dataDir: string;
  masterKey: Buffer | null;
  databaseUrl: string | null;
  databasePool: number;
  workflowCache: number | null;
  temporalAddress: string | null;
  temporalUi: string | null;
  taskQueuePrefix: string;
  workerDeployment: string | null;
  workerBuildId: string | null;
  metricsToken: string | null;
  /** Whether what a tenant's tier allows is held. */
  tenantQuotas: boolean;
  rateLimitPerMinute: number;
  /** Of the orchestration door, for each credential. */
  orchestrationLimits: { perHour: number; perMinute: number };
  maxBodyBytes: number;
  maxUploadBytes: number;
  logLevel: string;
  gateTtlMs: number;
  credentialProvider: CredentialSettings | null;
  transactionView: TransactionViewSettings | null;
  backTestMs: number;
  investigationDeadlineMs: number;
  opsAgentModel: ModelSettings | null;
  workflowPatienceMs: number;
  sweepSeconds: number;
  retentionDays: Record<KeptKind, number>;
  alertSeconds: number;
  /** Tickets that one rule may have agents at work on at a time. */
  autoAssignmentsPerRule: number;
  webhookAllowPrivate: boolean;
  itop: ItopSettings | null;
  /** Commands that work as agents. */
  agents: AgentSettings;
  cli: CliSettings;
  wazuh: WazuhSettings | null;
  transparency: TransparencySettings;
  vault: VaultSettings | null;
  tools: ToolSettings;
  files: FileSettings;
  /** What new tickets go to when nobody says; null: to whichever is configured. */
  ticketProvider: 'local' | 'itop' | null;
  ssoAllowPrivate: boolean;
  secureCookies: boolean;
  tracing: boolean;
  serviceName: string | null;
}

/** All three of them, or none. @throws Error */
function transactionViewOf(e: z.output<typeof Environment>): TransactionViewSettings | null {
  const [url, view, tenantId] = [e.TRANSACTIONS_VIEW_URL, e.TRANSACTIONS_VIEW, e.TRANSACTIONS_VIEW_TENANT];
  if (url !== undefined && view !== undefined && tenantId !== undefined)
    return { url, view, tenantId, timeoutMs: e.TRANSACTIONS_VIEW_TIMEOUT_MS };
  if (url === undefined && view === undefined && tenantId === undefined) return null;
  throw new Error('TRANSACTIONS_VIEW_URL, TRANSACTIONS_VIEW, TRANSACTIONS_VIEW_TENANT: all of them, or none');
}

/** @throws Error with one line a wrong setting, naming it. */
export function loadConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const parsed = Environment.safeParse(env, {
    error: (issue) => (Number.isNaN(issue.input) ? 'must be a number' : undefined),
  });
  if (!parsed.success) {
    throw new Error(parsed.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`).join('\n'));
  }
  const e = parsed.data;
  if ((e.CREDENTIAL_PROVIDER_URL === undefined) !== (e.CREDENTIAL_PROVIDER_SECRET === undefined)) {
    throw new Error('CREDENTIAL_PROVIDER_URL, CREDENTIAL_PROVIDER_SECRET: one without the other');
  }
  const dataDir = resolve(root, e.WHEELHOUSE_DATA_DIR);
  return {
    host: e.HOST,
    port: e.PORT,
    publicUrl: e.PUBLIC_URL ?? null,
    dataDir,
    masterKey: e.WHEELHOUSE_MASTER_KEY ? Buffer.from(e.WHEELHOUSE_MASTER_KEY, 'base64') : null,
    databaseUrl: e.DATABASE_URL ?? null,
    databasePool: e.DATABASE_POOL,
    workflowCache: e.WORKFLOW_CACHE ?? null,
    temporalAddress: e.TEMPORAL_ADDRESS ?? null,
    temporalUi: e.TEMPORAL_UI_URL ?? null,
    taskQueuePrefix: e.TASK_QUEUE_PREFIX,
    workerDeployment: e.WORKER_DEPLOYMENT ?? null,
    workerBuildId: e.WORKER_BUILD_ID ?? null,
    metricsToken: e.METRICS_TOKEN ?? null,
    rateLimitPerMinute: e.RATE_LIMIT_PER_MINUTE,
    orchestrationLimits: {
      perHour: e.ORCHESTRATION_RATE_LIMIT_PER_HOUR,
      perMinute: e.ORCHESTRATION_RATE_LIMIT_PER_MINUTE,
    },
    tenantQuotas: e.TENANT_QUOTAS,
    maxBodyBytes: e.MAX_BODY_BYTES,
    maxUploadBytes: e.MAX_UPLOAD_BYTES,
    logLevel: e.LOG_LEVEL,
    gateTtlMs: e.GATE_TTL_SECONDS * 1000,
    credentialProvider:
      e.CREDENTIAL_PROVIDER_URL !== undefined && e.CREDENTIAL_PROVIDER_SECRET !== undefined
        ? {
            url: e.CREDENTIAL_PROVIDER_URL,
            secret: e.CREDENTIAL_PROVIDER_SECRET,
            timeoutMs: e.CREDENTIAL_PROVIDER_TIMEOUT_MS,
          }
        : null,
    transactionView: transactionViewOf(e),
    backTestMs: e.OPS_AGENT_BACK_TEST_TIMEOUT_MS,
    investigationDeadlineMs: e.OPS_AGENT_DEADLINE_SECONDS * 1000,
    opsAgentModel: opsAgentModelOf(e),
    workflowPatienceMs: e.WORKFLOW_PATIENCE_MS,
    sweepSeconds: e.SWEEP_SECONDS,
    retentionDays: retentionOf(e),
    alertSeconds: e.ALERT_SECONDS,
    autoAssignmentsPerRule: e.AUTO_ASSIGNMENT_MAX_ACTIVE_PER_RULE,
    webhookAllowPrivate: e.WEBHOOK_ALLOW_PRIVATE,
    itop: itopOf(e),
    agents: agentsOf(e, env, dataDir),
    cli: cliOf(e),
    ...agentModelsOf(e, env),
    wazuh: wazuhOf(e),
    transparency: transparencyOf(e),
    vault: vaultOf(e),
    tools: toolSettingsOf(e, root, env),
    files: filesOf(e),
    ticketProvider: e.DEFAULT_TICKET_PROVIDER ?? e.ACTIVE_TICKET_PROVIDER ?? null,
    ssoAllowPrivate: e.SSO_ALLOW_PRIVATE,
    secureCookies: e.SECURE_COOKIES ?? e.PUBLIC_URL?.startsWith('https:') ?? false,
    tracing: Boolean(e.OTEL_EXPORTER_OTLP_ENDPOINT ?? e.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT),
    serviceName: e.OTEL_SERVICE_NAME ?? null,
  };
}

/** The environment for a child process: this one's, changed; null takes a variable away. */
export function childEnvironment(changes: Record<string, string | null>): NodeJS.ProcessEnv {
  const merged = Object.entries({ ...process.env, ...changes });
  return Object.fromEntries(merged.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}
