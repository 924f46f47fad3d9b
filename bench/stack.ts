import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { Client as Postgres } from 'pg';
import { readLocal, type Local } from '../cli/local-file';
import { masterKeyOf } from '../cli/secrets';
import { childEnvironment, root, type Config } from '../config';
import { ensureUser, insertKey } from '../log/provision';
import type { Form } from '../proofs/proof';
import { withProductionServer } from './production/with-server';

/** The whole installation, as `npm start` makes it, in a folder of its own that goes with it. */
export interface Stack {
  local: Local;
  temporal: Client;
  owner: Postgres;
  /** A key of a second administrator: nobody approves their own request. */
  approver: string;
  dataDir: string;
  /** Base64, as the environment has it. */
  masterKey: string;
}

/** `settings`: environment on top of what API and worker get. */
export function withStack<T>(
  config: Config,
  work: (stack: Stack) => Promise<T>,
  form: Form = 'embedded',
  settings: Record<string, string> = {},
): Promise<T> {
  if (form === 'embedded') return withInstallation(config, null, work, settings);
  return withProductionServer(config, true, (address) => withInstallation(config, address, work, settings));
}

/** Nothing that is started has use for the virtual environments of proofs and tests: thousands of files. */
export const isNoPython = (path: string): boolean => basename(path) !== 'python';

/** `temporal`: the address of one that runs already; null has one started. */
async function withInstallation<T>(
  config: Config,
  temporal: string | null,
  work: (stack: Stack) => Promise<T>,
  settings: Record<string, string>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'wheelhouse-bench-'));
  chmodSync(folder, 0o711);
  const cache = join(config.dataDir, 'cache');
  if (existsSync(cache)) cpSync(cache, join(folder, 'cache'), { recursive: true, filter: isNoPython });
  const up = spawn(process.execPath, [join(root, 'dist/cli/main.js'), 'up'], {
    env: childEnvironment({
      WHEELHOUSE_DATA_DIR: folder,
      PORT: '0',
      RATE_LIMIT_PER_MINUTE: '100000000',
      ORCHESTRATION_RATE_LIMIT_PER_HOUR: '100000000',
      ORCHESTRATION_RATE_LIMIT_PER_MINUTE: '100000000',
      TENANT_QUOTAS: 'false',
      LOG_LEVEL: 'warn',
      DATABASE_URL: null,
      TEMPORAL_ADDRESS: temporal,
      TEMPORAL_NAMESPACE: null,
      ...settings,
    }),
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(up, 'exit');
  try {
    const local = await Promise.race([
      ready(folder),
      ended.then(() => Promise.reject(new Error('the installation ended before it was ready'))),
    ]);
    const connection = await Connection.connect({ address: local.temporal_address });
    const owner = new Postgres({ connectionString: local.database_url });
    await owner.connect();
    try {
      const userId = await ensureUser(owner, local.tenant_id, 'second@local.test', 'unused-password', 'ADMIN');
      const approver = await insertKey(owner, { tenantId: local.tenant_id, name: 'second', role: 'ADMIN', userId });
      const masterKey = masterKeyOf({ ...config, dataDir: folder }).toString('base64');
      return await work({ local, temporal: new Client({ connection }), owner, approver, dataDir: folder, masterKey });
    } finally {
      await connection.close();
      await owner.end();
    }
  } finally {
    up.kill('SIGINT');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Answers once the installation of that folder does. */
export async function ready(folder: string): Promise<Local> {
  for (;;) {
    const local = readLocal(folder);
    if (local && (await fetch(`${local.url}/health`).catch(() => null))?.ok) return local;
    await delay(100);
  }
}
