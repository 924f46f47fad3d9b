import type { z } from 'zod';
import { insertKey } from '../log/provision';
import { hashKey } from '../log/credentials';
import { scopes } from '../domain/scopes';
import { operations } from '../api/registry';
import { isRaw } from '../api/operation';
import { surfaceOf } from '../api/surfaces';
import { leastOf } from '../api/example';
import { illTyped } from '../proofs/authority/examples';
import { startServer, type Answer, type Server } from './harness';
import { fixtures, type Fixtures } from './contract/fixtures';
import { exceptions } from './contract/exceptions';

let s: Server;
let here: Fixtures;
let stranger: string;

beforeAll(async () => {
  s = await startServer();
  here = await fixtures(s);
  stranger = (await s.tenant('agent_only')).token;
});
afterAll(() => s.close());

const split = (route: string) => ({
  method: route.slice(0, route.indexOf(' ')),
  path: route.slice(route.indexOf(' ') + 1),
});
const isOpen = (access: string): boolean => access === 'public' || access === 'login' || access === 'metrics';
const all = operations.map(({ name, op }) => ({
  name,
  op,
  ...split(op.route),
  surface: surfaceOf(split(op.route).path),
}));
const closed = all.filter(({ op }) => !isOpen(op.access));
const excused = (name: string, check: string): boolean =>
  exceptions.some((e) => e.operation === name && e.check === check);
const without = (check: string) => (o: { name: string }) => !excused(o.name, check);

/** The path with ids that are there, or with ids of the right form that are not. */
function fill(path: string, ids: Record<string, string>): string {
  return path.replace(/[:*](\w+)/g, (_m, key: string) => encodeURIComponent(ids[key] ?? here.missing(path, key)));
}
const bodyOf = (body: z.ZodType | undefined): unknown => (body ? leastOf(body) : undefined);
const sends = (method: string): boolean => method !== 'GET' && method !== 'DELETE';
/** What may differ between two answers that say the same. */
const sameness = (a: Answer): unknown =>
  JSON.parse(
    JSON.stringify(a.body ?? a.text)
      .replace(/"(request_id|timestamp)":"[^"]*"/g, '"$1":""')
      .replace(/[0-9a-f]{8}-[0-9a-f-]{27}|(?<![0-9a-zA-Z])\d+\b/g, '#'),
  );
const statusOfInvalid = (o: (typeof all)[number]): number => o.surface.statuses.Invalid ?? 400;

test('the exceptions are about operations and checks that exist', () => {
  const checks = new Set(['no credential', 'missing scope', 'foreign id', 'unknown id', 'ill-typed', 'transport']);
  for (const e of exceptions) {
    expect(all.map((o) => o.name)).toContain(e.operation);
    expect(checks).toContain(e.check);
    expect(e.reason.length).toBeGreaterThan(20);
  }
});

test.each(closed.filter(without('no credential')))(
  '$name: no credential, or a wrong one, is 401',
  async ({ method, path, op }) => {
    for (const token of ['', 'acp_wrong', `acp_${'A'.repeat(43)}`, 'eyJhbGciOiJub25lIn0.e30.']) {
      const a = await s.as(token)(method, fill(path, {}), sends(method) ? bodyOf(op.body) : undefined, {
        'x-tenant-id': s.tenantId,
      });
      expect([a.status, token]).toEqual([401, token]);
    }
  },
);

test.each(closed.filter(without('missing scope')))(
  '$name: every scope but the one it needs is 403',
  async ({ method, path, op }) => {
    const token = await insertKey(s.owner, { tenantId: s.tenantId, name: 'narrow', role: 'ADMIN', userId: null });
    await s.owner.query('update api_keys set scopes = $2 where key_hash = $1', [
      hashKey(token),
      scopes.filter((x) => x !== op.access),
    ]);
    const a = await s.as(token)(method, fill(path, {}), sends(method) ? bodyOf(op.body) : undefined);
    expect(a.status).toBe(403);
    expect(a.text).toContain(op.access);
  },
);

const withIds = closed.filter(({ path }) => /[:*]\w+/.test(path));
test.each(withIds.filter(without('unknown id')))(
  '$name: an unknown id is 404, and one of the wrong form too',
  async ({ method, path, op }) => {
    const body = sends(method) ? bodyOf(op.body) : undefined;
    expect((await s.call(method, fill(path, {}), body)).status).toBe(404);
    expect((await s.call(method, path.replace(/[:*]\w+/g, 'no%20such%20id'), body)).status).toBe(404);
  },
);

test.each(withIds.filter(without('foreign id')))(
  "$name: another tenant's id answers like a missing one",
  async ({ name, method, path, op }) => {
    const body = sends(method) ? bodyOf(op.body) : undefined;
    const foreign = await s.as(stranger)(method, fill(path, here.ids(path)), body);
    const missing = await s.as(stranger)(method, fill(path, {}), body);
    expect([name, foreign.status]).toEqual([name, 404]);
    expect(sameness(foreign)).toEqual(sameness(missing));
  },
);

test.each(all.filter(({ op }) => op.body ?? op.query).filter(without('ill-typed')))(
  '$name: ill-typed input names its field',
  async (o) => {
    const { method, path, op } = o;
    const target = fill(path, here.ids(path));
    for (const { field, input } of op.body && sends(method) ? illTyped(op.body) : []) {
      const a = await s.call(method, target, input);
      expect([field, a.status]).toEqual([field, statusOfInvalid(o)]);
      expect(a.text).toContain(field);
    }
    for (const { field, input } of op.query ? illTyped(op.query, ['not-one-of-these', '-7', '']) : []) {
      const query = new URLSearchParams({ [field]: String(input[field]) });
      const a = await s.call(method, `${target}?${query.toString()}`);
      expect([field, a.status]).toEqual([field, statusOfInvalid(o)]);
      expect(a.text).toContain(field);
    }
  },
);

test.each(all.filter(({ method, op }) => sends(method) && op.body).filter(without('transport')))(
  '$name: malformed JSON 400, wrong type 415, too large 413',
  async ({ method, path, op }) => {
    const target = fill(path, here.ids(path));
    expect((await s.call(method, target, '{"a":')).status).toBe(400);
    expect((await s.call(method, target, 'a=b', { 'content-type': 'text/plain' })).status).toBe(415);
    expect((await s.call(method, target, { pad: 'x'.repeat(s.config.maxBodyBytes) })).status).toBe(413);
    const nul = await s.call(method, target, {
      ...(bodyOf(op.body) as object),
      title: 'a\u0000b',
      reason: 'a\u0000b',
      body: 'a\u0000b',
      name: 'a\u0000b',
    });
    expect(nul.status).toBeLessThan(500);
  },
);

test.each(all.filter(({ op }) => !isRaw(op.output)))(
  '$name: an answer is JSON with the id of its request, and never a 5xx',
  async ({ method, path, op }) => {
    const a = await s.call(method, fill(path, {}), sends(method) ? bodyOf(op.body) : undefined, {
      'x-request-id': 'my-request-1',
      'x-metrics-token': s.config.metricsToken ?? '',
    });
    expect(a.status).toBeLessThan(500);
    expect(a.headers.get('x-request-id')).toBe('my-request-1');
    expect(a.headers.get('content-type')).toContain('application/json');
  },
);
