import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { sha256 } from '../../log/canonical';
import { entrypointsOf } from './forms';
import { importedBuiltins } from './builtins';

/** What opa has against a text: its own words, and where. */
export interface Complaint {
  code: string;
  message: string;
  /** `rego` or `tests`, line. */
  at: (string | number)[];
}
export class Refused extends Error {
  constructor(readonly complaints: readonly Complaint[]) {
    super(complaints[0]?.message ?? 'refused');
  }
}

export interface Compiled {
  wasm: Buffer;
  /** sha256 of the module. */
  digest: string;
  entrypoints: string[];
  /** Tests that were run, and passed. */
  tested: number;
}

/** A call of opa: seconds by the clock and of a processor, memory, and how much it may say. */
const bounds = { ms: 10_000, cpuSeconds: 10, kilobytes: 1_500_000, maxBuffer: 4 * 1024 * 1024 };
const largestModule = 4 * 1024 * 1024;
/** What opa names its files: in complaints they are the fields of the request. */
const files: Readonly<Record<string, string>> = { 'policy.rego': 'rego', 'policy_test.rego': 'tests' };

/** What opa's evaluation in WebAssembly takes from its host, of which the SDK has these. */
const offered: ReadonlySet<string> = new Set([
  'json.is_valid', 'sprintf', 'regex.split', 'yaml.is_valid', 'yaml.marshal', 'yaml.unmarshal',
]); // prettier-ignore
/** What another answer may come from at another time, or elsewhere; and whatever asks the network. */
const withheld = /^(http\.|net\.lookup|opa\.runtime$|rego\.)|^(rand\.intn|uuid\.rfc4122|time\.now_ns|trace)$/;

const Capabilities = z.looseObject({
  builtins: z.array(z.looseObject({ name: z.string(), nondeterministic: z.boolean().optional() })),
});
const Complaints = z.object({
  errors: z.array(
    z.object({
      message: z.string(),
      code: z.string().default('rego_error'),
      location: z.object({ file: z.string(), row: z.int() }).nullish(),
    }),
  ),
});
const Ast = z.object({
  package: z.object({ path: z.array(z.object({ value: z.string() })).min(2) }),
  rules: z
    .array(
      z.object({
        head: z.object({ name: z.string().optional(), ref: z.array(z.object({ value: z.unknown() })).optional() }),
      }),
    )
    .optional(),
});
const Tests = z.array(z.object({ name: z.string(), fail: z.boolean().optional(), error: z.unknown().optional() }));

interface Said {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs opa in a folder, bounded; what it needs beyond that is a refusal. */
async function opa(bin: string, cwd: string, args: readonly string[]): Promise<Said> {
  const limited = `ulimit -t ${bounds.cpuSeconds} && ulimit -v ${bounds.kilobytes} && exec "$0" "$@"`;
  return new Promise((resolve, reject) => {
    const options = {
      cwd,
      timeout: bounds.ms,
      killSignal: 'SIGKILL',
      maxBuffer: bounds.maxBuffer,
      // One processor, so that an upload takes none from those that answer.
      env: { PATH: process.env['PATH'] ?? '', HOME: cwd, TMPDIR: cwd, GOMAXPROCS: '1', GOMEMLIMIT: '512MiB' },
    } as const;
    execFile('/bin/sh', ['-c', limited, bin, ...args], options, (error, stdout, stderr) => {
      if (!error) return resolve({ code: 0, stdout, stderr });
      if (typeof error.code === 'number' && !error.killed) return resolve({ code: error.code, stdout, stderr });
      if (error.code === 'ENOENT') return reject(new Error(error.message, { cause: error }));
      const why = /OutOfMemory|out of memory/.test(stderr) ? 'memory' : 'time or memory';
      refuse('rego_too_expensive', `opa ${args[0]} took more than its ${why}`, reject);
    });
  });
}
const refuse = (code: string, message: string, by: (e: Error) => void): void =>
  by(new Refused([{ code, message, at: ['rego'] }]));
const refused = (code: string, message: string, at: (string | number)[] = ['rego']): Refused =>
  new Refused([{ code, message, at }]);

/** Of an answer in JSON; text where it is none. */
function complaintsOf({ stdout, stderr }: Said): Complaint[] {
  const text = [stdout, stderr].find((t) => t.trimStart().startsWith('{'));
  const parsed = text === undefined ? null : Complaints.safeParse(JSON.parse(text));
  if (!parsed?.success)
    return [{ code: 'rego_error', message: (stderr || stdout).trim().slice(0, 4_000), at: ['rego'] }];
  return parsed.data.errors.slice(0, 50).map(({ message, code, location }) => ({
    code,
    message: location ? `line ${location.row}: ${message}` : message,
    at: location ? [files[location.file.split('/').at(-1) ?? ''] ?? 'rego', location.row] : ['rego'],
  }));
}

/** opa's capabilities without what a policy may not do, written beside it. */
async function restrict(bin: string, cwd: string): Promise<void> {
  const said = await opa(bin, cwd, ['capabilities', '--current']);
  const all = Capabilities.parse(JSON.parse(said.stdout));
  const builtins = all.builtins.filter((b) => b.nondeterministic !== true && !withheld.test(b.name));
  await writeFile(join(cwd, 'capabilities.json'), JSON.stringify({ ...all, builtins, allow_net: [] }));
}

const withCapabilities = ['--capabilities', 'capabilities.json'];

/** Today's Rego, or that of before 1.0, in which older policies are written: the flag that opa takes for it. */
async function dialectOf(bin: string, cwd: string, sources: readonly string[]): Promise<string[]> {
  const check = (flags: string[]) =>
    opa(bin, cwd, ['check', '--format', 'json', ...withCapabilities, ...flags, ...sources]);
  const today = await check([]);
  if (today.code === 0) return [];
  const before = await check(['--v0-compatible']);
  if (before.code === 0) return ['--v0-compatible'];
  throw new Refused(complaintsOf(today));
}

async function entrypointsIn(bin: string, cwd: string, dialect: readonly string[]): Promise<string[]> {
  const said = await opa(bin, cwd, ['parse', '--format', 'json', ...dialect, 'policy.rego']);
  if (said.code !== 0) throw new Refused(complaintsOf(said));
  const { package: of, rules = [] } = Ast.parse(JSON.parse(said.stdout));
  const path = of.path.slice(1).map((p) => p.value);
  const names = rules.map(({ head }) => head.name ?? String(head.ref?.[0]?.value));
  const found = entrypointsOf(path, names);
  if (found.length) return found;
  throw refused('no_decision', 'the policy has no rule main, result, deny, escalate or allow: it would decide nothing');
}

async function runTests(
  bin: string,
  cwd: string,
  dialect: readonly string[],
  sources: readonly string[],
): Promise<number> {
  const said = await opa(bin, cwd, [
    'test', '--format', 'json', '--timeout', '5s', ...withCapabilities, ...dialect, ...sources,
  ]); // prettier-ignore
  const text = said.stdout.trim();
  const ran = text.startsWith('[') ? Tests.parse(JSON.parse(text)) : [];
  const failed = ran.filter((t) => t.fail === true || t.error !== undefined);
  if (failed.length)
    throw new Refused(
      failed.slice(0, 50).map((t) => ({
        code: 'test_failed',
        message:
          t.error === undefined
            ? `${t.name} failed`
            : `${t.name}: ${String((t.error as { message?: unknown }).message)}`,
        at: ['tests', t.name],
      })),
    );
  if (said.code !== 0 && text !== '') throw new Refused(complaintsOf(said));
  return ran.length;
}

/**
 * Compiles a policy to WebAssembly with the real opa, and runs its tests.
 * @param bin path of opa
 * @throws Refused with opa's words
 */
export async function compile(bin: string, rego: string, tests: string | null): Promise<Compiled> {
  const dir = await mkdtemp(join(tmpdir(), 'wheelhouse-rego-'));
  try {
    await writeFile(join(dir, 'policy.rego'), rego);
    if (tests !== null) await writeFile(join(dir, 'policy_test.rego'), tests);
    const sources = ['policy.rego', ...(tests === null ? [] : ['policy_test.rego'])];
    await restrict(bin, dir);
    const dialect = await dialectOf(bin, dir, sources);
    const entrypoints = await entrypointsIn(bin, dir, dialect);
    const built = await opa(bin, dir, [
      'build', '-t', 'wasm', ...withCapabilities, ...dialect, ...entrypoints.flatMap((e) => ['-e', e]),
      '-o', 'bundle.tar.gz', 'policy.rego',
    ]); // prettier-ignore
    if (built.code !== 0) throw new Refused(complaintsOf(built));
    await unpack(dir);
    if ((await stat(join(dir, 'policy.wasm'))).size > largestModule)
      throw refused('rego_too_large', `the compiled policy is larger than ${largestModule} bytes`);
    const wasm = await readFile(join(dir, 'policy.wasm'));
    const missing = importedBuiltins(wasm).filter((name) => !offered.has(name));
    if (missing.length)
      throw refused('builtin_unavailable', `${missing.join(', ')}: not there where policies are evaluated`);
    const tested = await runTests(bin, dir, dialect, sources);
    return { wasm, digest: sha256(wasm), entrypoints, tested };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

const unpack = (dir: string): Promise<void> =>
  new Promise((resolve, reject) => {
    execFile('tar', ['-xzf', 'bundle.tar.gz', '/policy.wasm'], { cwd: dir }, (error) =>
      error ? reject(new Error(error.message, { cause: error })) : resolve(),
    );
  });
