import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleWorkflowCode } from '@temporalio/worker';
import { version as sdkVersion } from '@temporalio/workflow/package.json';

const here = join(__dirname, '..');

/** Everything that can change what the bundle holds: the workflows, the pure domain under them, the SDK, and this file. */
function contentHash(modules: readonly string[]): string {
  const hash = createHash('sha256').update(sdkVersion).update(modules.join('\n')).update(readFileSync(__filename));
  for (const folder of ['workflows', 'domain']) {
    const names = readdirSync(join(here, folder), { recursive: true, encoding: 'utf8' }).sort();
    for (const name of names) {
      if (!/\.(ts|js)$/.test(name) || name.includes('.schema.')) continue;
      hash
        .update(name)
        .update('\0')
        .update(readFileSync(join(here, folder, name)))
        .update('\0');
    }
  }
  return hash.digest('hex').slice(0, 32);
}

/** The workflows as one file, made once for a content: a start finds it in the cache. */
export async function workflowBundle(
  cacheDir: string,
  interceptorModules: readonly string[] = [],
): Promise<{ codePath: string; digest: string }> {
  const digest = contentHash(interceptorModules);
  const codePath = join(cacheDir, `workflows-${digest}.js`);
  if (existsSync(codePath)) return { codePath, digest };
  const { code } = await bundleWorkflowCode({
    workflowsPath: require.resolve('../workflows/index'),
    workflowInterceptorModules: [...interceptorModules],
    // Loaded once for all workflows instead of once for each: no module here or below has state of its own.
    preloadModules: ['@temporalio/workflow', require.resolve('../workflows/index')],
    logger: { log: noop, trace: noop, debug: noop, info: noop, warn: console.warn, error: console.error },
  });
  await mkdir(cacheDir, { recursive: true });
  const temporary = `${codePath}.${process.pid}`;
  await writeFile(temporary, code);
  await rename(temporary, codePath);
  return { codePath, digest };
}

function noop(): void {
  // webpack's own progress is nobody's business
}
