import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { childEnvironment, root } from '../config';

const folder = join(root, 'test/replay/histories');

/**
 * The workflow tests and the story play every branch of every workflow; told where to, they keep the histories that
 * they name. What was recorded before is replaced when all of them passed, and only then.
 */
export async function recordHistories(): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const fresh = mkdtempSync(`${folder}-`);
  try {
    const jest = spawn(
      process.execPath,
      [join(root, 'node_modules/jest/bin/jest.js'), 'test/workflows', 'test/e2e/story', '--maxWorkers=2'],
      { cwd: root, stdio: 'inherit', env: childEnvironment({ WHEELHOUSE_RECORD: fresh }) },
    );
    const [code] = (await once(jest, 'exit')) as [number | null];
    if (code !== 0) throw new Error('a test failed: the histories are as they were');
    rmSync(folder, { recursive: true });
    renameSync(fresh, folder);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  process.stdout.write(`${readdirSync(folder).length} histories in test/replay/histories\n`);
}
