import { fork } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, cpSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { Client as Postgres } from 'pg';
import { productionServer } from '../bench/production/server';
import { isNoPython } from '../bench/stack';
import { findBinary, temporalCli } from '../cli/binaries';
import { devServer } from '../cli/dev-server';
import { embeddedPostgres } from '../cli/embedded-postgres';
import { freePorts } from '../cli/free-port';
import { lastLines, logFile } from '../cli/log-file';
import { masterKeyOf } from '../cli/secrets';
import { Supervisor, type Program } from '../cli/supervise';
import { childEnvironment, root } from '../config';
import { migrate } from '../db/migrate';
import { ensureUser, insertKey, provisionTenant } from '../log/provision';
import type { Options } from './proof';

/** One API or worker; nothing starts it again. */
export interface Service {
  stop(): Promise<void>;
}

/** Postgres and a Temporal of the form, to which APIs and workers are added and taken away one by one. */
export interface Fleet {
  connection: Connection;
  temporal: Client;
  owner: Postgres;
  tenantId: string;
  token: string;
  /** A key of a second administrator: nobody approves their own request. */
  approver: string;
  /** Resolves with its address when it answers. */
  api(): Promise<Service & { url: string }>;
  worker(env?: Record<string, string>): Promise<Service>;
}

export async function withFleet<T>({ config, form, say }: Options, work: (fleet: Fleet) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'wheelhouse-fleet-'));
  chmodSync(folder, 0o711);
  const supervisor = new Supervisor(say);
  const kept = supervisor.removeWhenKilled(folder);
  const services: Service[] = [];
  const undo: (() => Promise<unknown>)[] = [];
  try {
    const cache = join(config.dataDir, 'cache');
    const isNoBinary = (path: string): boolean => isNoPython(path) && !path.startsWith(join(cache, 'bin'));
    if (existsSync(cache)) cpSync(cache, join(folder, 'cache'), { recursive: true, filter: isNoBinary });
    const [port = 0] = await freePorts(1);
    const database = await embeddedPostgres({ dataDir: folder, port, durable: true });
    const server = await temporalOf();
    await Promise.all([
      supervisor.start(database.program),
      server.programs.reduce((before, p) => before.then(() => supervisor.start(p)), Promise.resolve()),
    ]);
    await migrate(database.url);
    const masterKey = masterKeyOf({ ...config, dataDir: folder });
    const { tenantId, apiKey: token } = await provisionTenant(database.url, {
      slug: 'fleet', fourEyes: 'agent_only', operatorSignals: true, adminEmail: 'admin@local.test',
      adminPassword: 'not-used-by-anybody', masterKey, apiKey: null,
    }); // prettier-ignore
    const owner = new Postgres({ connectionString: database.url });
    await owner.connect();
    undo.push(() => owner.end());
    const userId = await ensureUser(owner, tenantId, 'second@local.test', 'not-used-by-anybody', 'ADMIN');
    const approver = await insertKey(owner, { tenantId, name: 'second', role: 'ADMIN', userId });
    const connection = await Connection.connect({ address: server.address });
    undo.push(() => connection.close());

    const empty = join(folder, 'temporal.toml');
    writeFileSync(empty, '[profile.default]\n');
    const foreign = Object.keys(childEnvironment({})).filter((n) => /^(TEMPORAL|WORKER)_/.test(n));
    const start = async (name: 'api' | 'worker', more: Record<string, string>): Promise<Service> => {
      const file = logFile(folder, `${name}-${services.length}`);
      const log = openSync(file, 'a', 0o600);
      const env = childEnvironment({
        ...Object.fromEntries(foreign.map((n) => [n, null])),
        TEMPORAL_CONFIG_FILE: empty,
        TEMPORAL_ADDRESS: server.address,
        DATABASE_URL: database.url,
        WHEELHOUSE_DATA_DIR: folder,
        WHEELHOUSE_MASTER_KEY: masterKey.toString('base64'),
        METRICS_TOKEN: 'not-used-by-anybody',
        RATE_LIMIT_PER_MINUTE: '100000000',
        ORCHESTRATION_RATE_LIMIT_PER_HOUR: '100000000',
        ORCHESTRATION_RATE_LIMIT_PER_MINUTE: '100000000',
        TENANT_QUOTAS: 'false',
        LOG_LEVEL: 'warn',
        ...more,
      });
      // It ends with its channel, should this process be killed.
      const child = fork(join(root, 'dist/cli/main.js'), [name], { env, stdio: ['ignore', log, log, 'ipc'] });
      closeSync(log);
      const ended = once(child, 'exit');
      const service = { stop: async () => void (child.kill('SIGTERM'), await ended) };
      services.push(service);
      await Promise.race([
        once(child, 'message'),
        ended.then(() => Promise.reject(new Error(`${name} ended before it was ready. ${lastLines(file, 20)}`))),
      ]);
      return service;
    };
    return await work({
      connection, temporal: new Client({ connection }), owner, tenantId, token, approver,
      api: async () => {
        const [apiPort = 0] = await freePorts(1);
        return { ...(await start('api', { PORT: String(apiPort) })), url: `http://127.0.0.1:${apiPort}` };
      },
      worker: (env = {}) => start('worker', env),
    }); // prettier-ignore
  } finally {
    await Promise.all(services.map((s) => s.stop()));
    for (const step of undo) await step();
    await supervisor.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    kept.release();
  }

  async function temporalOf(): Promise<{ programs: Program[]; address: string }> {
    const signal = supervisor.stopped;
    if (form === 'production')
      return productionServer({ cacheOf: config.dataDir, folder: join(folder, 'temporal'), report: say, signal });
    const search = { dataDir: config.dataDir, path: childEnvironment({})['PATH'] ?? '', report: say, signal };
    const [grpc = 0, ui = 0] = await freePorts(2);
    const { program, address } = devServer(await findBinary(temporalCli, search), folder, { grpc, ui });
    return { programs: [program], address };
  }
}
