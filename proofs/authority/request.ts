import type { Operation } from '../../api/operation';
import type { Declared } from './declaration';
import { json, leastOf } from '../../api/example';
import type { Tenant } from './world';

export interface Answer {
  status: number;
  headers: Record<string, string>;
  text: string;
}
type Json = Record<string, unknown>;

/** Puts a value at `lease_request.resource_id` of a body; where that is a list, into the one part it has then. */
function put(body: Json, path: string, value: unknown, isList: (field: string) => boolean): void {
  const [key = '', ...rest] = path.split('.');
  if (!rest.length) return void (body[key] = value);
  const part = { system: 'x', resource_id: 'x', ...(body[key] as Json | undefined) };
  put(part, rest.join('.'), value, isList);
  body[key] = isList(key) ? [part] : part;
}

interface How {
  tenant: Pick<Tenant, 'ids'>;
  instead?: Json;
  inner?: string;
  /** What is to be different in the body when all else is in it. */
  changed?: Json;
}

/** What a call says: every id place filled from `tenant`, but those in `instead`; `inner` names another tenant where nothing asks for one. */
export function filled(op: Operation, entry: Declared, how: How) {
  const { tenant, instead = {}, inner } = how;
  const sends = !/^(GET|DELETE) /.test(op.route) && op.body !== undefined;
  const [path, query, headers]: [Json, Json, Record<string, string>] = [{}, {}, {}];
  const example = sends ? (leastOf(op.body as NonNullable<typeof op.body>) as Json | Json[]) : {};
  const rows = Array.isArray(example);
  const body: Json = { ...(rows ? example[0] : example) };
  const left = entry.either && (entry.either.place in instead ? entry.either.of : entry.either.place);
  for (const [place, { noun }] of Object.entries(entry.ids)) {
    if (place === left) {
      delete body[place.slice('body.'.length)];
      continue;
    }
    const [where, field = ''] = [place.slice(0, place.indexOf('.')), place.slice(place.indexOf('.') + 1)];
    const value = place in instead ? instead[place] : tenant.ids[noun];
    // Of one's own ids, an offset or a cursor would skip all there is and a header is not needed.
    if (!(place in instead) && (noun === 'offset' || noun === 'seq' || noun === 'cursor')) continue;
    if (where === 'path') path[field] = value;
    else if (where === 'query') query[field] = value;
    else if (where === 'header') headers[field] = String(value);
    else if (noun === 'receipt' || noun === 'root') Object.assign(body, value);
    else put(body, field, field.endsWith('_ids') ? [value] : value, (f) => isList(op, f));
  }
  if (inner !== undefined) {
    const says = { tenant_id: inner, tenantId: inner };
    Object.assign(sends ? body : query, says);
    for (const field of ['access_scope', 'metadata', 'approval_policy']) if (fits(op, field)) body[field] = says;
  }
  Object.assign(body, how.changed);
  return { path, query, headers, body: sends ? (rows ? [body] : body) : null };
}

/** One call, as it is filled. */
export async function request(
  url: string,
  op: Operation,
  entry: Declared,
  how: How & { token: string; headers?: Record<string, string> },
): Promise<Answer> {
  const says = filled(op, entry, how);
  const [method = '', template = ''] = op.route.split(' ');
  const path = template.replace(/[:*](\w+)/g, (whole, name: string) =>
    name in says.path ? encodeURIComponent(String(says.path[name])) : whole,
  );
  const headers: Record<string, string> = {
    ...(how.token && { authorization: `Bearer ${how.token}` }),
    ...how.headers,
    ...says.headers,
    ...(says.body !== null && { 'content-type': 'application/json' }),
  };
  const search = new URLSearchParams(
    Object.entries(says.query).map(([k, v]): [string, string] => [k, String(v)]),
  ).toString();
  const gone = new AbortController();
  const res = await fetch(`${url}${path}${search && `?${search}`}`, {
    method,
    headers,
    ...(says.body !== null && { body: JSON.stringify(says.body) }),
    signal: gone.signal,
  });
  const plain = Object.fromEntries([...res.headers].filter(([name]) => !mayDiffer.has(name)));
  if (!res.headers.get('content-type')?.startsWith('text/event-stream')) {
    return { status: res.status, headers: plain, text: await res.text() };
  }
  const first = await res.body?.getReader().read();
  gone.abort();
  return { status: res.status, headers: plain, text: new TextDecoder().decode(first?.value as Uint8Array | undefined) };
}

const isList = ({ body }: Operation, field: string): boolean => {
  const part = body && json(body).properties?.[field];
  return typeof part === 'object' && part.type === 'array';
};

const fits = (op: Operation, field: string): boolean =>
  Object.hasOwn((op.body as { shape?: object } | undefined)?.shape ?? {}, field);

/** What differs between two answers that say the same: times, the request's own id, and lengths of ids. */
const mayDiffer = new Set([
  'date', 'x-request-id', 'content-length', 'etag', 'ratelimit-remaining', 'ratelimit-reset', 'x-ratelimit-remaining',
  'x-ratelimit-reset', 'keep-alive', 'connection',
]); // prettier-ignore

/** The same words, ids aside. */
export const said = (a: Answer): string =>
  JSON.stringify([
    a.status,
    a.headers,
    a.text
      .replace(/"(request_id|timestamp|computed_at)":"[^"]*"/g, '"$1":""')
      .replace(/[0-9a-f]{8}-[0-9a-f-]{27}|(?<![0-9a-zA-Z])\d+\b|site-\w+|no-such-site/g, '#'),
  ]);
