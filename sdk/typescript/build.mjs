import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { generate } from './generate.mjs';

// dist/ as it is published: ES modules one by one, so that a bundler takes what is needed; one file for `require`; and the
// types of both. The large file of types is there once, for either kind may take types from a `.cts`.

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const dist = at('dist');
const target = 'es2022';

await generate();
rmSync(dist, { recursive: true, force: true });
execFileSync(process.execPath, [at('../../node_modules/typescript/bin/tsc'), '-p', at('.')], { stdio: 'inherit' });
await build({
  entryPoints: [join(dist, 'index.js')],
  outfile: join(dist, 'index.cjs'),
  bundle: true,
  format: 'cjs',
  platform: 'neutral',
  target,
});
const types = 'generated/openapi.d.cts';
cpSync(at(`src/${types}`), join(dist, types));
const declarations = readdirSync(dist, { recursive: true }).filter((path) => path.endsWith('.d.ts'));
for (const path of declarations) {
  const text = readFileSync(join(dist, path), 'utf8');
  const copy = join(dist, 'cjs', path);
  mkdirSync(dirname(copy), { recursive: true });
  writeFileSync(copy, text.replace(/'((?:\.\.?\/)+)generated\/openapi\.cjs'/g, `'$1../generated/openapi.cjs'`));
}
writeFileSync(join(dist, 'cjs/package.json'), '{ "type": "commonjs" }\n');
