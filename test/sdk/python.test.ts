import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig, root } from '../../config';
import { lacksPython, run, venv } from '../../proofs/python';
import { startServer, type Server } from '../harness';

const folder = join(root, 'sdk/python');
const lacking = lacksPython(10);
if (lacking !== null) console.warn(`the Python SDK is not tested: ${lacking}`);

/** What the package is made of. */
function digest(): string {
  const hash = createHash('sha256');
  const files = readdirSync(join(folder, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /(\.py|py\.typed)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
  for (const file of [join(folder, 'pyproject.toml'), ...files.sort()]) hash.update(file).update(readFileSync(file));
  return hash.digest('hex');
}

/** Builds the wheel, as it would be published, and installs it as it would be from there. */
async function install(python: string): Promise<void> {
  const out = mkdtempSync(join(tmpdir(), 'wheelhouse-wheel-'));
  try {
    await run(python, ['-m', 'hatchling', 'build', '--target', 'wheel', '--directory', out], { cwd: folder });
    const [wheel = ''] = readdirSync(out);
    await run(python, ['-m', 'pip', 'install', '--quiet', `${join(out, wheel)}[websocket]`]);
  } finally {
    rmSync(out, { recursive: true });
  }
}

(lacking === null ? describe : describe.skip)('the Python SDK', () => {
  let python: string;
  let server: Server;
  beforeAll(async () => {
    const wanted = { requirements: join(folder, 'requirements-test.txt'), key: digest(), then: install };
    [python, server] = await Promise.all([venv(join(loadConfig().dataDir, 'cache'), 'sdk', wanted), startServer()]);
  }, 300_000);
  afterAll(() => server.close());

  test('the one without asyncio is made of the one with it', async () => {
    await run(python, ['tools/make_sync.py', '--check'], { cwd: folder });
  });

  test('its types hold, and whoever installs it has them', async () => {
    const cache = join(python, '../../mypy-cache');
    const mypy = ['-m', 'mypy', '--strict', '--cache-dir', cache];
    await run(python, [...mypy, 'src'], { cwd: folder });
    await run(python, [...mypy, 'typed.py'], { cwd: join(folder, 'tests') });
  });

  test('installed as a wheel, it passes its tests against a server', async () => {
    const env = { WHEELHOUSE_TEST_URL: `${server.url}/v1`, WHEELHOUSE_TEST_KEY: server.token };
    const args = [
      '-m',
      'pytest',
      '-q',
      '-p',
      'no:cacheprovider',
      '--strict-markers',
      '-W',
      'error::DeprecationWarning',
    ];
    const said = await run(python, args, { cwd: folder, env });
    expect(said).toMatch(/\d+ passed/);
    expect(said).not.toMatch(/skipped/);
  });
});
