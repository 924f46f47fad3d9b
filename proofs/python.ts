import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { childEnvironment } from '../config';

/** Why `python3` on the path is of no use; null: it is of that version or newer. */
export function lacksPython(minor: number): string | null {
  const { status, stdout } = spawnSync('python3', ['-c', 'import sys, venv, ensurepip; print(*sys.version_info[:2])'], {
    env: childEnvironment({}),
    encoding: 'utf8',
  });
  if (status !== 0) return 'there is no python3 that can make virtual environments';
  const [major = 0, has = 0] = stdout.trim().split(' ').map(Number);
  return major > 3 || has >= minor ? null : `python3 is ${major}.${has}, and 3.${minor} is needed`;
}

interface Wanted {
  /** A requirements file that pins every package. */
  requirements: string;
  /** What else goes into the digest that it is kept under. */
  key?: string;
  /** What has to happen in it before it is whole; it gets the path of its interpreter. */
  then?: (interpreter: string) => Promise<void>;
}

/**
 * A virtual environment of those packages. Answers the path of its interpreter. It is made anew when what it is of changes, and
 * kept in the cache; what of an earlier day is there under another digest is removed.
 * @throws Error with what pip said
 */
export async function venv(cacheDir: string, name: string, { requirements, key = '', then }: Wanted): Promise<string> {
  const pinned = readFileSync(requirements);
  const version = spawnSync('python3', ['-VV'], { env: childEnvironment({}), encoding: 'utf8' }).stdout;
  const digest = createHash('sha256').update(pinned).update(version).update(key).digest('hex').slice(0, 32);
  const folder = join(cacheDir, 'python');
  const kept = join(folder, `${name}-${digest}`);
  const interpreter = (venv: string) => join(venv, 'bin', 'python');
  if (existsSync(kept)) return interpreter(kept);
  mkdirSync(folder, { recursive: true });
  const made = mkdtempSync(join(folder, `.${name}-`));
  try {
    await run('python3', ['-m', 'venv', made]);
    await run(interpreter(made), ['-m', 'pip', 'install', '--quiet', '--requirement', requirements]);
    await then?.(interpreter(made));
    const former = readdirSync(folder).filter((entry) => entry.startsWith(`${name}-`));
    // Whole or not at all; who was faster has the same one.
    if (!existsSync(kept)) renameSync(made, kept);
    for (const entry of former) if (entry !== basename(kept)) rmSync(join(folder, entry), { recursive: true });
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
  return interpreter(kept);
}

const execute = promisify(execFile);
/** Answers what it printed. @throws Error with it */
export async function run(
  program: string,
  args: readonly string[],
  { cwd, env = {} }: { cwd?: string; env?: Record<string, string> } = {},
): Promise<string> {
  const options = { cwd, env: childEnvironment({ PIP_DISABLE_PIP_VERSION_CHECK: '1', ...env }), maxBuffer: 2 ** 26 };
  const ended = await execute(program, args, options).catch((e: Error & { stdout?: string; stderr?: string }) => {
    throw new Error(`${program} ${args.join(' ')}: ${e.stdout ?? e.message}${e.stderr ?? ''}`);
  });
  return ended.stdout + ended.stderr;
}
