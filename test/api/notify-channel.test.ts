import { startServer, type Server } from '../harness';

// Where groups hear of changes that wait for them, as it is configured.

let s: Server;
beforeAll(async () => void (s = await startServer({}, { worker: false })));
afterAll(() => s.close());

const groupNamed = async (name: string) =>
  (await s.call('GET', '/api/intake/raci')).body.groups.find((g: { name: string }) => g.name === name);

test.each([
  ['http://127.0.0.1:9/', /private/], ['http://localhost:9/hook', /private/], ['http://[::1]/', /private/], ['http://10.1.2.3/', /private/],
  ['http://169.254.169.254/latest', /metadata/], ['http://0.0.0.0/', /private/], ['ftp://example.com/', /https or http/],
  ['https://a:b@example.com/', /without a password/], ['mail dana', /https or http/], ['log', /https or http/],
])('%s is no channel, and the field is named', async (notify_channel, why) => {
  const made = (await s.call('POST', '/api/intake/raci/groups', { name: 'standing' })).body.id as number;
  for (const [method, path, body] of [
    ['POST', '/api/intake/raci/groups', { name: 'refused' }], ['PUT', `/api/intake/raci/groups/${made}`, {}],
    ['POST', '/api/approver-groups', { name: 'refused', members: [] }],
  ] as const) {
    const { status, body: answer } = await s.call(method, path, { ...body, notify_channel });
    expect([status, answer.field, answer.error]).toEqual([400, 'notify_channel', expect.stringMatching(why)]);
  }
  expect(await groupNamed('refused')).toBeUndefined();
  expect(await groupNamed('standing')).toMatchObject({ notify_channel: null });
}); // prettier-ignore

test('who gives the channel is shown the secret, once; another channel has another; nobody else sees it', async () => {
  const save = async (body: object) => (await s.call('POST', '/api/intake/raci/groups', { name: 'sre', ...body })).body;
  const first = await save({ notify_channel: 'https://example.com/one' });
  expect(first.signing_secret).toMatch(/^whsec_.{32}$/);
  expect(await save({ notify_channel: 'https://example.com/one' })).toEqual({ id: first.id, status: 'saved' });
  expect(await save({ description: 'who runs it' })).toEqual({ id: first.id, status: 'saved' });
  const put = await s.call('PUT', `/api/intake/raci/groups/${first.id}`, { notify_channel: 'https://example.com/two' });
  expect(put.body.signing_secret).not.toBe(first.signing_secret);
  const listed = await s.call('GET', '/api/intake/raci');
  expect(listed.text).not.toContain('whsec_');
  expect(await groupNamed('sre')).toMatchObject({
    notify_channel: 'https://example.com/two',
    description: 'who runs it',
  });
  expect((await s.call('PUT', `/api/intake/raci/groups/${first.id}`, { notify_channel: null })).body).toEqual({
    id: first.id,
    status: 'updated',
  });
  const { rows } = await s.owner.query('select secret_sealed from raci_groups where number = $1', [first.id]);
  expect(rows).toEqual([{ secret_sealed: null }]);
  const { rows: entries } = await s.owner.query(`select body from log where kind like 'raci_group.%'`);
  expect(JSON.stringify(entries)).not.toMatch(/whsec_|example\.com/);
});

test('where a group with members hears is said by who may say who they are', async () => {
  const member = await s.user('SECURITY_ANALYST');
  const group = { name: 'on call', members: [member.email], notify_channel: 'https://example.com/hook' };
  const { id, signing_secret } = (await s.call('POST', '/api/approver-groups', group)).body;
  expect(signing_secret).toMatch(/^whsec_/);
  const key = await s.call('POST', '/api-keys', {
    name: 'desk',
    role: 'ADMIN',
    scopes: ['intake:read', 'intake:write'],
  });
  const desk = s.as(key.body.data.api_key as string);
  const elsewhere = await desk('PUT', `/api/intake/raci/groups/${id}`, { notify_channel: 'https://example.org/mine' });
  expect([elsewhere.status, elsewhere.body.required_permission]).toEqual([403, 'approvers:write']);
  expect((await desk('PUT', `/api/intake/raci/groups/${id}`, { description: 'tonight' })).status).toBe(200);
  // The same channel once more changes nothing, and would show who may not change it what it is signed with.
  for (const [method, path, name] of [
    ['PUT', `/api/intake/raci/groups/${id}`, {}],
    ['POST', '/api/intake/raci/groups', { name: 'on call' }],
  ] as const) {
    const same = await desk(method, path, { ...name, notify_channel: group.notify_channel });
    expect([same.status, same.body.required_permission]).toEqual([403, 'approvers:write']);
    expect(same.text).not.toContain('whsec_');
  }
  const again = await s.call('POST', '/api/approver-groups', group);
  expect([again.status, again.text]).toEqual([200, expect.not.stringContaining('whsec_')]);
});

test('a repeat of the request that made the secret is shown it as well; the same words of another are not', async () => {
  const save = async (key: string) =>
    (
      await s.call(
        'POST',
        '/api/approver-groups',
        { name: 'lost answers', members: [], notify_channel: 'https://example.com/hook' },
        { 'idempotency-key': key },
      )
    ).body;
  const { signing_secret } = await save('first');
  expect(signing_secret).toMatch(/^whsec_.{32}$/);
  expect((await save('first')).signing_secret).toBe(signing_secret);
  expect(await save('second')).not.toHaveProperty('signing_secret');
});
