import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { Client } from 'pg';
import type { Deps } from '../../activities/deps';
import { searchAttributes } from '../../cli/search-attributes';
import { loadConfig } from '../../config';
import type { Keyring } from '../../log/keys';
import { createLogger } from '../../log/logger';
import { openKernel } from '../../log/open';
import { provisionTenant } from '../../log/provision';
import type { Store } from '../../log/store';
import { createDeps } from '../../workers/deps';
import { refusals } from '../../workers/failures';
import { installRuntime } from '../../workers/runtime';
import { bundlePath, freshDatabase, temporal } from '../stack';

/** Workflows under a clock that skips, over a real Postgres. */
export interface Clockwork {
  env: TestWorkflowEnvironment;
  store: Store;
  keyring: Keyring;
  tenantId: string;
  /** The owner's connection, past row-level security: for looking, and for tampering. */
  owner: Client;
  /** The owner's as well: for a second connection. */
  databaseUrl: string;
  /** All workflows and activities are polled here. */
  taskQueue: string;
  close(): Promise<void>;
}

const KEYWORD = 2;

/** `activities` gets what activities lean on, as a worker does. */
export async function clockwork(
  activities: (deps: Deps) => object,
  fourEyes: 'strict' | 'agent_only' = 'agent_only',
  settings: Record<string, string> = {},
): Promise<Clockwork> {
  const database = await freshDatabase();
  const dataDir = mkdtempSync(join(tmpdir(), 'wheelhouse-time-'));
  const masterKey = randomBytes(32);
  const { tenantId } = await provisionTenant(database.url, {
    slug: 'local', fourEyes, operatorSignals: true, adminEmail: 'admin@local.test', adminPassword: 'x'.repeat(12), masterKey, apiKey: null,
  }); // prettier-ignore
  const config = loadConfig({
    DATABASE_URL: database.url,
    WHEELHOUSE_MASTER_KEY: masterKey.toString('base64'),
    WHEELHOUSE_DATA_DIR: dataDir,
    DATABASE_POOL: '8',
    ...settings,
  });
  const logger = createLogger('warn', 'test');
  installRuntime(logger);
  const kernel = await openKernel(config, logger);
  const owner = new Client({ connectionString: database.url });
  await owner.connect();
  const env = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path: temporal().testServerPath } },
  });
  await env.connection.operatorService.addSearchAttributes({
    namespace: 'default',
    searchAttributes: Object.fromEntries(searchAttributes.map((name) => [name, KEYWORD])),
  });
  const taskQueue = 'wheelhouse-lifecycle';
  const worker = await Worker.create({
    connection: env.nativeConnection,
    taskQueue,
    workflowBundle: { codePath: bundlePath() },
    activities: activities(await createDeps(config, kernel, env.client.workflow, logger)),
    interceptors: { activity: [() => ({ inbound: refusals })] },
  });
  const running = worker.run();
  const { store, keyring } = kernel;
  return {
    env, store, keyring, tenantId, owner, databaseUrl: database.url, taskQueue,
    async close() {
      worker.shutdown();
      await running;
      await env.teardown();
      await kernel.pool.end();
      await owner.end();
      await database.drop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  }; // prettier-ignore
}
