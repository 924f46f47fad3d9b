import type { toolWorld, World } from './world';

/** Calls of runs, through the pipeline. */
export function calls(world: ReturnType<typeof toolWorld>): void {
  let s: World['s'];
  let stub: World['stub'];
  let desk: World['desk'];
  beforeAll(() => void ({ s, stub, desk } = world));
  const { mine, grant, check, detail, run, settled, steps, codes, changeOf } = world;

  test('a call that nobody said is harmless waits for people; the run goes on', async () => {
    const agent = await run({ tool: 'desk.lookup' });
    expect(agent.status).toBe('finished');
    const [step] = await steps(agent);
    expect([step.decision, codes(step), step.result]).toEqual(['escalate', ['approval_required'], null]);
    expect(stub.calls()).toEqual([]);
  });

  test('one that people say only reads is carried out, recorded, and has its receipt; what it answered has no secrets', async () => {
    expect((await s.call('PUT', `/api/tools/${desk}`, { tools: { lookup: { effect: 'read' } } })).status).toBe(200);
    stub.does({ call: 'secret' });
    const [step] = await steps(await run({ tool: 'desk.lookup' }));
    expect([step.decision, codes(step)]).toEqual(['allow', ['granted', 'secret_removed']]);
    expect(step.result).toEqual({
      content: [{ type: 'text', text: '[password removed]' }],
      structured_content: { owner: 'ann' },
    });
    const { rows } = await s.owner.query('select kind, tool from log where id = $1', [step.id]);
    expect(rows).toEqual([{ kind: 'execution.allow', tool: 'desk.lookup' }]);
    expect((await s.call('GET', `/receipts/${step.id}`)).status).toBe(200);
  });

  test.each([
    ['dies', { call: 'die' as const }, 'BadGateway'],
    ['says no', { call: 'refuse' as const }, 'BadGateway'],
    ['lies', { call: 'lie' as const }, 'BadGateway'],
    ['answers too much', { call: 'much' as const }, 'BadGateway'],
  ])('a server that %s fails the call, not the run', async (_how, wrong, code) => {
    stub.does(wrong);
    const agent = await run({ tool: 'desk.lookup' });
    const [step] = await steps(agent);
    expect([agent.status, step.decision, codes(step)]).toEqual(['finished', 'error', [code]]);
  });

  test('arguments that its schema refuses, a tool that is not granted, and one that is not there are denied', async () => {
    const calls = stub.calls().length;
    const decided = async (prompt: object) => {
      const [step] = await steps(await run(prompt));
      return [step.decision, ...codes(step)];
    };
    expect(await decided({ tool: 'desk.lookup', args: { host: '', port: 1 } })).toEqual(['deny', expect.any(String)]);
    expect(await decided({ tool: 'desk.nothing' })).toEqual(['deny', 'unknown_tool']);
    await grant('desk.lookup');
    expect(await decided({ tool: 'desk.restart' })).toEqual(['deny', 'tool_not_granted']);
    await grant('desk.lookup', 'desk.restart', 'shelf.lookup');
    expect(stub.calls()).toHaveLength(calls);
  });

  test('who asks over HTTP gets the same: carried out here, 502 where it fails, and once after its approval', async () => {
    const { rows } = await s.owner.query<{ id: string }>(
      `select id from agents where name = 'analyst' and tenant_id = $1`,
      [s.tenantId],
    );
    const execute = (tool: string, headers: Record<string, string> = {}) =>
      s.call('POST', '/execute', { tool, payload: { host: 'web-1' } }, { 'x-agent-id': rows[0]?.id ?? '', ...headers });
    const found = await execute('desk.lookup');
    expect([found.status, found.body.data.action]).toEqual([200, 'allow']);
    expect(found.body.data.result).toMatchObject({ structured_content: { owner: 'ann' } });
    stub.does({ call: 'die' });
    const broken = await execute('desk.lookup');
    expect([broken.status, broken.body.meta.code, broken.body.data.action]).toEqual([502, 'tool_failed', 'error']);
    stub.does({});
    const before = stub.calls().length;
    const asked = await execute('desk.restart');
    expect([asked.status, asked.body.error]).toEqual([403, 'approval_required']);
    expect((await s.call('POST', `/api/changes/${asked.body.data.change_id}/approve`, {})).status).toBe(200);
    const by = { 'x-aegis-approval-id': asked.body.data.approval_id as string };
    expect((await execute('desk.restart', by)).status).toBe(200);
    expect((await execute('desk.restart', by)).body.error).toBe('approval_required');
    expect(stub.calls().slice(before)).toEqual(['restart']);
    // What a server of the tenant does not serve is nobody's own tool, whatever is granted; a name of no server is.
    const reason = async (tool: string) => (await execute(tool)).body.reason;
    expect([await reason('desk.nothing'), await reason('bench.lookup')]).toEqual(['unknown_tool', 'tool_not_granted']);
    await s.call('PUT', `/api/tools/${desk}`, { enabled: false });
    expect(await reason('desk.lookup')).toBe('unknown_tool');
    await s.call('PUT', `/api/tools/${desk}`, { enabled: true });
    expect((await execute('desk.lookup')).status).toBe(200);
  });

  test('an approved call is carried out once, as it was approved', async () => {
    const agent = await run({ tool: 'desk.restart', propose: true });
    expect(agent.status).toBe('pending_approval');
    const calls = stub.calls().length;
    expect(
      (await s.call('POST', `/api/changes/${await changeOf(agent.ticket)}/approve`, { approved_by: 'ann' })).status,
    ).toBe(200);
    expect((await settled(agent.id, mine, ['pending_approval', 'running', 'working'])).status).toBe('finished');
    expect((await steps(agent)).map((e) => e.decision)).toEqual(['escalate', 'allow']);
    expect(stub.calls().slice(calls)).toEqual(['restart']);
    expect(stub.seen().findLast((a) => a.tool)?.meta).toEqual({
      'wheelhouse/idempotency-key': expect.any(String),
      'wheelhouse/attempt': 1,
    });
  });

  test.each([
    ['as nobody has noticed', false, 'Conflict'],
    ['as was noticed meanwhile', true, 'approval_void'],
  ])('an approval of a tool that became another, %s, is for nothing', async (_when, noticed, code) => {
    await check();
    const agent = await run({ tool: 'desk.restart', propose: true });
    const calls = stub.calls().length;
    stub.does({ tools: 'changed' });
    if (noticed) await check();
    await s.call('POST', `/api/changes/${await changeOf(agent.ticket)}/approve`, { approved_by: 'ann' });
    await settled(agent.id, mine, ['pending_approval', 'running', 'working']);
    const last = (await steps(agent)).at(-1);
    expect([last.decision === 'allow', codes(last)]).toEqual([false, [code]]);
    const uses = await s.owner.query('select from gate_uses u join runs r on r.id = u.owner_id where r.number = $1', [
      agent.id,
    ]);
    expect(uses.rowCount).toBe(0);
    expect(stub.calls()).toHaveLength(calls);
    const { rows } = await s.owner.query(
      `select body -> 'changed' as changed from log where kind = 'tool_server.tools_changed' order by seq desc limit 1`,
    );
    expect(rows[0].changed).toEqual(['restart']);
    stub.does({});
    await check();
  });

  test('what was said of a tool does not hold for what it becomes', async () => {
    await s.call('PUT', `/api/tools/${desk}`, { tools: { lookup: { effect: 'read' }, restart: { effect: 'read' } } });
    const effects = async () => (await detail()).tools.map((t: any) => [t.name, t.effect]);
    expect(await effects()).toEqual([['desk.lookup', 'read'], ['desk.restart', 'read']]); // prettier-ignore
    stub.does({ tools: 'changed' });
    await check();
    expect(await effects()).toEqual([['desk.lookup', 'read'], ['desk.restart', 'external']]); // prettier-ignore
    stub.does({});
    await check();
  });
}
