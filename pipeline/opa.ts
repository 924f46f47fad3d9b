import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Path of a working `opa`: OPA_BIN, else on PATH, else in the project's cache, else built with Go into that cache (two
 * minutes, once). The search itself is scripts/opa.mjs, which the build of the policies uses as well; it runs as a
 * process of its own, so a build that takes minutes does not depend on this one.
 * @param env of the search; that of this process when left out.
 * @throws Error that names each try and what to install.
 */
export async function findOpa(projectRoot: string, env?: NodeJS.ProcessEnv): Promise<string> {
  try {
    const { stdout } = await run(process.execPath, [join(projectRoot, 'scripts', 'opa.mjs')], env ? { env } : {});
    return stdout.trim();
  } catch (error) {
    const stderr = typeof error === 'object' && error !== null && 'stderr' in error ? String(error.stderr).trim() : '';
    throw new Error(stderr || 'opa: the search for it failed', { cause: error });
  }
}
