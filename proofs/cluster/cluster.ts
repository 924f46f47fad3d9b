import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Client as Temporal } from '@temporalio/client';
import type { Client } from 'pg';
import { embeddedPostgres } from '../../cli/embedded-postgres';
import { freePorts } from '../../cli/free-port';
import { Reaper } from '../../cli/reaper';
import { childEnvironment, type Config } from '../../config';
import { migrate } from '../../db/migrate';
import { workflowBundle } from '../../workers/bundle';
import type { Form } from '../proof';
import { direct } from './direct';
import { openLink, type Link } from './link';
import { partOf, type Part } from './part';
import { script } from './programs';
import { untilStill } from './settle';
import type { SinkLine } from './sink/line';
import { temporalOf } from './temporal';
import { addTenant, type Tenant } from './tenants';

export type { Link } from './link';
export type { Part } from './part';
export { promptOf } from './plan';
export type { SinkLine } from './sink/line';
export type { Tenant } from './tenants';

/** A whole installation as processes on loopback, with a proxy on every link, to be attacked. */
export interface Cluster {
  parts: { postgres: Part; temporal: Part; sink: Part; apis: Part[]; workers: Part[] };
  /** `callerApi`: one an API. */
  links: {
    callerApi: Link[];
    apiPostgres: Link;
    apiTemporal: Link;
    workerPostgres: Link;
    workerTemporal: Link;
    workerSink: Link;
  };
  /** Through the `callerApi` links. */
  apiUrls: string[];
  tenantId: string;
  token: string;
  /** Key of a second ADMIN. */
  approver: string;
  /** Another tenant. */
  tenant(slug?: string): Promise<Tenant>;
  /** One of the project's own scripts as a process that ends with the cluster, not started yet. */
  process(name: string, path: string, args: readonly string[]): Part;
  /** For files that go with the cluster. */
  folder: string;
  /** Direct, past links and row-level security; another connection after a Postgres kill. */
  owner: () => Promise<Client>;
  temporal: () => Promise<Temporal>;
  /** What API and worker run with, for who needs another process of the kind. */
  env: NodeJS.ProcessEnv;
  /** Postgres past the links. */
  databaseUrl: string;
  masterKey: Buffer;
  sink: { lines(): SinkLine[] };
  /** Everything started again, links mended, until no run and no gate moves any more. @throws Error naming what still does */
  settle(patienceMs?: number): Promise<void>;
}

export interface ClusterOptions {
  config: Config;
  form: Form;
  apis?: number;
  workers?: number;
  /** Whether Postgres keeps what it confirmed over a kill; what proofs of crashes need. */
  durablePostgres?: boolean;
  /** On top of what API and worker get. */
  env?: Record<string, string>;
}

export async function withCluster<T>(options: ClusterOptions, work: (cluster: Cluster) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'wheelhouse-proof-'));
  chmodSync(folder, 0o711);
  const reaper = new Reaper();
  reaper.folder(folder);
  const over = new AbortController();
  const undo: (() => Promise<void>)[] = [];
  try {
    return await work(await build(options, folder, reaper, over.signal, undo));
  } finally {
    over.abort();
    for (const step of undo.reverse()) await step();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    reaper.close();
  }
}

async function build(
  { config, form, apis = 1, workers = 1, durablePostgres = true, env: extra = {} }: ClusterOptions,
  folder: string,
  reaper: Reaper,
  over: AbortSignal,
  undo: (() => Promise<void>)[],
): Promise<Cluster> {
  const part = (program: Parameters<typeof partOf>[0]): Part => {
    const made = partOf(program, reaper, over);
    undo.push(() => made.kill());
    return made;
  };
  const link = async (...of: Parameters<typeof openLink>): Promise<Link> => {
    const opened = await openLink(...of);
    undo.push(() => opened.close());
    return opened;
  };
  const [postgresPort = 0, sinkPort = 0, ...apiPorts] = await freePorts(2 + apis);
  const sinkFile = join(folder, 'sink.jsonl');
  const database = await embeddedPostgres({ dataDir: folder, port: postgresPort, durable: durablePostgres });
  const server = await temporalOf(form, config, folder, over);
  const bare = childEnvironment({});
  const postgres = part(database.program);
  const storage = server.storage && part(server.storage);
  const temporal = part(server.program);
  const sink = part(script('sink', folder, bare, 'proofs/cluster/sink/main.js', [sinkFile, String(sinkPort)]));
  const temporalUp = async (): Promise<void> => {
    await storage?.start();
    await temporal.start();
  };
  const { codePath } = await workflowBundle(join(config.dataDir, 'cache'));
  mkdirSync(join(folder, 'cache'), { recursive: true });
  copyFileSync(codePath, join(folder, 'cache', basename(codePath)));
  await Promise.all([postgres.start().then(() => migrate(database.url)), temporalUp(), sink.start()]);

  const masterKey = randomBytes(32);
  const first = await addTenant(database.url, masterKey);
  const [apiPostgres, workerPostgres, apiTemporal, workerTemporal, workerSink] = await Promise.all([
    link('api-postgres', 'postgres', postgresPort),
    link('worker-postgres', 'postgres', postgresPort),
    link('api-temporal', 'grpc', server.port),
    link('worker-temporal', 'grpc', server.port),
    link('worker-sink', 'sink', sinkPort),
  ]);
  const callerApi = await Promise.all(apiPorts.map((port, i) => link(`caller-api-${i}`, 'http', port)));

  const temporalConfig = join(folder, 'temporal.toml');
  writeFileSync(temporalConfig, '[profile.default]\n');
  const foreign = Object.keys(bare).filter((name) => name.startsWith('TEMPORAL_'));
  const envOf = (through: { postgres: number; temporal: number }): Record<string, string | null> => ({
    ...Object.fromEntries(foreign.map((name) => [name, null])),
    TEMPORAL_CONFIG_FILE: temporalConfig,
    TEMPORAL_ADDRESS: `127.0.0.1:${through.temporal}`,
    DATABASE_URL: database.url.replace(`:${postgresPort}/`, `:${through.postgres}/`),
    WHEELHOUSE_DATA_DIR: folder,
    WHEELHOUSE_MASTER_KEY: masterKey.toString('base64'),
    METRICS_TOKEN: randomBytes(16).toString('hex'),
    RATE_LIMIT_PER_MINUTE: '100000000',
    ORCHESTRATION_RATE_LIMIT_PER_HOUR: '100000000',
    ORCHESTRATION_RATE_LIMIT_PER_MINUTE: '100000000',
    TENANT_QUOTAS: 'false',
    LOG_LEVEL: 'warn',
    ...extra,
  });
  const apiEnv = envOf({ postgres: apiPostgres.port, temporal: apiTemporal.port });
  const workerEnv = envOf({ postgres: workerPostgres.port, temporal: workerTemporal.port });
  const sinkUrl = `http://127.0.0.1:${workerSink.port}/`;
  const apiParts = apiPorts.map((port, i) =>
    part(script(`api-${i}`, folder, childEnvironment({ ...apiEnv, PORT: String(port) }), 'cli/main.js', ['api'])),
  );
  const workerParts = Array.from({ length: workers }, (_, i) =>
    part(script(`worker-${i}`, folder, childEnvironment(workerEnv), 'proofs/cluster/worker.js', [sinkUrl])),
  );
  const parts = { postgres, temporal, sink, apis: apiParts, workers: workerParts };
  const links = { callerApi, apiPostgres, apiTemporal, workerPostgres, workerTemporal, workerSink };
  const startAll = async (): Promise<void> => {
    await Promise.all([postgres.start(), temporalUp(), sink.start()]);
    await Promise.all([...apiParts, ...workerParts].map((p) => p.start()));
  };
  await startAll();
  const { owner, temporal: temporalClient, close } = direct(database.url, `127.0.0.1:${server.port}`);
  undo.push(close);
  return {
    parts,
    links,
    apiUrls: callerApi.map(({ port }) => `http://127.0.0.1:${port}`),
    ...first,
    tenant: (slug) => addTenant(database.url, masterKey, slug),
    process: (name, path, args) => part(script(name, folder, bare, path, args)),
    folder,
    owner,
    temporal: temporalClient,
    env: childEnvironment(workerEnv),
    databaseUrl: database.url,
    masterKey,
    sink: {
      lines: () => {
        if (!existsSync(sinkFile)) return [];
        const complete = readFileSync(sinkFile, 'utf8').split('\n').slice(0, -1);
        return complete.map((line) => JSON.parse(line) as SinkLine);
      },
    },
    settle: async (patienceMs = 60_000) => {
      for (const l of [...callerApi, ...Object.values(links).flat()]) l.mend();
      await startAll();
      await untilStill(owner, patienceMs);
    },
  };
}
