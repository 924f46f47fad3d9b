import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = (name) => join(root, 'node_modules', '.bin', name);

const checks = [
  ['types', bin('tsc'), ['--noEmit', '-p', '.']],
  ['types of the page', bin('tsc'), ['--noEmit', '-p', 'api/pages/trace/browser']],
  ['types of the SDK', bin('tsc'), ['--noEmit', '-p', 'sdk/typescript']],
  ['lint', bin('eslint'), ['.', '--max-warnings', '0']],
  ['import rules', bin('depcruise'), ['.', '--config', '.dependency-cruiser.cjs', '--output-type', 'err-long']],
  ['unused code', bin('knip'), ['--no-progress']],
  ['formatting', bin('prettier'), ['--check', '--log-level', 'warn', '.']],
  ['OpenAPI document', process.execPath, ['scripts/lint-openapi.mjs']],
  ['policies', process.execPath, ['scripts/build-policy.mjs', '--check']],
];

/** Answers null when the check passed, else what it printed. */
function run(command, args) {
  return new Promise((done) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => done(error.message));
    child.on('close', (code) => done(code === 0 ? null : output));
  });
}

/** Runs every check, two at a time, and reports each as it ends. Answers how many failed. */
export async function check() {
  // The SDK's sources lean on types of the OpenAPI document, which nobody keeps.
  const { generate } = await import('../sdk/typescript/generate.mjs');
  await generate();
  const queue = checks.filter(([, , args]) => !args[0].startsWith('scripts/') || existsSync(join(root, args[0])));
  let failed = 0;
  const next = async () => {
    for (let entry = queue.shift(); entry; entry = queue.shift()) {
      const [name, command, args] = entry;
      const started = Date.now();
      const problem = await run(command, args);
      const seconds = ((Date.now() - started) / 1000).toFixed(1);
      console.log(problem === null ? `ok      ${name} (${seconds} s)` : `FAILED  ${name} (${seconds} s)\n${problem}`);
      if (problem !== null) failed += 1;
    }
  };
  await Promise.all([next(), next()]);
  return failed;
}
