import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { productionBinaries } from '../../bench/production/binaries';

let folder: string;
const said: string[] = [];
const kept = { server: process.env['TEMPORAL_SERVER_BIN'], tool: process.env['TEMPORAL_SQL_TOOL_BIN'] };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wheelhouse-production-'));
  said.length = 0;
  delete process.env['TEMPORAL_SERVER_BIN'];
  delete process.env['TEMPORAL_SQL_TOOL_BIN'];
});
afterEach(() => rmSync(folder, { recursive: true }));
afterAll(() => {
  if (kept.server) process.env['TEMPORAL_SERVER_BIN'] = kept.server;
  if (kept.tool) process.env['TEMPORAL_SQL_TOOL_BIN'] = kept.tool;
});

function program(name: string, script: string): string {
  mkdirSync(join(folder, 'bin'), { recursive: true });
  const file = join(folder, 'bin', name);
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  return file;
}

const find = (mayBuild = true) =>
  productionBinaries(
    {
      dataDir: join(folder, 'data'),
      path: [join(folder, 'bin'), '/bin'].join(delimiter),
      report: (line) => said.push(line),
      signal: new AbortController().signal,
    },
    mayBuild,
  );
const cached = (name: string) => join(folder, 'data/cache/bin', `${name}-1.32.1`);
/** Stands for Go's: writes what `install` was asked for to GOBIN. */
const go = `[ "$1" = install ] && for last; do :; done && path=\${last%@*} && echo "$last" > "$GOBIN/\${path##*/}"`;

test('takes what the environment names first, and what is on PATH next', async () => {
  const server = program('somewhere', '');
  process.env['TEMPORAL_SERVER_BIN'] = server;
  const sqlTool = program('temporal-sql-tool', '');
  expect(await find()).toEqual({ server, sqlTool });
  expect(said).toEqual([
    `temporal-server: from TEMPORAL_SERVER_BIN (${server})`,
    `temporal-sql-tool: from PATH (${sqlTool})`,
  ]);
});

test('has Go build both, at the pinned version, and finds them in the cache the next time', async () => {
  program('go', go);
  const built = { server: cached('temporal-server'), sqlTool: cached('temporal-sql-tool') };
  expect(await find()).toEqual(built);
  rmSync(join(folder, 'bin/go'));
  expect(await find()).toEqual(built);
  expect(said.at(-1)).toContain('from the cache');
});

test('builds nothing for whoever has no time for it', async () => {
  program('go', go);
  await expect(find(false)).rejects.toThrow('No temporal-server binary could be found');
  expect(existsSync(cached('temporal-server'))).toBe(false);
});

test('says in one error what was tried, and leaves nothing half built', async () => {
  process.env['TEMPORAL_SERVER_BIN'] = join(folder, 'nowhere');
  program('go', 'echo "go: no such toolchain" >&2; exit 1');
  const failed = await find().catch((e: unknown) => String(e));
  expect(failed).toContain(`TEMPORAL_SERVER_BIN: ${join(folder, 'nowhere')} does not exist`);
  expect(failed).toContain('PATH: not there');
  expect(failed).toContain('the cache: ');
  expect(failed).toContain('Go (go.temporal.io/server/cmd/server 1.32.1): go: no such toolchain');
  expect(existsSync(cached('temporal-server'))).toBe(false);
});
