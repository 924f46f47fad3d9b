import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const stampFile = join(dist, '.stamp');
const folders = [
  'domain',
  'workflows',
  'activities',
  'pipeline',
  'runner',
  'log',
  'db',
  'api',
  'workers',
  'cli',
  'bench',
  'proofs',
];

/** Every file below a folder, as paths relative to the project; installed packages are nobody's source. */
async function files(folder) {
  if (!existsSync(folder)) return [];
  const entries = await readdir(folder, { withFileTypes: true });
  const nested = await Promise.all(
    entries.map((e) => {
      const path = join(folder, e.name);
      if (e.isDirectory()) return e.name === 'node_modules' ? [] : files(path);
      return e.isFile() ? [relative(root, path)] : [];
    }),
  );
  return nested.flat();
}

/** What a page takes with it: its script, made one of all below browser/, and its style. */
const pages = {
  'api/pages/trace/view': 'api/pages/trace/browser/main.ts',
  'api/pages/trace/style': 'api/pages/trace/style.css',
};
const isOfPage = (path) => /^api\/pages\/.*(\/browser\/|\.css$)/.test(path);

async function sources() {
  // config.ts, and what it is put together from.
  const settings = (await readdir(root)).filter((name) => /^config(-\w+)?\.ts$/.test(name));
  const found = (await Promise.all(folders.map((f) => files(join(root, f))))).flat();
  return [...found.filter((f) => (f.endsWith('.ts') && !f.endsWith('.d.ts')) || isOfPage(f)), ...settings].sort();
}

/** Changes when a source, or this script, was written, added or removed. */
async function stampOf(paths) {
  const hash = createHash('sha256');
  for (const path of [...paths, 'scripts/build.mjs']) {
    const { mtimeMs, size } = await stat(join(root, path));
    hash.update(`${path} ${mtimeMs} ${size}\n`);
  }
  return hash.digest('hex');
}

/** Appears whole or not at all: another command may be loading dist/ at this moment. */
async function replace(path, contents) {
  if (existsSync(path) && (await readFile(path)).equals(Buffer.from(contents))) return;
  const temporary = `${path}.${process.pid}`;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(temporary, contents);
  await rename(temporary, path);
}

/** Compiles the TypeScript to dist/, file by file and without checking types (`npm run check` does), if anything changed. */
export async function build() {
  const paths = await sources();
  const stamp = await stampOf(paths);
  if (existsSync(stampFile) && (await readFile(stampFile, 'utf8')) === stamp) return;
  const esbuild = await import('esbuild');
  const common = { absWorkingDir: root, outbase: root, outdir: dist, write: false };
  const made = await Promise.all([
    esbuild.build({
      ...common,
      entryPoints: paths.filter((path) => !isOfPage(path)),
      bundle: false,
      format: 'cjs',
      platform: 'node',
      target: 'node20',
      sourcemap: true,
    }),
    esbuild.build({
      ...common,
      entryPoints: pages,
      bundle: true,
      minify: true,
      format: 'iife',
      platform: 'browser',
      target: ['es2022', 'chrome111', 'firefox113', 'safari16.4'],
    }),
  ]);
  const outputFiles = made.flatMap((one) => one.outputFiles);
  await Promise.all(outputFiles.map((f) => replace(f.path, f.contents)));
  const wanted = new Set(outputFiles.map((f) => relative(root, f.path)));
  const stale = (await files(dist)).filter((f) => /\.(js(\.map)?|css)$/.test(f) && !wanted.has(f));
  await Promise.all(stale.map((f) => rm(join(root, f), { force: true })));
  await replace(stampFile, stamp);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await build();
