import { z } from 'zod';
import { errors, type ErrorCode } from '../domain/errors';
import { isRaw, type Method, type Operation } from './operation';
import { surfaceOf, surfaces, type Surface } from './surfaces';
import { description, version } from './version';
import { groupsOf, tagOf } from './doors';
import { errorSchemas } from './error-schemas';
import { exampleOf } from './example';
import { schemaOf } from './schema-of';
import { mcpPath } from './mcp/path';
import { tools } from './mcp/tools';
import type { Mounted } from './http/mount';
import type { MountedSocket } from './http/sockets';

type Json = Record<string, unknown>;
type Open = 'public' | 'login' | 'session' | 'metrics';

/** `/a/:id` as `/a/{id}`; `*rest` stands for a whole path, which a template can only name. */
const template = (path: string): string => path.replace(/[{}]/g, '').replace(/[:*](\w+)/g, '{$1}');

const pathOf = (op: Operation): string => op.route.slice(op.route.indexOf(' ') + 1);

const propertiesOf = (schema: z.ZodType): [name: string, schema: Json, required: boolean][] => {
  const { properties = {}, required = [] } = schemaOf(schema, 'input') as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, property]) => [name, property, required.includes(name)]);
};

const parameter = (where: 'path' | 'query', [name, { description: about, ...schema }, required]: [string, Json, boolean]): Json => ({
  name, in: where, required, ...(about !== undefined && { description: about }), schema,
}); // prettier-ignore

/** Those that this path has: an alias may have more. `*rest` is one text here, slashes and all. */
function pathParameters(path: string, schema: z.ZodType | undefined): Json[] {
  const known = new Map(schema ? propertiesOf(schema).map(([name, property]) => [name, property]) : []);
  return [...path.matchAll(/([:*])(\w+)/g)].map(([, kind, name = '']) => {
    const property = kind === '*' ? undefined : known.get(name);
    return parameter('path', [name, property ?? { type: 'string' }, true]);
  });
}
const queryParameters = (schema: z.ZodType | undefined): Json[] =>
  (schema ? propertiesOf(schema) : []).map((p) => parameter('query', p));

const header = (name: string, about: string, required: boolean, schema: Json): Json => ({
  name, in: 'header', required, description: about, schema,
}); // prettier-ignore

const isOpen = (op: Operation): boolean =>
  (['public', 'login', 'metrics'] satisfies Open[] as string[]).includes(op.access);

function headersOf(op: Operation, method: Method, surface: Surface): Json[] {
  const uuid = { type: 'string', format: 'uuid' };
  return [
    ...(surface.tenantHeader && op.access === 'login' ? [header('X-Tenant-ID', 'The tenant to log in to', true, uuid)] : []),
    ...(surface.tenantHeader && !isOpen(op)
      ? [header('X-Tenant-ID', 'The tenant of the token; an API key brings its own', false, uuid)]
      : []),
    ...(method === 'POST' && !isOpen(op) && op.access !== 'session'
      ? [
          header('Idempotency-Key', 'Repeats of a request with the same key and body get the first answer', false, {
            type: 'string', pattern: '^[\\x21-\\x7e]{1,200}$',
          }),
        ]
      : []),
    ...(op.kept ? [...op.kept.says, ...op.kept.apart].map((name) => header(name, 'Says what is asked for, as the body does', false, { type: 'string' })) : []),
  ]; // prettier-ignore
}

/** The form of an upload: the file, and beside it what JSON would say. */
const formOf = (body: z.ZodType | undefined): Json => {
  const fields = (body ? propertiesOf(body) : []).map(([name, property]) => [name, property] as const);
  return {
    type: 'object',
    properties: {
      ...Object.fromEntries(fields),
      file: { type: 'string', contentMediaType: 'application/octet-stream' },
    },
    required: ['file'],
  };
};

const bodyOf = (op: Operation): Json | null => {
  if (!op.body && !op.upload) return null;
  return {
    required: Boolean(op.upload) || !op.body?.safeParse({}).success,
    content: {
      ...(op.body && { 'application/json': { schema: schemaOf(op.body, 'input'), example: exampleOf(op.body) } }),
      ...(op.body instanceof z.ZodArray &&
        op.rows && { 'application/x-ndjson': { schema: schemaOf(op.body.element as z.ZodType, 'input') } }),
      ...(op.upload && { 'multipart/form-data': { schema: formOf(op.body) } }),
    },
  };
};

const marker = Symbol('data');
/** What the door puts around it, found by wrapping a marker: the envelope is written down in one place. */
function enveloped(surface: Surface, data: Json): Json {
  const wrapped = surface.envelope(marker);
  if (wrapped === marker) return data;
  const members = Object.entries(wrapped as Record<string, unknown>);
  const said = (value: unknown): Json =>
    value === marker ? data : value === null ? { type: 'null' } : { const: value };
  return {
    type: 'object',
    properties: Object.fromEntries(members.map(([name, value]) => [name, said(value)])),
    required: members.map(([name]) => name),
  };
}

const requestId = { 'X-Request-ID': { $ref: '#/components/headers/RequestId' } };

function successOf(op: Operation, surface: Surface): [status: number, response: Json][] {
  const { output, status = 200 } = op;
  if (status === 204) return [[status, { description: op.summary, headers: requestId }]];
  if (!isRaw(output)) {
    const schema = op.whole ? schemaOf(output, 'output') : enveloped(surface, schemaOf(output, 'output'));
    const response = { description: op.summary, headers: requestId, content: { 'application/json': { schema } } };
    return [status, ...(op.statuses ?? [])].map((s) => [s, response]);
  }
  const schema = output.schema ? schemaOf(output.schema, 'output') : output.media === '*/*' ? {} : { type: 'string' };
  const response = { description: op.summary, headers: requestId, content: { [output.media]: { schema } } };
  return [status, ...output.statuses].map((s) => [s, response]);
}

/** What can be refused, by status: what every operation of this form has, and its own. */
function refusalsOf(op: Operation, method: Method, surface: Surface): Map<number, ErrorCode[]> {
  const reads = Boolean(op.body ?? op.upload);
  const codes: ErrorCode[] = [
    ...(isOpen(op) ? [] : (['Unauthorized', 'Forbidden', 'RateLimited', 'Unavailable'] as const)),
    ...(op.access === 'login' ? (['RateLimited', 'Unavailable'] as const) : []),
    ...(op.access === 'metrics' ? (['Unauthorized'] as const) : []),
    ...(op.params ? (['NotFound'] as const) : []),
    ...(op.query || reads ? (['Invalid'] as const) : []),
    ...(reads ? (['TooLarge', 'UnsupportedMedia'] as const) : []),
    ...(method === 'POST' && !isOpen(op) && op.access !== 'session'
      ? (['Conflict', 'KeyReused', 'Invalid'] as const)
      : []),
    ...(op.errors ?? []),
  ];
  const byStatus = new Map<number, ErrorCode[]>();
  const add = (status: number, code: ErrorCode): void => {
    const known = byStatus.get(status) ?? [];
    if (!known.includes(code)) byStatus.set(status, [...known, code]);
  };
  for (const code of codes) add(surface.statuses[code] ?? errors[code].status, code);
  // A header or a body that cannot be read at all is 400 at every door.
  if (reads || (surface.tenantHeader && op.access !== 'public')) add(400, 'Invalid');
  return byStatus;
}

/** By status; one that may be a refusal and an answer of the operation's own is either. */
function responsesOf(refusals: readonly (readonly [number, Json])[], own: readonly [number, Json][]): Json {
  const byStatus = new Map<number, Json>(refusals);
  for (const [status, response] of own) {
    const refusal = byStatus.get(status);
    byStatus.set(status, refusal ? either(refusal, response) : response);
  }
  return Object.fromEntries([...byStatus].sort(([a], [b]) => a - b));
}

type Content = Record<string, { schema: Json }>;
function either(refusal: Json, own: Json): Json {
  const [refused, said] = [refusal['content'], own['content']] as [Content, Content | undefined];
  const both = Object.entries({ ...refused, ...said }).map(([media, { schema }]) => {
    const other = refused[media]?.schema;
    return [media, { schema: other && other !== schema ? { anyOf: [other, schema] } : schema }];
  });
  return { ...own, description: `${String(own['description'])}; ${String(refusal['description'])}`, content: Object.fromEntries(both) }; // prettier-ignore
}

const security: Record<Open | 'closed', (scope: string) => Json[]> = {
  public: () => [],
  login: () => [],
  session: () => [{ bearer: [] }, { cookie: [] }],
  metrics: () => [{ metricsToken: [] }],
  closed: (scope) => ['bearer', 'apiKey', 'serviceToken', 'cookie'].map((scheme) => ({ [scheme]: [scope] })),
};

function describe({ name, op }: Mounted, method: Method, path: string, alias: number): Json {
  const surface = surfaceOf(path);
  const error = { 'application/json': { schema: { $ref: `#/components/schemas/${surface.name}.Error` } } };
  const refusals = [...refusalsOf(op, method, surface)].map(
    ([status, codes]) => [status, { description: codes.join(', '), headers: requestId, content: error }] as const,
  );
  const parameters = [
    ...pathParameters(path, op.params),
    ...queryParameters(op.query),
    ...headersOf(op, method, surface),
  ];
  const body = bodyOf(op);
  return {
    operationId: alias ? `${name}_alias${alias}` : name,
    tags: [tagOf(surface.name, op.tag)],
    summary: op.summary,
    ...(alias && { 'x-alias-of': op.route }),
    ...(!isOpen(op) && op.access !== 'session' && { 'x-required-scope': op.access }),
    security: security[isOpen(op) || op.access === 'session' ? (op.access as Open) : 'closed'](op.access),
    ...(parameters.length && { parameters }),
    ...(body && { requestBody: body }),
    responses: responsesOf(refusals, successOf(op, surface)),
  };
}

const securitySchemes = {
  bearer: { type: 'http', scheme: 'bearer', description: 'An API key (acp_…) or a token of POST /auth/token' },
  apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
  serviceToken: { type: 'apiKey', in: 'header', name: 'X-Dashboard-Service-Token' },
  cookie: { type: 'apiKey', in: 'cookie', name: 'acp_token' },
  metricsToken: { type: 'apiKey', in: 'header', name: 'X-Metrics-Token' },
};

/** OpenAPI has no word for them: beside the paths, by path. */
const socketsOf = (sockets: readonly MountedSocket[]): Json =>
  Object.fromEntries(
    sockets.map(({ name, socket: { path, tag, summary, access, query, sends, ...more } }) => [
      path,
      {
        operationId: name,
        tags: [tagOf(surfaceOf(path).name, tag)],
        summary,
        'x-required-scope': access,
        security: security.closed(access),
        parameters: queryParameters(query),
        messages: schemaOf(sends, 'output'),
        ...('hears' in more && { hears: schemaOf(more.hears, 'input') }),
      },
    ]),
  );

/** The OpenAPI 3.1 document of everything that is declared, aliases included. */
export function openapiDocument(operations: readonly Mounted[], sockets: readonly MountedSocket[]): object {
  const paths: Record<string, Json> = {};
  const used = operations.map(({ op }) => ({ door: surfaceOf(pathOf(op)).name, tag: op.tag }));
  for (const mounted of operations) {
    const [method, path] = mounted.op.route.split(' ') as [Method, string];
    [path, ...(mounted.op.aliases ?? [])].forEach((p, alias) => {
      const item = (paths[template(p)] ??= {});
      item[method.toLowerCase()] = describe(mounted, method, p, alias);
    });
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Wheelhouse', version, description },
    servers: [{ url: '/' }],
    ...groupsOf(used),
    paths,
    'x-websockets': socketsOf(sockets),
    'x-mcp': {
      path: mcpPath,
      tools: [...tools.values()].map(({ name, op }) => ({ name, operation: op.route, 'x-required-scope': op.access })),
    },
    components: {
      schemas: Object.fromEntries(
        surfaces.map(({ name }) => [`${name}.Error`, schemaOf(errorSchemas[name], 'output')]),
      ),
      headers: {
        RequestId: { description: 'Echoed, or made: finds the request in logs and audit', schema: { type: 'string' } },
      },
      securitySchemes,
    },
  };
}
