// Compiles policy/*.rego to WebAssembly, policy/compiled/<name>.wasm, with a manifest of digests beside it.
//   node scripts/build-policy.mjs          tests, compiles, writes
//   node scripts/build-policy.mjs --check  proves that the committed sources give the committed modules
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { findOpa, opaVersion, projectRoot } from './opa.mjs';

const run = promisify(execFile);
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const say = (line) => console.error(line);

/** The modules of a folder: every .rego file that holds no tests is one, its entrypoint is <package>/result. */
async function sources(root) {
  const files = (await readdir(join(root, 'policy'))).filter((f) => f.endsWith('.rego') && !f.endsWith('_test.rego'));
  return Promise.all(
    files.sort().map(async (file) => {
      const text = await readFile(join(root, 'policy', file), 'utf8');
      const name = /^package ([\w.]+)$/m.exec(text)?.[1];
      if (!name) throw new Error(`policy/${file}: no package line`);
      return {
        name: file.replace(/\.rego$/, ''),
        file,
        entrypoint: `${name.replaceAll('.', '/')}/result`,
        digest: sha256(text),
      };
    }),
  );
}

async function test(opa, root) {
  try {
    await run(opa, ['check', '--strict', '--ignore', 'compiled', 'policy'], { cwd: root });
    await run(opa, ['test', '--ignore', 'compiled', 'policy'], { cwd: root });
    // Every rule is tested, in each of its parts.
    await run(opa, ['test', '--coverage', '--threshold', '100', '--ignore', 'compiled', 'policy'], { cwd: root });
  } catch (error) {
    throw new Error(`policy/: ${error.stdout ?? ''}${error.stderr ?? error.message}`, { cause: error });
  }
}

/** The same source gives the same bytes: opa's output depends on nothing else, a path relative to `root` included. */
async function compile(opa, root, source) {
  const dir = await mkdtemp(join(tmpdir(), 'wheelhouse-policy-'));
  try {
    const bundle = join(dir, 'bundle.tar.gz');
    await run(opa, ['build', '-t', 'wasm', '-e', source.entrypoint, `policy/${source.file}`, '-o', bundle], {
      cwd: root,
    });
    await run('tar', ['-xzf', bundle, '-C', dir]);
    return await readFile(join(dir, 'policy.wasm'));
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function write(root) {
  const opa = await findOpa({ root, say });
  await test(opa, root);
  const out = join(root, 'policy', 'compiled');
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  const policies = [];
  for (const source of await sources(root)) {
    const wasm = await compile(opa, root, source);
    await writeFile(join(out, `${source.name}.wasm`), wasm);
    policies.push({
      name: source.name,
      entrypoints: [source.entrypoint],
      sources: { [source.file]: source.digest },
      wasm: sha256(wasm),
    });
  }
  const manifest = { opa: await opaVersion(opa), policies };
  await writeFile(join(out, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  return policies.map((p) => `policy/compiled/${p.name}.wasm ${p.wasm}`);
}

/** @throws Error with one line for everything that does not fit. */
async function check(root) {
  const out = join(root, 'policy', 'compiled');
  const manifest = JSON.parse(await readFile(join(out, 'manifest.json'), 'utf8'));
  const found = await sources(root);
  const wrong = [];
  const expected = new Set(['manifest.json', ...found.map((s) => `${s.name}.wasm`)]);
  for (const file of await readdir(out)) if (!expected.has(file)) wrong.push(`policy/compiled/${file}: has no source`);
  for (const source of found) {
    const entry = manifest.policies.find((p) => p.name === source.name);
    if (entry?.sources[source.file] !== source.digest)
      wrong.push(`policy/${source.file}: changed since it was compiled`);
    if (entry?.entrypoints.join() !== source.entrypoint) wrong.push(`policy/${source.file}: entrypoint changed`);
    const wasm = await readFile(join(out, `${source.name}.wasm`)).catch(() => Buffer.alloc(0));
    if (sha256(wasm) !== entry?.wasm) wrong.push(`policy/compiled/${source.name}.wasm: not the module of the manifest`);
  }
  const how = await rebuildAndCompare(root, manifest, found, wrong);
  if (wrong.length > 0) throw new Error(`${wrong.join('\n')}\nrun: node scripts/build-policy.mjs`);
  return [`policies: ${found.length}; ${how}`];
}

/** Adds to `wrong`; answers with a line that says what was proven. */
async function rebuildAndCompare(root, manifest, found, wrong) {
  let opa;
  try {
    opa = await findOpa({ root, say });
  } catch (error) {
    return `only digests compared, because opa can't be had: ${error.message}`;
  }
  await test(opa, root);
  const version = await opaVersion(opa);
  if (version !== manifest.opa) {
    return `digests compared, tests passed; modules not rebuilt: they are of opa ${manifest.opa}, this is ${version}`;
  }
  for (const source of found) {
    const rebuilt = sha256(await compile(opa, root, source));
    const committed = manifest.policies.find((p) => p.name === source.name)?.wasm;
    if (rebuilt !== committed)
      wrong.push(`policy/${source.file}: gives another module than policy/compiled/${source.name}.wasm`);
  }
  return `tests passed, modules rebuilt with opa ${version} and compared byte by byte`;
}

/** @param {{ root?: string, checkOnly?: boolean }} options */
export async function buildPolicies({ root = projectRoot, checkOnly = false } = {}) {
  return checkOnly ? check(root) : write(root);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    for (const line of await buildPolicies({ checkOnly: process.argv.includes('--check') })) console.log(line);
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
