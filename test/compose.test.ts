import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import Ajv, { type ValidateFunction } from 'ajv';
import Ajv2020 from 'ajv/dist/2020';
import { parse } from 'yaml';
import { dynamicConfig } from '../cli/dev-server';
import { loadConfig, root } from '../config';

const run = promisify(execFile);
const LIMIT = { timeout: 60_000 };

/** Packages that carry the Compose specification's own schema, and how each is fetched into a folder. */
const carriers: Record<string, (folder: string) => Promise<string>> = {
  'the npm package dclint': async (folder) => {
    const { stdout } = await run('npm', ['pack', 'dclint@3.1.0', '--silent', '--pack-destination', folder], LIMIT);
    await run('tar', ['-xzf', join(folder, stdout.trim()), '-C', folder]);
    return join(folder, 'package/schemas/compose.schema.json');
  },
  'the Go module compose-go': async () => {
    const module = 'github.com/compose-spec/compose-go/v2@v2.16.2';
    const { stdout } = await run('go', ['mod', 'download', '-json', module], { ...LIMIT, cwd: tmpdir() });
    return join((JSON.parse(stdout) as { Dir: string }).Dir, 'schema/compose-spec.json');
  },
};

/** The schema is somebody else's text: fetched once, kept in the cache. */
async function composeSchema(): Promise<{ $schema: string }> {
  const cache = join(loadConfig().dataDir, 'cache');
  const cached = join(cache, 'compose-spec.json');
  const failures: string[] = [];
  for (const [name, fetch] of existsSync(cached) ? [] : Object.entries(carriers)) {
    mkdirSync(cache, { recursive: true });
    const folder = mkdtempSync(join(cache, 'compose-'));
    try {
      const copy = join(folder, 'schema.json');
      copyFileSync(await fetch(folder), copy);
      renameSync(copy, cached);
      break;
    } catch (error) {
      failures.push(`${name}: ${(error as Error).message}`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
  if (!existsSync(cached)) throw new Error(`The schema of Compose files could not be fetched:\n${failures.join('\n')}`);
  return JSON.parse(readFileSync(cached, 'utf8')) as { $schema: string };
}

interface ComposeFile {
  services: Record<
    string,
    { image?: string; ports?: string[]; container_name?: string; environment?: Record<string, string> }
  >;
  configs: Record<string, { content: string }>;
}

const text = readFileSync(join(root, 'docker-compose.yml'), 'utf8');
const read = (source: string) => parse(source, { merge: true }) as ComposeFile;
let valid: ValidateFunction;

beforeAll(async () => {
  const { $schema, ...schema } = await composeSchema();
  // Its formats (ports, Go's durations) are not those of JSON Schema.
  const options = { strict: false, allErrors: true, validateFormats: false };
  valid = $schema.includes('draft-07') ? new Ajv(options).compile(schema) : new Ajv2020(options).compile(schema);
}, 180_000);

test('is what the Compose specification allows', () => {
  valid(read(text));
  expect(valid.errors).toBeNull();
});

test.each([
  ['a misspelt key', 'healthcheck:', 'healtcheck:', 'must NOT have'],
  ['a wrong type', 'init: true', 'init: [1]', 'must be'],
  ['a condition that does not exist', 'service_healthy', 'service_well', 'allowed values'],
])('%s would be refused', (_what, right, wrong, why) => {
  expect(text).toContain(right);
  expect(valid(read(text.replaceAll(right, wrong)))).toBe(false);
  expect(JSON.stringify(valid.errors)).toContain(why);
});

test('runs Temporal on Postgres, its UI, Postgres, the API, and as many workers as wanted', () => {
  const { services } = read(text);
  expect(Object.keys(services)).toEqual(
    expect.arrayContaining(['postgres', 'temporal', 'temporal-ui', 'migrate', 'api', 'worker']),
  );
  expect(services['worker']).not.toHaveProperty('ports');
  expect(services['worker']).not.toHaveProperty('container_name');
  for (const { image, ports = [] } of Object.values(services)) {
    expect(image).toMatch(/:(\d[\d.]*|local)$/);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
  }
});

/** As Compose would fill in the variables: their defaults, and `given` where there is none. */
function filledIn(environment: Record<string, string>, given: Record<string, string>): Record<string, string> {
  const fill = (value: string) =>
    value.replace(/\$\{(\w+):([-?])([^}]*)\}/g, (_all, name: string, kind, rest: string) =>
      kind === '-' ? rest : (given[name] ?? ''),
    );
  // One without a value is passed on, if it is set.
  const set = Object.entries<string | null>(environment).filter(([, value]) => value !== null);
  return Object.fromEntries(set.map(([name, value]) => [name, fill(String(value))]));
}

test('gives the API settings that it understands, and no secret a default', () => {
  const { services } = read(text);
  const environment = services['api']?.environment ?? {};
  for (const secret of ['DATABASE_URL', 'WHEELHOUSE_MASTER_KEY', 'METRICS_TOKEN']) {
    expect(environment[secret]).toMatch(/\$\{\w+:\?/);
  }
  const masterKey = Buffer.alloc(32, 1);
  const given = {
    WHEELHOUSE_MASTER_KEY: masterKey.toString('base64'),
    METRICS_TOKEN: 'x'.repeat(16),
    WHEELHOUSE_DB_PASSWORD: 'pw',
  };
  const config = loadConfig(filledIn(environment, given));
  expect(config).toMatchObject({
    host: '0.0.0.0',
    port: 8000,
    dataDir: '/data',
    masterKey,
    temporalAddress: 'temporal:7233',
  });
  expect(config.databaseUrl).toBe('postgres://wheelhouse:pw@postgres:5432/wheelhouse');
});

test('tunes the server as the embedded one is tuned', () => {
  const tuned = parse(read(text).configs['temporal']?.content ?? '') as Record<string, [{ value: unknown }]>;
  expect(Object.fromEntries(Object.entries(tuned).map(([name, [{ value }]]) => [name, value]))).toEqual(dynamicConfig);
});
