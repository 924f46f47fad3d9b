// Finds the real `opa`, or builds it once. One implementation for the build of the policies and, through its command
// line (pipeline/opa.ts), for the running server. Plain JavaScript, so that it needs nothing compiled.
import { execFile } from 'node:child_process';
import { access, link, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const OPA_VERSION = '1.22.2';
export const projectRoot = dirname(dirname(fileURLToPath(import.meta.url)));

const suffix = process.platform === 'win32' ? '.exe' : '';

/** The version that a binary reports of itself, or null when it can't be run. */
export async function opaVersion(bin) {
  try {
    const { stdout } = await run(bin, ['version']);
    return /^Version: (\S+)/m.exec(stdout)?.[1] ?? null;
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'EACCES' || typeof error.code === 'number') return null;
    throw error;
  }
}

/**
 * Path of a working `opa`: OPA_BIN, else on PATH, else in the project's cache, else built with Go into that cache.
 * @throws Error that names each try.
 */
export async function findOpa({ root = projectRoot, env = process.env, say = () => {} } = {}) {
  if (env.OPA_BIN) {
    if (await opaVersion(env.OPA_BIN)) return env.OPA_BIN;
    throw new Error(`OPA_BIN: ${env.OPA_BIN} is no working opa`);
  }
  if (await opaVersion('opa')) return 'opa';
  const cached = join(root, '.wheelhouse', 'cache', 'bin', `opa-${OPA_VERSION}${suffix}`);
  if (await opaVersion(cached)) return cached;
  try {
    await run('go', ['version']);
  } catch (error) {
    throw new Error(
      `opa ${OPA_VERSION} is needed. Tried: OPA_BIN (not set), opa on PATH (none), ${cached} (none), ` +
        'building it with Go (no go on PATH). Install opa or Go, or set OPA_BIN.',
      { cause: error },
    );
  }
  await build(cached, env, say);
  return cached;
}

/** One build at a time, whoever asks; the finished binary appears under its name in one step. */
async function build(cached, env, say) {
  const dir = dirname(cached);
  await mkdir(dir, { recursive: true });
  const lock = `${cached}.lock`;
  while (!(await take(lock))) {
    await wait(250);
    if (await exists(cached)) return;
  }
  let out = null;
  try {
    if (await exists(cached)) return;
    say(`building opa ${OPA_VERSION} with Go, once: this takes about two minutes`);
    out = await mkdtemp(join(dir, 'build-'));
    // CGO off: the compiler to WebAssembly is pure Go, and no C compiler may be there.
    await run('go', ['install', `github.com/open-policy-agent/opa@v${OPA_VERSION}`], {
      env: { ...env, GOBIN: out, CGO_ENABLED: '0' },
      maxBuffer: 16 * 1024 * 1024,
    });
    await rename(join(out, `opa${suffix}`), cached);
  } catch (error) {
    throw new Error(`go install of opa ${OPA_VERSION} failed: ${error.stderr || error.message}`, { cause: error });
  } finally {
    if (out) await rm(out, { recursive: true, force: true });
    await rm(lock, { force: true });
  }
}

/** Takes the lock, or clears one whose owner is gone: then the next try can have it. */
async function take(lock) {
  const mine = `${lock}.${process.pid}`;
  await writeFile(mine, String(process.pid));
  try {
    // A link appears with its content in one step, so nobody ever reads a lock without an owner.
    await link(mine, lock);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  } finally {
    await rm(mine, { force: true });
  }
  try {
    if (!alive(Number(await readFile(lock, 'utf8')))) await rm(lock, { force: true });
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
  return false;
}

function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function exists(path) {
  return access(path).then(
    () => true,
    () => false,
  );
}

// `node scripts/opa.mjs` prints the path of opa.
if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    console.log(await findOpa({ say: (line) => console.error(line) }));
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
