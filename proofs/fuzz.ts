import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { childEnvironment, root } from '../config';
import { withStack } from '../bench/stack';
import { makeTenant } from './authority/world';
import { addExamples, bareDocument, fuzzed } from './fuzz/document';
import { read, type Told } from './fuzz/report';
import { accepted, checks } from './fuzz/wanted';
import type { Proof } from './proof';
import { lacksPython, venv } from './python';
import { random } from './random';

/** About so many cases of the phases `coverage` and `fuzzing` come to one operation. */
const perOperation = 80;

/** T7: schemathesis over our OpenAPI document. Counted in cases; each pass over all operations, or over as many as that takes. */
export const fuzz: Proof = {
  title: 'Whatever the document lets somebody say: no answer of 5xx, and none that the document does not declare',
  quick: 700,
  lacks: () => lacksPython(10),
  run: async ({ config, count, seed, say }) => {
    const python = await venv(join(config.dataDir, 'cache'), 'fuzz', {
      requirements: join(root, 'proofs/fuzz/requirements.txt'),
    });
    const folder = mkdtempSync(join(tmpdir(), 'wheelhouse-fuzz-'));
    const told: Told = { cases: 0, statuses: new Map(), reached: new Set(), failures: [], later: 0 };
    try {
      return await withStack(config, async ({ local, owner }) => {
        const described = bareDocument();
        const tenant = await makeTenant({ url: local.url, owner, databaseUrl: local.database_url });
        const token = tenant.actors.find((a) => a.name === 'ROOT')?.token ?? '';
        const document = join(folder, 'openapi.json');
        await addExamples(described, tenant);
        writeFileSync(document, JSON.stringify(described));
        const pass = async (name: string, options: readonly string[]): Promise<void> => {
          const reports = join(folder, name);
          await schemathesis(python, folder, [
            document, '--url', local.url, '-H', `Authorization: Bearer ${token}`, '-H', `X-Metrics-Token: ${local.metrics_token}`,
            '--checks', checks.join(','), '--seed', String(seed), '--report', 'ndjson', '--report-dir', reports, ...options,
          ]); // prettier-ignore
          for (const file of readdirSync(reports)) await read(join(reports, file), told);
          rmSync(reports, { recursive: true });
          say(`${name}: ${told.cases} cases, ${told.reached.size} operations reached 2xx`);
        };
        const once = ['--mode', 'positive', '--max-examples', '1'];
        await pass('examples', ['--phases', 'examples', ...once]);
        const labels = Object.entries(described.paths).flatMap(([path, item]) =>
          Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
        );
        const missed = labels.filter((label) => !told.reached.has(label)).flatMap((label) => ['--include-name', label]);
        if (missed.length) await pass('the others once', ['--phases', 'fuzzing', ...once, ...missed]);
        say(`not reached: ${labels.filter((label) => !told.reached.has(label)).join(', ')}`);
        const chance = random(seed);
        const left = fuzzed.map(({ name }) => name);
        for (let round = 1; told.cases < count; round += 1) {
          if (!left.length) left.push(...fuzzed.map(({ name }) => name));
          // A run of its own for one or two would take longer to begin than to do.
          const most = Math.min(left.length, Math.max(5, Math.ceil((count - told.cases) / perOperation)));
          const some = Array.from({ length: most }, () => left.splice(chance.below(left.length), 1).join());
          await pass(`round ${round}`, [
            ...some.flatMap((name) => ['--include-operation-id', name]),
            ...['--phases', 'coverage,fuzzing,stateful', '--max-examples', '10'],
          ]);
        }
        const violations = told.failures
          .filter((f) => !accepted(f))
          .map((f) => `${f.operation}: ${f.check}: ${f.says}`);
        const answers = Object.fromEntries([...told.statuses].sort());
        const figures = {
          cases: told.cases, ...answers, later: told.later, operations: labels.length, reached2xx: told.reached.size,
        }; // prettier-ignore
        // A machine under load may be late; an answer that is late as a rule is none.
        if (told.later * 100 > told.cases) violations.push(`${told.later} of ${told.cases} were told to come again`);
        return { figures, violations };
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

/** Exit 1: it has found something, which its report says. @throws Error with what it said, when it could not be run */
function schemathesis(python: string, cwd: string, args: readonly string[]): Promise<void> {
  // One worker: of two threads that parse at once, Python 3.11 counts the depth wrong (python/cpython#106905).
  const always = [
    '--workers', '1', '--max-redirects', '0', '--request-timeout', '30', '--continue-on-failure', '--no-shrink',
    '--generation-database', 'none', '--generation-with-security-parameters', 'false', '--suppress-health-check', 'all',
    '--warnings', 'off', '--no-color',
  ]; // prettier-ignore
  const options = { cwd, env: childEnvironment({ SCHEMATHESIS_HOOKS: null }), maxBuffer: 2 ** 28 };
  return new Promise((done, failed) => {
    execFile(python, ['-m', 'schemathesis.cli', 'run', ...args, ...always], options, (error, stdout, stderr) => {
      if (!error || error.code === 1) done();
      else failed(new Error(`schemathesis: ${stdout.slice(-2_000)}${stderr.slice(-2_000)}`));
    });
  });
}
