import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import Ajv2020 from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { root } from '../../config';
import { errors, type ErrorCode } from '../../domain/errors';
import { describe as describeFailure } from '../../api/http/failure';
import { openapiDocument } from '../../api/openapi';
import { isRaw } from '../../api/operation';
import { operations, sockets } from '../../api/registry';
import { surfaceOf, surfaces } from '../../api/surfaces';
import { startServer, type Server } from '../harness';

type Json = Record<string, any>;
interface Described extends Json {
  operationId: string;
  responses: Record<string, Json>;
}

const document = JSON.parse(JSON.stringify(openapiDocument(operations, sockets))) as Json;
const all = Object.entries(document['paths'] as Record<string, Record<string, Described>>).flatMap(([path, item]) =>
  Object.entries(item).map(([method, described]) => ({
    id: `${method.toUpperCase()} ${path}`,
    path,
    method,
    described,
  })),
);
const ajv = addFormats(new Ajv2020({ strict: false, allErrors: true }));
ajv.addSchema({ $id: 'root', components: document['components'] });
const compile = (schema: Json) =>
  ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"root#/components')) as object);

test('every declared operation is there, each alias too, under names that are unique', () => {
  const ids = all.map(({ described }) => described.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { name, op } of operations) {
    expect(ids).toContain(name);
    for (const alias of op.aliases ?? []) {
      const path = alias.replace(/[:*](\w+)/g, '{$1}');
      const method = op.route.split(' ')[0]?.toLowerCase() ?? '';
      expect(document['paths'][path][method]['x-alias-of']).toBe(op.route);
    }
  }
});

test('it says 3.1, names every tag, and every reference leads somewhere', () => {
  expect(document).toMatchObject({ openapi: '3.1.0', info: { title: 'Wheelhouse', version: expect.any(String) } });
  const tags = (document['tags'] as { name: string }[]).map((t) => t.name);
  for (const { described } of all) for (const tag of described['tags']) expect(tags).toContain(tag);
  for (const [, ref = ''] of JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)) {
    expect(ref.split('/').reduce<unknown>((at, key) => (at as Json)[key], document)).toBeDefined();
  }
});

test.each(all)('$id: its parameters are those of the path, and its schemas compile', ({ path, described }) => {
  const parameters = (described['parameters'] ?? []) as Json[];
  const inPath = parameters.filter((p) => p['in'] === 'path').map((p) => p['name']);
  expect(inPath).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
  const places = parameters.map((p) => `${p['in']} ${p['name']}`);
  expect(new Set(places).size).toBe(places.length);
  const bodies = [described['requestBody'], ...Object.values(described.responses)].flatMap((r) =>
    Object.values((r?.content ?? {}) as Json),
  );
  for (const schema of [...parameters.map((p) => p['schema']), ...bodies.map((b) => b.schema)])
    expect(() => compile(schema)).not.toThrow();
  for (const response of Object.values(described.responses))
    expect(response['description']).toEqual(expect.any(String));
});

test.each(all)('$id: who may call it, and what it answers then', ({ id, path, method, described }) => {
  const declared = operations.find((o) => o.name === described.operationId || o.op.route === described['x-alias-of']);
  const { access = '', output, status = 200 } = declared?.op ?? {};
  const open = access === 'public' || access === 'login';
  expect([id, described['x-required-scope']]).toEqual([
    id,
    open || access === 'session' || access === 'metrics' ? undefined : access,
  ]);
  expect(described['security']).toEqual(open ? [] : expect.arrayContaining([expect.any(Object)]));
  expect(Object.keys(described.responses)).toContain(String(status));
  const named = (name: string) => (described['parameters'] ?? []).find((p: Json) => p['name'] === name);
  expect(Boolean(named('Idempotency-Key'))).toBe(method === 'post' && !open && access !== 'session');
  expect(Boolean(named('X-Tenant-ID'))).toBe(
    surfaceOf(path).name === 'aegis' && access !== 'public' && access !== 'metrics',
  );
  if (open || !output || isRaw(output)) return;
  const trouble = String(surfaceOf(path).statuses.Unavailable ?? 503);
  expect(Object.keys(described.responses)).toEqual(expect.arrayContaining(['401', '403', '429', trouble]));
  if (status === 204) return;
  const { schema } = described.responses[status]?.['content']['application/json'] as Json;
  const { properties } = schema as { properties?: Json };
  if (surfaceOf(path).name === 'aegis')
    expect(Object.keys(properties ?? {})).toEqual(['success', 'data', 'error', 'meta']);
});

test("each door's refusals are what its error schema says", () => {
  for (const surface of surfaces) {
    const check = compile({ $ref: `#/components/schemas/${surface.name}.Error` });
    for (const code of Object.keys(errors) as ErrorCode[]) {
      for (const details of [{}, { field: 'x', reason: 'y' }]) {
        const failure = describeFailure(new errors[code]('no', details), surface, 'r1');
        const issues = [{ path: ['body', 'a', 0], message: 'wrong', code: 'invalid_type' }];
        for (const f of [failure, { ...failure, issues }]) {
          const body = JSON.parse(JSON.stringify(surface.failure(f))) as unknown;
          expect([surface.name, code, check(body), check.errors]).toEqual([surface.name, code, true, null]);
        }
      }
    }
  }
});

test('every body is shown by an example that its schema takes, and its operation as well', () => {
  const shown = all.flatMap(({ id, described }) => {
    const content = described['requestBody']?.content['application/json'];
    return content ? [{ id, described, content }] : [];
  });
  expect(shown.length).toBeGreaterThan(100);
  for (const { id, described, content } of shown) {
    const check = compile(content.schema);
    expect([id, check(content.example), check.errors]).toEqual([id, true, null]);
    const declared = operations.find((o) => o.name === described.operationId || o.op.route === described['x-alias-of']);
    expect([id, declared?.op.body?.safeParse(content.example).error?.message]).toEqual([id, undefined]);
  }
});

test('groups are those of one door, door by door, each described', () => {
  const groups = document['x-tagGroups'] as { name: string; tags: string[] }[];
  const tags = document['tags'] as { name: string; description: string }[];
  expect(groups.flatMap((g) => g.tags)).toEqual(tags.map((t) => t.name));
  for (const { description } of tags) expect(description.length).toBeGreaterThan(10);
  for (const { path, described } of all) {
    const [tag = ''] = described['tags'] as string[];
    expect(tag.startsWith(`${surfaceOf(path).name}: `)).toBe(true);
  }
});

test('a status that is a refusal and an answer of its own as well is documented as either', () => {
  const { schema } = document['paths']['/execute'].post.responses['422'].content['application/json'];
  const check = compile(schema);
  const aegis = surfaces.find((s) => s.name === 'aegis') as (typeof surfaces)[number];
  const refusal = aegis.failure({
    ...describeFailure(new errors.Invalid('no', { field: 'tool_name' }), aegis, 'r1'),
    issues: [{ path: ['body', 'tool_name'], message: 'wrong', code: 'invalid_type' }],
  });
  expect([check(JSON.parse(JSON.stringify(refusal))), check.errors]).toEqual([true, null]);
  const answers = JSON.stringify(
    document['paths']['/execute'].post.responses['200'].content['application/json'].schema,
  );
  expect(JSON.stringify(schema)).toContain(answers);
});

test('yes and no as words, and priorities, are documented as they are taken', () => {
  const query = document['paths']['/api/skills'].get.parameters.find((p: Json) => p['name'] === 'enabled_only').schema;
  const { priority } = document['paths']['/api/tickets'].post.requestBody.content['application/json'].schema.properties;
  const taken = (schema: Json, values: unknown[]) => values.filter((value) => compile(schema)(value));
  expect(taken(query, [true, 'true', 'no', 'perhaps', '', 1])).toEqual([true, 'true', 'no']);
  expect(taken(priority, ['1', 'P4', 'p2', 3, '5', 'high', 0, 2.5])).toEqual(['1', 'P4', 'p2', 3]);
});

test('an upload is documented as a form as well', () => {
  const { content } = document['paths']['/api/tickets/{ticket_id}/attachments'].post.requestBody;
  expect(content['multipart/form-data'].schema).toMatchObject({
    type: 'object',
    properties: { file: { type: 'string' } },
    required: ['file'],
  });
  expect(content['application/json'].schema.type).toBe('object');
});

test('the command prints the document and nothing else, with nothing running', async () => {
  const options = {
    env: { DATABASE_URL: 'postgres://127.0.0.1:1/none', TEMPORAL_ADDRESS: '127.0.0.1:1' },
    maxBuffer: 2 ** 26,
  };
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    [join(root, 'dist/cli/main.js'), 'openapi'],
    options,
  );
  expect([JSON.parse(stdout), stderr]).toEqual([document, '']);
});

describe('on a server', () => {
  let server: Server;
  beforeAll(async () => void (server = await startServer({}, { worker: false })));
  afterAll(() => server.close());
  const get = (path: string) => server.as('')('GET', path);

  test('GET /openapi.json is the same document, for anybody', async () => {
    const { status, body, headers } = await get('/openapi.json');
    expect([status, headers.get('content-type')]).toEqual([200, 'application/json; charset=utf-8']);
    expect(body).toEqual(document);
  });

  test.each(['/docs', '/redoc'])('%s loads from this server alone, and what it loads is there', async (path) => {
    const { status, text, headers } = await get(path);
    expect([status, headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'; script-src 'self';");
    expect(policy).not.toMatch(/https?:|unsafe-eval|script-src[^;]*unsafe-inline/);
    const loads = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url = '']) => url);
    expect(loads.length).toBeGreaterThan(1);
    expect(text).not.toMatch(/<script>|https?:/);
    for (const url of loads) {
      const asset = await get(url);
      expect([url, asset.status, asset.headers.get('x-content-type-options')]).toEqual([url, 200, 'nosniff']);
      expect(asset.headers.get('content-type')).toMatch(url.endsWith('.css') ? /^text\/css/ : /^text\/javascript/);
      expect(asset.text.length).toBeGreaterThan(10);
    }
  });

  test('the longest text that a log-in may come back with is a request that is read', async () => {
    const { schema } = document['paths']['/auth/sso/{provider}/callback'].get.parameters.find(
      (p: Json) => p['name'] === 'code',
    );
    const longest = ' '.repeat(schema.maxLength);
    expect([compile(schema)(longest), compile(schema)('é')]).toEqual([true, false]);
    const { status, body } = await get(`/auth/sso/oidc/callback?code=${encodeURIComponent(longest)}`);
    expect([status, body.success]).toEqual([401, false]);
  });

  test('nothing else is served from there', async () => {
    for (const path of ['/docs/package.json', '/docs/..%2f..%2fpackage.json', '/docs/index.html'])
      expect((await get(path)).status).toBe(404);
  });

  test('answers are what the document says', async () => {
    for (const path of ['/auth/me', '/audit/logs', '/audit/logs/verify', '/receipts/key', '/api-keys', '/health', '/status', '/system/health', '/v1/health', '/api/v1/health', '/api/v1/health/ready', '/api/postmortems', '/api/workflows']) {
      const answer = await server.call('GET', path);
      const check = compile(document['paths'][path].get.responses[answer.status].content['application/json'].schema);
      expect([path, check(answer.body), check.errors]).toEqual([path, true, null]);
    } // prettier-ignore
    const refused = await server.call('GET', '/audit/logs?limit=none');
    const check = compile(document['paths']['/audit/logs'].get.responses['422'].content['application/json'].schema);
    expect([check(refused.body), check.errors]).toEqual([true, null]);
  });
});
