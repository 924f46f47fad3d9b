import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const wanted = join(root, 'package-lock.json');
/** npm's own record of what it has installed. */
const installed = join(root, 'node_modules', '.package-lock.json');

const packages = (file) => JSON.parse(readFileSync(file, 'utf8')).packages;

/** A checkout gives the lock file a new time without changing it, so a newer one is compared before anything is replaced. */
function isCurrent() {
  if (!existsSync(installed)) return false;
  if (statSync(installed).mtimeMs >= statSync(wanted).mtimeMs) return true;
  const have = packages(installed);
  const current = Object.entries(packages(wanted)).every(
    ([path, { integrity, optional }]) => path === '' || (have[path] ? have[path].integrity === integrity : optional),
  );
  if (current) utimesSync(installed, new Date(), new Date());
  return current;
}

/** Brings node_modules in line with package-lock.json. Everything is said on stderr: stdout belongs to the command. */
export function install() {
  if (isCurrent()) return;
  console.error('Installing packages (npm ci) …');
  const npm = spawnSync('npm', ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (npm.error) throw new Error(`npm could not be run: ${npm.error.message}`);
  if (npm.status !== 0) throw new Error('npm ci failed: see above');
}
