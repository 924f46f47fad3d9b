import { until, type Server } from '../../harness';
import { lives } from '../../until';
import { secret, type toolWorld, type World } from './world';

/** Whose a server is, how it is configured, and what becomes of it. */
export function servers(world: ReturnType<typeof toolWorld>): void {
  let s: World['s'];
  let stub: World['stub'];
  let other: World['other'];
  let desk: World['desk'];
  beforeAll(() => void ({ s, stub, other, desk } = world));
  const { mine, analyst, grant, check, detail, run, settled, steps, codes, changeOf } = world;

  test('a server over stdio is a command that the operator allows this tenant, and no other', async () => {
    const add = (body: object, call = mine) => call('POST', '/api/tools', body);
    const refused = await add({ name: 'shell', command: '/bin/sh' });
    expect([refused.status, refused.body.error]).toEqual([
      400,
      expect.stringContaining('must be one that the operator allows: shelf, gone'),
    ]);
    const theirs = await add({ name: 'shelf', command: 'shelf' }, s.as(other.token));
    expect([theirs.status, theirs.body.error]).toEqual([400, expect.stringContaining('allows: gone')]);
    const { id } = (await add({ name: 'shelf', command: 'shelf', trust_annotations: true })).body;
    expect(await check(id)).toMatchObject({ status: 'healthy' });
    expect((await detail(id)).tools.map((t: any) => t.effect)).toEqual(['read', 'external']);
    const pids = stub.pids().slice(-2);
    await until(() => Promise.resolve(!pids.some(lives)), 'what was begun for a look to end');
    const [step] = await steps(await run({ tool: 'shelf.lookup' }));
    expect([step.decision, step.result.structured_content]).toEqual(['allow', { owner: 'ann' }]);
    expect(stub.pids().slice(-2).every(lives)).toBe(true); // kept for the next call
    const missing = (await add({ name: 'missing', command: 'gone' })).body.id;
    expect(await check(missing)).toMatchObject({ status: 'down', error: expect.stringContaining('ENOENT') });
  });

  test('a tenant sees and calls its own servers alone', async () => {
    const theirs = s.as(other.token);
    expect((await theirs('GET', '/api/tools')).body.tools.map((t: any) => t.type)).not.toContain('mcp');
    for (const [method, path] of [['GET', ''], ['GET', '/history'], ['POST', '/check'], ['PUT', ''], ['DELETE', '']] as const)
    expect([method, path, (await theirs(method, `/api/tools/${desk}${path}`, method === 'PUT' ? {} : undefined)).status]).toEqual([method, path, 404]); // prettier-ignore
    const id = await analyst(theirs);
    await theirs('PATCH', `/api/v1/agent-ops/registry/${id}`, { capabilities: ['desk.lookup'] });
    const [step] = await steps(await run({ tool: 'desk.lookup' }, theirs));
    expect([step.decision, codes(step)]).toEqual(['deny', ['unknown_tool']]);
    const own = await theirs('POST', '/api/tools', { name: 'desk', url: stub.url });
    expect(own.status).toBe(200);
  });

  test('who may do what: to read, to look, to configure', async () => {
    const as = async (role: string) => s.as((await s.user(role)).token);
    const [reader, developer] = [await as('READ_ONLY'), await as('DEVELOPER')];
    const tried = async (call: Server['call']) => [
      (await call('GET', '/api/tools')).status,
      (await call('POST', `/api/tools/${desk}/check`)).status,
      (await call('PUT', `/api/tools/${desk}`, {})).status,
    ];
    expect(await tried(reader)).toEqual([200, 403, 403]);
    expect(await tried(developer)).toEqual([200, 200, 403]);
  });

  test('what is wrong with a server that is to be added is said, field by field', async () => {
    const wrong = async (body: object) => {
      const { status, body: said } = await s.call('POST', '/api/tools', body);
      return [status, said.error.split(':')[0]];
    };
    expect(await wrong({ name: 'x', url: 'ftp://a/' })).toEqual([400, 'url']);
    expect(await wrong({ name: 'x', url: 'http://me:pass@a/' })).toEqual([400, 'url']);
    expect(await wrong({ name: 'x' })).toEqual([400, 'url']);
    expect(await wrong({ name: 'X Y', url: 'http://a/' })).toEqual([400, 'name']);
    expect(await wrong({ name: 'logs', url: 'http://a/' })).toEqual([400, 'name']);
    expect(await wrong({ name: 'x', url: 'http://a/', headers: { host: 'b' } })).toEqual([
      400,
      expect.stringContaining('headers'),
    ]);
    expect(await wrong({ name: 'x', url: 'http://a/', headers: { a: 'b\r\nc: d' } })).toEqual([
      400,
      expect.stringContaining('headers'),
    ]);
    expect(await wrong({ name: 'x', url: 'http://a/', leases: [{ resource_type: 'project' }] })).toEqual([
      400,
      'leases.0.system',
    ]);
    expect(await wrong({ name: 'desk', url: 'http://a/' })).toEqual([409, 'name']);
    const part = (await s.call('GET', '/api/tools')).body.tools.find((t: any) => t.name === 'postgres').id;
    expect((await s.call('PUT', `/api/tools/${part}`, {})).status).toBe(409);
    expect((await s.call('DELETE', `/api/tools/${part}`)).status).toBe(409);
  });

  test('one that moves to another address is another: it gets no secrets, and what was approved is void', async () => {
    const made = (
      await s.call('POST', '/api/tools', { name: 'moving', url: stub.url, headers: { authorization: secret } })
    ).body.id;
    await check(made);
    await grant('moving.restart', 'desk.lookup');
    const agent = await run({ tool: 'moving.restart', propose: true });
    await s.call('PUT', `/api/tools/${made}`, { url: `${stub.url}?elsewhere` });
    expect(await detail(made)).toMatchObject({ status: 'unknown', tools: [], server: { has_secrets: false } });
    await check(made);
    // The old address may hear a late goodbye, with what was for it.
    const there = stub.seen().filter(({ url }) => url?.endsWith('?elsewhere'));
    expect(new Set(there.map(({ authorization }) => authorization))).toEqual(new Set([null]));
    await s.call('POST', `/api/changes/${await changeOf(agent.ticket)}/approve`, { approved_by: 'ann' });
    await settled(agent.id, mine, ['pending_approval', 'running', 'working']);
    expect(codes((await steps(agent)).at(-1))).toEqual(['approval_void']);
  });

  test('one that is switched off or deleted is called by nobody', async () => {
    await s.call('PUT', `/api/tools/${desk}`, { enabled: false });
    expect((await s.call('POST', `/api/tools/${desk}/check`)).status).toBe(409);
    expect(codes((await steps(await run({ tool: 'desk.lookup' })))[0])).toEqual(['unknown_tool']);
    expect((await s.call('DELETE', `/api/tools/${desk}`)).body).toEqual({ id: desk, name: 'desk', status: 'deleted' });
    expect((await s.call('GET', `/api/tools/${desk}`)).status).toBe(404);
    expect((await s.call('GET', '/audit/logs/verify')).body.data.valid).toBe(true);
  });
}
