import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from '../../config';

const folder = join(root, 'bench/peers');

interface Lock {
  packages: Record<string, { version?: string; optional?: boolean }>;
}
const lock = (file: string): Lock => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Lock;

/** Brings the engines' packages in line with their lock file, and leaves the project's own alone. None runs a script. */
export async function installPeers(): Promise<void> {
  if (isCurrent()) return;
  process.stderr.write('  installing the engines (npm ci) …\n');
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  await promisify(execFile)('npm', args, { cwd: folder, shell: process.platform === 'win32' });
}

function isCurrent(): boolean {
  const installed = 'node_modules/.package-lock.json';
  if (!existsSync(join(folder, installed))) return false;
  const have = lock(installed).packages;
  return Object.entries(lock('package-lock.json').packages).every(
    ([path, { version, optional }]) => path === '' || (have[path] ? have[path].version === version : optional),
  );
}

/** Of an engine's package. */
export const versionOf = (name: string): string =>
  lock('package-lock.json').packages[`node_modules/${name}`]?.version ?? '';

/** The binary that npm ships for this platform. */
export const restateBinary = (): string =>
  join(folder, `node_modules/@restatedev/restate-server-${process.platform}-${process.arch}/bin/restate-server`);
