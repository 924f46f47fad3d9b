import { randomUUID } from 'node:crypto';
import { newApiKey } from '../../log/credentials';
import { startServer, until, type Answer, type Server } from '../harness';

let s: Server;
let ticket: number;
type Person = Awaited<ReturnType<Server['user']>>;
let ann: Person, bob: Person, cat: Person, dan: Person, reader: Person;

beforeAll(async () => {
  s = await startServer();
  const people: Person[] = [];
  for (const role of ['ADMIN', 'SECURITY_ANALYST', 'SECURITY_ANALYST', 'ADMIN']) people.push(await s.user(role));
  [ann, bob, cat, dan] = people as [Person, Person, Person, Person];
  reader = await s.user('READ_ONLY');
  ticket = (await s.call('POST', '/api/tickets', { title: 'web-1 is slow', auto_assign: false })).body.id as number;
  await group('sre', [ann.email, bob.email, reader.email]);
  await group('security', [cat.id]);
});
afterAll(() => s.close());

const ok = (a: Answer) => {
  if (a.status !== 200) throw new Error(`${a.status} ${a.text}`);
  return a.body;
};
const group = async (name: string, members: string[]) =>
  ok(await s.call('POST', '/api/approver-groups', { name, members }));
const request = (approval_policy: object, by: Server['call'] | null = null, more: object = {}) =>
  (by ?? s.call.bind(s))('POST', '/api/changes/request', {
    ticket_id: ticket,
    action: 'restart',
    target: 'web-1',
    approval_policy,
    ...more,
  });
const vote = (who: Person, id: number, verdict: 'approve' | 'reject' = 'approve', headers = {}) =>
  s.as(who.token)('POST', `/api/changes/${id}/${verdict}`, { reason: `says ${who.email}` }, headers);
const approvalOf = async (id: number) => ok(await s.call('GET', `/api/changes/${id}/status`)).approval;

test('a quorum of groups decides, the status says who can and what is missing, and each vote is told', async () => {
  const { change_id: id } = ok(await request({ quorum: '2 of sre and 1 of security and not requester' }));
  expect(await approvalOf(id)).toEqual({
    scope: 'changes:approve',
    except: [s.admin.email],
    quorum: '2 of sre and 1 of security and not requester',
    // Who may only read could not decide, and is not asked.
    can_decide: [ann, bob, cat]
      .map(({ id, email }) => ({ id, name: email, groups: [email === cat.email ? 'security' : 'sre'] }))
      .sort((a, b) => a.groups[0]!.localeCompare(b.groups[0]!) * -1 || a.name.localeCompare(b.name)),
    missing: [
      { need: '2 of sre', have: 0, from: [ann.email, bob.email].sort() },
      { need: '1 of security', have: 0, from: [cat.email] },
    ],
    votes: [],
    reminded_at: [],
    escalation: null,
    told: [],
  });
  expect(ok(await vote(ann, id))).toMatchObject({
    status: 'pending',
    missing: [
      { need: '2 of sre', have: 1, from: [bob.email] },
      { need: '1 of security', have: 0, from: [cat.email] },
    ],
    resume: { status: 'not_applicable' },
  });
  expect(ok(await vote(ann, id))).toMatchObject({ status: 'pending', already_voted: true });
  expect(await vote(ann, id, 'reject')).toMatchObject({ status: 409 });
  const stranger = await vote(dan, id);
  expect(stranger).toMatchObject({ status: 403, body: { reason: 'not_an_approver' } });
  expect(await request({}, s.as(dan.token))).toMatchObject({ status: 200 });
  expect(ok(await vote(cat, id))).toMatchObject({ status: 'pending' });
  expect(ok(await vote(bob, id))).toEqual({ status: 'approved', change_id: id, resume: expect.anything() });
  expect(await approvalOf(id)).toMatchObject({ can_decide: [], missing: [] });
  const { votes } = await approvalOf(id);
  expect(votes.map((v: { by: string; verdict: string; groups: string[] }) => [v.by, v.verdict, v.groups])).toEqual([
    [ann.email, 'approve', ['sre']],
    [cat.email, 'approve', ['security']],
    [bob.email, 'approve', ['sre']],
  ]);
  const { notes } = ok(await s.call('GET', `/api/tickets/${ticket}/context`));
  const told = notes.map((n: { body: string }) => n.body).filter((b: string) => b.startsWith(`Change ${id} `));
  expect(told).toHaveLength(5);
  expect(told[1]).toContain(`vote to approve by ${ann.email}: says ${ann.email}. Needed: 2 of sre (1 so far; ${bob.email} can)`);
}); // prettier-ignore

test('who asked has no vote, in whatever group, and not through an agent where the quorum says so', async () => {
  await group('both', [ann.email, bob.email]);
  const { change_id: id } = ok(await request({ quorum: '1 of both' }, s.as(ann.token)));
  expect((await approvalOf(id)).can_decide.map((p: { name: string }) => p.name)).toEqual([bob.email]);
  expect(await vote(ann, id)).toMatchObject({ status: 403, body: { reason: 'self_approval' } });
  expect(ok(await vote(bob, id))).toMatchObject({ status: 'approved' });
  const impossible = await request({ quorum: '2 of both' }, s.as(ann.token));
  expect(impossible.status).toBe(400);
  expect(impossible.body.error).toContain(`"2 of both" can never come about: 2 of both (${bob.email} may)`);
});

test('who was in the group when it was asked for decides, whoever is in it by then', async () => {
  await group('turning', [ann.email]);
  const { change_id: id } = ok(await request({ quorum: 'any of turning' }));
  await group('turning', [bob.email]);
  expect(await vote(bob, id)).toMatchObject({ status: 403 });
  expect(ok(await vote(ann, id))).toMatchObject({ status: 'approved' });
  const later = ok(await request({ quorum: 'any of turning' })).change_id;
  expect((await approvalOf(later)).can_decide.map((p: { name: string }) => p.name)).toEqual([bob.email]);
});

test('a named person, and anybody who may, can be asked', async () => {
  const { change_id: named } = ok(await request({ quorum: `${dan.email} or 2 of approvers` }));
  expect(ok(await vote(dan, named))).toMatchObject({ status: 'approved' });
  const { change_id: two } = ok(await request({ quorum: '2 of approvers' }));
  expect(ok(await vote(ann, two))).toMatchObject({ status: 'pending' });
  expect(ok(await vote(cat, two))).toMatchObject({ status: 'approved' });
});

test.each([
  ['2 of nobody', 'at character 6: there is no group or person "nobody"', 'approval_policy.quorum'],
  ['2 sre', 'at character 3: expected "of", found "sre"', 'approval_policy.quorum'],
])('the quorum %j is refused, and nothing is asked for', async (quorum, message, field) => {
  const before = ok(await s.call('GET', '/api/changes/stats')).pending;
  const a = await request({ quorum });
  expect(a.status).toBe(400);
  expect(a.body.error).toContain(message);
  expect(JSON.stringify(a.body)).toContain(field);
  expect(ok(await s.call('GET', '/api/changes/stats')).pending).toBe(before);
});

test.each([
  ['quorum', { quorum: '2 of nobody' }],
  ['escalate.to', { quorum: '1 of sre', escalate: { after_seconds: 9, to: '2 sre' } }],
])('a rule whose %s is wrong names that field as its body has it, and is not kept', async (field, policy) => {
  const refused = await s.call('POST', '/api/approval-rules', { name: 'wrong', action: 'drop_*', ...policy });
  expect([refused.status, refused.body.field]).toEqual([400, field]);
  expect(refused.body.error).toMatch(new RegExp(`^${field.replace('.', '[.]')}: at character `));
  expect(ok(await s.call('GET', '/api/approval-rules')).total).toBe(0);
});

test('reminders and escalations are of a quorum, and come over HTTP as they are asked for', async () => {
  expect(await request({ remind: { after_seconds: 1 } })).toMatchObject({ status: 400 });
  const policy = {
    quorum: 'all of sre',
    remind: { after_seconds: 1 },
    escalate: { after_seconds: 2, to: '1 of security' },
  };
  const { change_id: id } = ok(await request(policy));
  expect(await approvalOf(id)).toMatchObject({ escalation: { to: '1 of security', escalated: false } });
  expect(await vote(cat, id)).toMatchObject({ status: 403 });
  const approval = await until(async () => {
    const now = await approvalOf(id);
    return now.escalation.escalated && now;
  }, 'the escalation');
  expect(approval.reminded_at).toHaveLength(1);
  expect(approval.can_decide).toHaveLength(3);
  expect(ok(await vote(cat, id))).toMatchObject({ status: 'approved' });
});

test('a rule of the tenant holds for whoever asks, beside what they say themselves, and for its agents', async () => {
  const saved = await s.call('POST', '/api/approval-rules', {
    name: 'databases', action: 'drop_*', risk_levels: ['high'], quorum: '1 of security',
  }); // prettier-ignore
  expect(saved).toMatchObject({ status: 200, body: { name: 'databases', status: 'saved' } });
  const drop = { action: 'drop_table', target: 'payments', risk_level: 'high' };
  const { change_id: plain } = ok(await request({}, null, drop));
  expect(await approvalOf(plain)).toMatchObject({ quorum: '1 of security' });
  expect(await vote(ann, plain)).toMatchObject({ status: 403 });
  for (const action of ['DROP_TABLE', 'Drop_Table']) {
    const { change_id: shouted } = ok(await request({}, null, { ...drop, action }));
    expect(await approvalOf(shouted)).toMatchObject({ quorum: '1 of security' });
  }
  const { change_id: both } = ok(await request({ quorum: '1 of sre' }, null, drop));
  expect(await approvalOf(both)).toMatchObject({ quorum: '(1 of security) and (1 of sre)' });
  expect(ok(await vote(cat, both))).toMatchObject({ status: 'pending' });
  expect(ok(await vote(bob, both))).toMatchObject({ status: 'approved' });
  expect(await approvalOf(ok(await request({}, null, { ...drop, risk_level: 'low' })).change_id)).toMatchObject({ quorum: null });
  const escalating = { quorum: '1 of sre', escalate: { after_seconds: 9, to: '1 of sre' } };
  expect(await request(escalating, null, drop)).toMatchObject({ status: 409 });

  // An access request's gate is opened by its workflow.
  ok(await s.call('POST', '/api/approval-rules', { name: 'access', action: 'grant_access', quorum: '1 of security' }));
  const access = ok(await s.call('POST', `/api/tickets/${ticket}/access-request`, { resource: 'Wazuh API', permission: 'read' }));
  expect(await approvalOf(access.change_id)).toMatchObject({ quorum: '1 of security' });
  expect(await vote(bob, access.change_id)).toMatchObject({ status: 403 });
  expect(ok(await vote(cat, access.change_id))).toMatchObject({ status: 'approved' });

  const { rules } = ok(await s.call('GET', '/api/approval-rules'));
  expect(rules.map((r: { name: string }) => r.name)).toEqual(['access', 'databases']);
  for (const { id } of rules) expect(await s.call('DELETE', `/api/approval-rules/${id}`)).toMatchObject({ status: 200 });
  expect(await approvalOf(ok(await request({}, null, drop)).change_id)).toMatchObject({ quorum: null });
}); // prettier-ignore

test('a vote whose answer was lost is found again with its key', async () => {
  const { change_id: id } = ok(await request({ quorum: '1 of sre' }));
  const key = { 'idempotency-key': randomUUID() };
  const first = await vote(ann, id, 'approve', key);
  // As when the API died before it kept its answer.
  await s.owner.query('delete from idempotency_keys where key = $1', [key['idempotency-key']]);
  const again = await vote(ann, id, 'approve', key);
  expect([first.body.status, again.body.status, again.status]).toEqual(['approved', 'approved', 200]);
  expect((await approvalOf(id)).votes).toHaveLength(1);
});

test('a group with members is taken out of use, and put back, by who may say who is in it', async () => {
  const { key, hash, prefix } = newApiKey();
  await s.owner.query(
    `insert into api_keys (id, tenant_id, name, key_hash, key_prefix, role, scopes)
     values ($1, $2, 'intake', $3, $4, 'service', '{intake:read,intake:write}')`,
    [randomUUID(), s.tenantId, hash, prefix],
  );
  const intake = s.as(key);
  const { id } = await group('guarded', [ann.email]);
  const path = `/api/intake/raci/groups/${id}`;
  const refused = { status: 403, body: { required_permission: 'approvers:write' } };
  expect(await intake('DELETE', path)).toMatchObject(refused);
  expect(await intake('PUT', path, { enabled: false })).toMatchObject(refused);
  expect(await intake('PUT', path, { description: 'Guards', enabled: true })).toMatchObject({ status: 200 });
  ok(await s.call('DELETE', path));
  expect(await intake('PUT', path, { enabled: true })).toMatchObject(refused);
  expect(await intake('POST', '/api/intake/raci/groups', { name: 'Guarded' })).toMatchObject(refused);
  ok(await s.call('PUT', path, { enabled: true }));
  const empty = ok(await intake('POST', '/api/intake/raci/groups', { name: 'Empty' })).id as number;
  expect(await intake('DELETE', `/api/intake/raci/groups/${empty}`)).toMatchObject({ status: 200 });
});

test('groups know whom they can have; who may not manage them cannot', async () => {
  expect(await s.call('POST', '/api/approver-groups', { name: 'x', members: ['nobody@local.test'] })).toMatchObject({
    status: 400,
  });
  expect(await s.as(bob.token)('POST', '/api/approver-groups', { name: 'x', members: [bob.id] })).toMatchObject({ status: 403 }); // prettier-ignore
  const { id } = await group('gone', [ann.email]);
  ok(await s.call('DELETE', `/api/approver-groups/${id}`));
  expect(await request({ quorum: '1 of gone' })).toMatchObject({ status: 400 });
  const { groups } = ok(await s.as(reader.token)('GET', '/api/approver-groups'));
  expect(groups.map((g: { name: string }) => g.name)).not.toContain('gone');
  expect(groups.find((g: { name: string }) => g.name === 'security').members).toEqual([
    { id: cat.id, name: cat.email, kind: 'user', active: true },
  ]);
});
