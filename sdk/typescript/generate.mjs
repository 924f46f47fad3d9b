import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import openapiTS, { astToString } from 'openapi-typescript';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const folder = at('src/generated');

/** What of the document the client needs: aliases, refusals and the headers that it sends by itself are left out. */
function essence({ paths, components, ...document }) {
  const ownHeaders = ['Idempotency-Key', 'X-Tenant-ID'];
  const operation = ({ parameters = [], responses, ...rest }) => ({
    ...rest,
    parameters: parameters.filter(({ name }) => !ownHeaders.includes(name)),
    responses: Object.fromEntries(
      Object.entries(responses)
        .filter(([status]) => status < 400)
        .map(([status, { headers: _, ...response }]) => [status, response]),
    ),
  });
  const items = Object.entries(paths).map(([path, item]) => [
    path,
    Object.fromEntries(
      Object.entries(item)
        .filter(([, described]) => !described['x-alias-of'])
        .map(([method, described]) => [method, operation(described)]),
    ),
  ]);
  const kept = Object.fromEntries(items.filter(([, item]) => Object.keys(item).length > 0));
  return { ...document, paths: kept, components: { schemas: components.schemas } };
}

/** The source of each group. */
const groups = () =>
  readdirSync(at('src/groups'))
    .filter((file) => !['group.ts', 'numbered.ts', 'offsets.ts'].includes(file))
    .map((file) => ({ name: file.replace('.ts', ''), text: readFileSync(at(`src/groups/${file}`), 'utf8') }));

const branches = (s) => [...(s.anyOf ?? []), ...(s.oneOf ?? []), ...(s.allOf ?? [])];
/** Whether names in it are whoever's wrote it: an object of any members, or anything at all. */
function isOpen(s) {
  if (branches(s).length > 0) return branches(s).some(isOpen);
  if (s.$ref || s.enum || 'const' in s) return false;
  if (s.type === undefined) return true;
  const types = [s.type].flat();
  if (types.includes('array')) return isOpen(s.items ?? {});
  return types.includes('object') && Boolean(s.additionalProperties);
}

/** The names of such parts; and of those that have names of the wire's own in them. */
function partsOf(s, found = { open: new Set(), ours: new Set() }) {
  for (const [name, part] of Object.entries(s.properties ?? {})) {
    if (isOpen(part)) found.open.add(name);
    else {
      if (JSON.stringify(part).includes('"properties"')) found.ours.add(name);
      partsOf(part, found);
    }
  }
  for (const inner of [...branches(s), ...(s.items ? [s.items] : [])]) partsOf(inner, found);
  return found;
}

/** By group, and by operation that it calls: the parts of its body and answer whose names stay as they are. */
function openParts({ paths }) {
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, described]) => ({ method: method.toUpperCase(), path, described })),
  );
  const constants = groups().map(({ name, text }) => {
    const rows = operations
      .filter(({ method, path }) => new RegExp(`'${method}',\\s*'${path.replace(/[{}.]/g, '\\$&')}'`).test(text))
      .map(({ method, path, described: { requestBody, responses } }) => {
        const schemas = [requestBody, ...Object.values(responses)].flatMap(
          (sent) => sent?.content?.['application/json']?.schema ?? [],
        );
        const { open, ours } = partsOf({ anyOf: schemas });
        const both = [...open].filter((name) => ours.has(name));
        if (both.length)
          throw new Error(`${method} ${path}: ${both.join(', ')} is the wire's here and a caller's there`);
        return [`${method} ${path}`, [...open].sort()];
      })
      .filter(([, names]) => names.length);
    return `export const ${name}: Open = ${JSON.stringify(Object.fromEntries(rows))};\n`;
  });
  return `/** By operation: the parts whose names are not the wire's. */\nexport type Open = Readonly<Record<string, readonly string[]>>;\n${constants.join('')}`;
}

/** Writes the types of every operation, and what the groups have to know of them. Fails on anything that is worth a warning. */
export async function generate() {
  const text = execFileSync(process.execPath, [at('../../dist/cli/main.js'), 'openapi'], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  const stamp = createHash('sha256')
    .update(text)
    .update(readFileSync(at('generate.mjs')))
    .update(
      groups()
        .map(({ text }) => text)
        .join(''),
    )
    .digest('hex');
  const stampFile = `${folder}/.stamp`;
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return;
  const document = essence(JSON.parse(text));
  const warn = console.warn;
  console.warn = (...said) => {
    throw new Error(`openapi-typescript: ${said.join(' ')}`);
  };
  const types = await openapiTS(document, { defaultNonNullable: false }).finally(() => (console.warn = warn));
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/openapi.d.cts`, astToString(types));
  writeFileSync(`${folder}/open.ts`, openParts(document));
  writeFileSync(stampFile, stamp);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await generate();
