import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time';
import { embeddedPostgres } from '../../cli/embedded-postgres';
import { freePorts } from '../../cli/free-port';
import { endLeftover } from '../../cli/leftover';
import { logFile } from '../../cli/log-file';
import { registerSearchAttributesAt, searchAttributes } from '../../cli/search-attributes';
import type { Program } from '../../cli/supervise';
import { childEnvironment } from '../../config';
import { productionBinaries, type Binaries } from './binaries';
import { clusterPorts, writeClusterConfig } from './cluster';

export interface ProductionOptions {
  /** Its cache/bin keeps the binaries. */
  cacheOf: string;
  /** A folder of its own: Postgres' cluster, the server's configuration, logs. Postgres' user has to be able to enter it. */
  folder: string;
  report: (line: string) => void;
  /** Ends a build that is under way. */
  signal: AbortSignal;
  /** False leaves every setting at the server's own default: what benchmarks compare with. */
  tuned?: boolean;
}

export interface ProductionServer {
  /** To be started in this order: Postgres, then the server. */
  programs: [postgres: Program, server: Program];
  address: string;
}

const namespace = 'default';

/**
 * Temporal as clusters run it, on a Postgres of its own (the application has another one, as where somebody else runs
 * Temporal): databases and schema made by Temporal's own tool, namespace and search attributes by its API.
 */
export async function productionServer(options: ProductionOptions): Promise<ProductionServer> {
  const { cacheOf, folder, report, signal, tuned = true } = options;
  const path = childEnvironment({})['PATH'] ?? '';
  const binaries = await productionBinaries({ dataDir: cacheOf, path, report, signal });
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  const [databasePort = 0] = await freePorts(1);
  const ports = await clusterPorts();
  const postgres = await embeddedPostgres({ dataDir: folder, port: databasePort, durable: true });
  const { username: user, password } = new URL(postgres.url);
  const configFile = join(folder, tuned ? 'temporal.yaml' : 'temporal-default.yaml');
  const pidFile = join(folder, 'temporal.pid');
  const database = { port: databasePort, user, password };
  writeClusterConfig(configFile, { database, ports, dynamicConfigFile: join(folder, 'dynamic.yaml'), tuned });
  const address = `127.0.0.1:${ports.rpc[0]}`;
  const server: Program = {
    name: 'Temporal',
    command: binaries.server,
    args: ['--config-file', configFile, '--allow-no-auth', 'start'],
    env: childEnvironment(tuned ? { GOGC: '400' } : {}),
    user: null,
    ipc: false,
    stopSignal: 'SIGTERM',
    logFile: logFile(folder, 'temporal'),
    prepare: async () => {
      await endLeftover(pidFile, configFile, 'SIGTERM');
      await makeSchema(binaries, database);
    },
    ready: async ({ pid }, abandoned) => {
      writeFileSync(pidFile, String(pid));
      await untilReady(address, abandoned);
    },
  };
  return { programs: [{ ...postgres.program, name: "Temporal's Postgres" }, server], address };
}

/** By Temporal's tool, from the schema that is embedded in it. What is there already stays. */
async function makeSchema(
  { sqlTool }: Binaries,
  { port, user, password }: { port: number; user: string; password: string },
) {
  for (const [database, schema] of [
    ['temporal', 'postgresql/v12/temporal'],
    ['temporal_visibility', 'postgresql/v12/visibility'],
  ] as const) {
    const env = childEnvironment({
      SQL_PLUGIN: 'postgres12_pgx',
      SQL_HOST: '127.0.0.1',
      SQL_PORT: String(port),
      SQL_USER: user,
      SQL_PASSWORD: password,
      SQL_DATABASE: database,
    });
    const tool = (...args: string[]) => promisify(execFile)(sqlTool, args, { env, timeout: 60_000 });
    await tool('create-database');
    await tool('setup-schema', '-v', '0.0');
    await tool('update-schema', '--schema-name', schema);
  }
}

/** Its namespace is there and knows the search attributes, which the server's services learn of with a delay. */
async function untilReady(address: string, abandoned: AbortSignal): Promise<void> {
  for (;;) {
    try {
      // Without the SDK's own retries: one that falls due after the connection was closed ends the process.
      const connection = await Connection.connect({ address, connectTimeout: 1000, interceptors: [] });
      try {
        await registerNamespace(connection);
        await registerSearchAttributesAt(connection, namespace);
        const query = searchAttributes.map((name) => `${name} = 'known'`).join(' or ');
        await connection.workflowService.countWorkflowExecutions({ namespace, query });
        return;
      } finally {
        await connection.close();
      }
    } catch (error) {
      if (abandoned.aborted) throw error;
      await delay(50);
    }
  }
}

const ALREADY_EXISTS = 6;

async function registerNamespace({ workflowService }: Connection): Promise<void> {
  try {
    await workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: msToTs('1 day'),
    });
  } catch (error) {
    if ((error as { code?: number }).code !== ALREADY_EXISTS) throw error;
  }
}
