import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../../config';

test.each([
  ['prove', 'crash', '--count', 'x'],
  ['prove', 'crash', '--count', '0'],
  ['prove', 'crash', '--seed', '1.5'],
  ['bench', 'start', '--seconds', '-3'],
])('%s %s %s %s is refused, and nothing is started', (...args) => {
  const said = spawnSync(process.execPath, [join(root, 'dist/cli/main.js'), ...args], { encoding: 'utf8' });
  expect(said.status).not.toBe(0);
  expect(said.stdout).toBe('');
  expect(said.stderr).toContain(`'${args[2]} <n>' argument '${args[3]}' is invalid. a whole number from 1 on.`);
});
