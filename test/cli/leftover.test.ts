import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { embeddedPostgres } from '../../cli/embedded-postgres';
import { endLeftover } from '../../cli/leftover';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'wheelhouse-leftover-'))));
afterEach(() => rmSync(folder, { recursive: true }));

test('a program that outlived its supervisor is ended before another starts', async () => {
  const mark = join(folder, 'state.db');
  const leftover = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', mark], { stdio: 'ignore' });
  const ended = once(leftover, 'exit');
  writeFileSync(join(folder, 'pid'), `${leftover.pid}\nmore`);
  await endLeftover(join(folder, 'pid'), mark, 'SIGTERM');
  expect(await ended).toEqual([null, 'SIGTERM']);
});

test('a stranger with the number of a program that ended is left alone, and the file that names it removed', async () => {
  const pidFile = join(folder, 'pid');
  writeFileSync(pidFile, String(process.pid));
  await endLeftover(pidFile, join(folder, 'state.db'), 'SIGKILL');
  expect(existsSync(pidFile)).toBe(false);
});

test('a pid file of a process that is gone, or none, is no trouble', async () => {
  writeFileSync(join(folder, 'pid'), '4194304');
  await endLeftover(join(folder, 'pid'), folder, 'SIGKILL');
  await endLeftover(join(folder, 'none'), folder, 'SIGKILL');
});

const asRoot = process.getuid?.() === 0 ? test : test.skip;
asRoot('a folder that the user of Postgres can not enter is one line that names the setting', async () => {
  const dataDir = join(folder, 'private/data');
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const refused = embeddedPostgres({ dataDir, port: 1, durable: false });
  await expect(refused).rejects.toThrow(
    /^Postgres does not run as root .* can't enter .*: set WHEELHOUSE_DATA_DIR .*$/,
  );
});
