import { operations } from '../../api/registry';
import { startServer, type Server } from '../harness';

let s: Server;
beforeAll(async () => {
  s = await startServer({}, { worker: false });
});
afterAll(() => s.close());

interface Declared {
  method: string;
  path: string;
  params: (typeof operations)[number]['op']['params'];
}
const declared: Declared[] = operations.flatMap(({ op }) => {
  const [method = '', path = ''] = op.route.split(' ');
  return [path, ...(op.aliases ?? [])].map((p) => ({ method, path: p, params: op.params }));
});
/** What a path's parameters are in a URL; null: it is another path. */
function read(path: string, url: string): Record<string, string | string[]> | null {
  const [parts, given] = [path.split('/'), url.split('/')];
  if (parts.length !== given.length) return null;
  const params: Record<string, string | string[]> = {};
  for (const [i, part] of parts.entries()) {
    const value = given[i] ?? '';
    if (part.startsWith(':')) params[part.slice(1)] = value;
    else if (part.startsWith('*')) params[part.slice(1)] = [value];
    else if (part !== value) return null;
  }
  return params;
}
/** The methods that a URL has: of those that are declared for it, the ones whose parameters it can be. */
const allowed = (url: string): string[] => {
  const has = declared.flatMap(({ method, path, params }) => {
    const given = read(path, url);
    return given && (params?.safeParse(given).success ?? true) ? [method] : [];
  });
  return [...new Set([...has, ...(has.includes('GET') ? ['HEAD'] : [])])].sort();
};
const values = [
  '1',
  '01890000-0000-7000-8000-0000000000ff',
  'name',
  'a'.repeat(64),
  'swagger-ui.css',
  'local',
  'oidc',
  `oc_${'A'.repeat(43)}`,
  '2026-01-01',
];
/** A URL of the path that something could be at. */
const filled = (path: string): string => {
  const urls = values.map((value) => path.replace(/[:*]\w+/g, value));
  // Ids of the orchestration door say what they are of.
  urls.push(path.replace(/:(\w+)_id/g, '$1_1'));
  const found = urls.find((url) => allowed(url).length);
  if (found === undefined) throw new Error(`none of the values of this test can be in ${path}`);
  return found;
};

test('a path answers a method that it does not have with 405, and names those that it has', async () => {
  const paths = new Set(declared.map(({ path }) => path));
  expect(paths.size).toBeGreaterThan(50);
  for (const path of paths) {
    const url = filled(path);
    const has = allowed(url);
    const other = ['DELETE', 'PUT', 'PATCH', 'POST', 'GET'].find((method) => !has.includes(method)) ?? '';
    const { status, headers, body } = await s.call(other, url);
    expect([other, url, status, headers.get('allow')]).toEqual([other, url, 405, has.join(', ')]);
    expect(JSON.stringify(body)).toContain(`${url} has no ${other}`);
  }
});

test('no method is named that answers 404 whatever is there: one of a neighbour whose parameter the last word cannot be', async () => {
  // Where a literal path and a parameter's meet: the methods of the parameter's that the literal one has not.
  const meeting = declared.filter(({ path, method, params }) =>
    declared.some((literal) => {
      const given = read(path, literal.path);
      if (path === literal.path || !given || /[:*]/.test(literal.path)) return false;
      return literal.method !== method && params !== undefined && !params.safeParse(given).success;
    }),
  );
  expect(meeting.length).toBeGreaterThan(0);
  for (const { method, path } of meeting) {
    for (const literal of new Set(
      declared.map((d) => d.path).filter((p) => p !== path && !/[:*]/.test(p) && read(path, p)),
    )) {
      if (declared.some((d) => d.path === literal && d.method === method)) continue;
      const { headers } = await s.call('OPTIONS', literal);
      expect([literal, headers.get('allow')?.split(', ').includes(method)]).toEqual([literal, false]);
    }
  }
});

test('OPTIONS tells the methods, and a path that nothing has is 404 for any', async () => {
  const told = await s.call('OPTIONS', '/api/tickets');
  expect([told.status, told.headers.get('allow')]).toEqual([204, 'GET, HEAD, POST']);
  for (const method of ['GET', 'DELETE', 'OPTIONS']) {
    const { status, headers } = await s.call(method, '/nothing/here');
    expect([method, status, headers.get('allow')]).toEqual([method, 404, null]);
  }
});
