import { operations } from '../../api/registry';
import { startServer, type Server } from '../harness';

let s: Server;
beforeAll(async () => {
  s = await startServer({}, { worker: false });
});
afterAll(() => s.close());

/** Every path as it is declared, with the methods that it has. */
const methods = new Map<string, string[]>();
for (const { op } of operations) {
  const [method = '', path = ''] = op.route.split(' ');
  for (const p of [path, ...(op.aliases ?? [])]) methods.set(p, [...(methods.get(p) ?? []), method]);
}
const segments = (path: string): string[] => path.split('/');
/** Whether what fills the one is read as the other as well. */
const covers = (pattern: string, path: string): boolean =>
  segments(pattern).length === segments(path).length &&
  segments(pattern).every((part, i) => /^[:*]/.test(part) || part === segments(path)[i]);
const allowed = (path: string): string[] => {
  const has = [...methods].filter(([pattern]) => covers(pattern, path)).flatMap(([, m]) => m);
  return [...new Set([...has, ...(has.includes('GET') ? ['HEAD'] : [])])].sort();
};

test('a path answers a method that it does not have with 405, and names those that it has', async () => {
  expect(methods.size).toBeGreaterThan(50);
  for (const path of methods.keys()) {
    const has = allowed(path);
    const other = ['DELETE', 'PUT', 'PATCH', 'POST', 'GET'].find((method) => !has.includes(method)) ?? '';
    const url = path.replace(/[:*]\w+/g, '1');
    const { status, headers, body } = await s.call(other, url);
    expect([other, path, status, headers.get('allow')]).toEqual([other, path, 405, has.join(', ')]);
    expect(JSON.stringify(body)).toContain(`${url} has no ${other}`);
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
