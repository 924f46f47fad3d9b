import { startServer, type Server } from '../harness';

let server: Server;
beforeAll(async () => {
  server = await startServer({}, { worker: false });
});
afterAll(() => server.close());

const call = (method: string, path: string, body?: unknown) => server.call(method, `/api/workflows${path}`, body);
const write = async (body: Record<string, unknown>) =>
  (await call('POST', '', { blueprint: '1. Look.', ...body })).body;
const get = async (id: number) => (await call('GET', `/${id}`)).body;
const versions = async (id: number): Promise<number[]> => {
  const { rows } = await server.owner.query<{ version: number }>(
    'select v.version from blueprint_versions v join blueprints b on b.id = v.blueprint_id where b.number = $1 order by 1',
    [id],
  );
  return rows.map((r) => r.version);
};

test('a key means one living workflow: written again it gets its next version, and never becomes active by that', async () => {
  const first = await write({ name: 'Phishing response', ticket_class: 'Incident', status: 'active' });
  expect(first).toMatchObject({
    status: 'saved',
    action: 'created',
    workflow_key: 'incident:phishing',
    version: 1,
    workflow_status: 'ready_for_review',
  });
  const again = await write({
    name: 'Other label',
    approval_policy: { workflow_key: 'Incident:Phishing', quorum: 2 },
    blueprint: { steps: ['Look', 'Act'] },
  });
  expect(again).toMatchObject({ id: first.id, action: 'updated', version: 2, workflow_status: 'ready_for_review' });
  expect(await get(first.id)).toMatchObject({
    name: 'Other label', blueprint: 'steps: - Look\n- Act',
    approval_policy: { workflow_key: 'incident:phishing', quorum: 2, requires_human_review_before_activation: true },
  }); // prettier-ignore
  expect(await versions(first.id)).toEqual([1, 2]);
});

test('reviewed into use, changed, found to miss its review, reviewed again', async () => {
  const { id } = await write({ workflow_key: 'a:use' });
  expect((await call('POST', `/${id}/review`, { approved: true, review_notes: 'good' })).body).toEqual({
    id,
    status: 'active',
    superseded_workflow_ids: [],
  });
  expect(await get(id)).toMatchObject({
    status: 'active',
    review_state: 'active_approved',
    version: 1,
    review_notes: 'good',
  });
  expect(await write({ workflow_key: 'a:use', status: 'draft', blueprint: '2. Act.' })).toMatchObject({
    id,
    workflow_status: 'active',
    version: 2,
  });
  expect(await get(id)).toMatchObject({ review_state: 'active_missing_review', reviewed_by: null });
  const unreviewed = await call('POST', `/${id}/runs`, {});
  expect([unreviewed.status, unreviewed.body.detail.message]).toEqual([409, expect.stringContaining('reviewed again')]);
  const stale = await call('POST', `/${id}/review`, { approved: true, version: 1 });
  expect([stale.status, stale.body.field]).toEqual([409, 'version']);
  await call('POST', `/${id}/review`, { approved: true, version: 2 });
  expect(await get(id)).toMatchObject({ review_state: 'active_approved', version: 2 });
  expect((await call('POST', `/${id}/review`, { approved: false, review_notes: 'no' })).body.status).toBe(
    'needs_revision',
  );
  expect((await call('PUT', `/${id}`, { description: { why: 'so' } })).body.workflow_status).toBe('needs_revision');
  expect((await call('PUT', `/${id}`, { blueprint: '3. Ask.' })).body.workflow_status).toBe('ready_for_review');
});

test('one under the key of the active one takes its place when it is activated; one is active, whoever asks at once', async () => {
  const old = await write({ workflow_key: 'b:place' });
  await call('POST', `/${old.id}/review`, { approved: true });
  const others = [await write({ workflow_key: 'b:first' }), await write({ workflow_key: 'b:second' })];
  for (const o of others)
    expect((await call('PUT', `/${o.id}`, { workflow_key: 'b:place' })).body).toMatchObject({
      workflow_key: 'b:place',
      version: 2,
    });
  const answers = await Promise.all(others.map((o) => call('POST', `/${o.id}/review`, { approved: true })));
  const superseded = answers.flatMap((a) => a.body.superseded_workflow_ids as number[]);
  expect(answers.map((a) => a.status).every((s) => s === 200 || s === 409)).toBe(true);
  const states = await Promise.all([old, ...others].map(async (o) => (await get(o.id)).status as string));
  expect(states.filter((s) => s === 'active')).toHaveLength(1);
  expect(states[0]).toBe('superseded');
  expect(superseded).toContain(old.id);
  for (const [method, path, body] of [
    ['PUT', '', {}],
    ['POST', '/review', { approved: true }],
  ] as const)
    expect((await call(method, `/${old.id}${path}`, body)).status).toBe(409);
  expect((await write({ workflow_key: 'b:place' })).id).toBe([old, ...others][states.indexOf('active')]?.id);
});

test('another key takes an active one out of use until it is reviewed', async () => {
  const { id } = await write({ workflow_key: 'c:one' });
  await call('POST', `/${id}/review`, { approved: true });
  expect((await call('PUT', `/${id}`, { approval_policy: { workflow_key: 'c:two' } })).body).toMatchObject({
    workflow_key: 'c:two', workflow_status: 'ready_for_review', version: 2,
  }); // prettier-ignore
  expect((await write({ workflow_key: 'c:one' })).action).toBe('created');
});

test('tests decide whether it is tested, and are told as text', async () => {
  const { id } = await write({ workflow_key: 'd:tests', test_plan: ['finds the source'] });
  const report = (passed: boolean) =>
    call('PUT', `/${id}`, { test_results: [{ name: 'finds the source', passed, note: 'on 2 logs' }] });
  expect((await report(false)).body.workflow_status).toBe('needs_revision');
  expect((await report(true)).body.workflow_status).toBe('tested');
  expect(await get(id)).toMatchObject({
    review_state: 'tested_needs_approval',
    test_results: '- passed: finds the source (on 2 logs)',
  });
  expect((await call('PUT', `/${id}`, { blueprint: 'Otherwise.' })).body.workflow_status).toBe('ready_for_review');
  const untested = await call('PUT', `/${id}`, { status: 'tested', test_results: [{ name: 'x', passed: false }] });
  expect([untested.status, untested.body.field]).toEqual([400, 'status']);
});

test('its skills have to be there; the log says what was done', async () => {
  const skill = (await server.call('POST', '/api/skills', { name: 's', prompt_template: 'x' })).body.id as number;
  const { id } = await write({ workflow_key: 'e:skills', skill_ids: [skill] });
  await server.call('DELETE', `/api/skills/${skill}`);
  expect((await call('PUT', `/${id}`, { skill_ids: [skill], name: 'kept' })).status).toBe(200);
  expect((await call('PUT', `/${id}`, { skill_ids: [skill, 2147480000] })).status).toBe(404);
  const { rows } = await server.owner.query<{ kind: string }>(
    `select kind from log where subject_kind = 'blueprint' and (body ->> 'workflow_id')::int = $1 order by seq`, [id]); // prettier-ignore
  expect(rows.map((r) => r.kind)).toEqual(['blueprint.created', 'blueprint.updated']);
});
