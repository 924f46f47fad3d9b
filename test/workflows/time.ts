import { randomBytes } from 'node:crypto';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import pino from 'pino';
import { searchAttributes } from '../../cli/search-attributes';
import { appPool } from '../../db/pool';
import { loadKeyring } from '../../log/keys';
import { provisionTenant } from '../../log/provision';
import { createStore, type Store } from '../../log/store';
import type { Keyring } from '../../log/keys';
import { refusals } from '../../workers/failures';
import { bundlePath, freshDatabase, temporal } from '../stack';

/** Workflows under a clock that skips, over a real Postgres. */
export interface Clockwork {
  env: TestWorkflowEnvironment;
  store: Store;
  keyring: Keyring;
  masterKey: Buffer;
  tenantId: string;
  databaseUrl: string;
  taskQueue: string;
  close(): Promise<void>;
}

const KEYWORD = 2;

/** `activities` gets what activities lean on; only those that the test's workflows call are needed. */
export async function clockwork(
  activities: (deps: { store: Store; keyring: Keyring; masterKey: Buffer }) => object,
  fourEyes: 'strict' | 'agent_only' = 'agent_only',
): Promise<Clockwork> {
  const database = await freshDatabase();
  const masterKey = randomBytes(32);
  const { tenantId } = await provisionTenant(database.url, {
    slug: 'local', fourEyes, operatorSignals: true, adminEmail: 'admin@local.test', adminPassword: 'x'.repeat(12), masterKey, apiKey: null,
  }); // prettier-ignore
  const pool = appPool(database.url, 8, (e) => pino().error(e));
  const keyring = await loadKeyring(pool, masterKey);
  const store = createStore(pool, keyring);
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
    activities: activities({ store, keyring, masterKey }),
    interceptors: { activity: [() => ({ inbound: refusals })] },
  });
  const running = worker.run();
  return {
    env, store, keyring, masterKey, tenantId, databaseUrl: database.url, taskQueue,
    async close() {
      worker.shutdown();
      await running;
      await env.teardown();
      await pool.end();
      await database.drop();
    },
  }; // prettier-ignore
}
