import { system } from '../../domain/principal';
import { createLogger } from '../../log/logger';
import { openKernel } from '../../log/open';
import { startServer, until, type Answer, type Server } from '../harness';

let s: Server;
beforeAll(async () => void (s = await startServer({ AUTO_ASSIGNMENT_MAX_ACTIVE_PER_RULE: '1' })));
afterAll(() => s.close());

const ok = (a: Answer) => {
  if (a.status !== 200) throw new Error(`${a.status} ${a.text}`);
  return a.body;
};
const ticket = async (of: object, headers = {}) =>
  ok(await s.call('POST', '/api/tickets', { title: 'A mail', ...of }, headers));
const rule = async (of: object) => ok(await s.call('POST', '/api/intake/raci/rules', of)).id as number;
const skipped = (reason: string) => ({ status: 'skipped', reason, rule_id: null, score: null, agent_id: null });

test('a new tenant has the usual matrix: one of its rules sets agents to work, and people turn it off', async () => {
  const { groups, rules } = ok(await s.call('GET', '/api/intake/raci'));
  expect(groups.map((g: { name: string }) => g.name)).toEqual(
    expect.arrayContaining(['Security Operations', 'Identity & Access', 'Change Advisory Board', 'Executive Support']),
  );
  expect(rules.filter((r: { auto_assign_agent: boolean }) => r.auto_assign_agent)).toMatchObject([
    { name: 'Phishing report', intent: 'phishing', ticket_class: 'Incident', priority: 'P2', assignment_group: 'Security Operations', approval_required: true },
  ]);
  const names = new Set(groups.map((g: { name: string }) => g.name));
  for (const r of rules) expect([r.name, names.has(r.assignment_group)]).toEqual([r.name, true]);
  const made = await ticket({ title: 'A phishing mail', ticket_class: 'Incident' });
  const { id } = rules.find((r: { name: string }) => r.name === 'Phishing report');
  expect(made.auto_assignment).toMatchObject({ status: 'assigned', rule_id: id });
  // As a person would have set it to work: with the profile of the ticket's scope.
  expect(ok(await s.call('GET', `/api/agents/${made.agent_id}`))).toMatchObject({
    harness: 'embedded', runtime_profile_id: 'embedded', runtime_config: { timeout_minutes: 60 },
  });
  ok(await s.call('POST', `/api/agents/${made.agent_id}/stop`, { reason: 'enough' }));
  ok(await s.call('DELETE', `/api/intake/raci/rules/${id}`));
}); // prettier-ignore

test('an agent is set to work where an enabled rule with the flag matches, and only there', async () => {
  expect((await ticket({ title: 'phishing' })).auto_assignment).toEqual(skipped('no_enabled_policy'));
  const manual = await rule({ name: 'Manual', keywords: ['phishing'], assignment_group: 'Security Operations' });
  expect((await ticket({ title: 'phishing' })).auto_assignment).toEqual(skipped('no_enabled_policy'));
  const id = await rule({
    name: 'Phishing of ours', keywords: ['phishing', 'suspicious link'], ticket_class: 'Incident', assignment_group: 'Security Operations',
    auto_assign_agent: true, auto_agent_prompt: 'Look at the sender first.',
  }); // prettier-ignore
  expect(id).not.toBe(manual);
  expect((await ticket({ title: 'Printer is away' })).auto_assignment).toEqual(skipped('no_matching_policy'));
  expect((await ticket({ title: 'phishing', auto_assign: false })).auto_assignment).toEqual(skipped('not_requested'));
  expect((await ticket({ title: 'phishing', status: 'closed' })).auto_assignment).toEqual(skipped('ticket_closed'));

  const key = { 'idempotency-key': 'auto-1' };
  const of = { title: 'A suspicious link', ticket_class: 'Incident' };
  const made = await ticket(of, key);
  expect(made).toMatchObject({ auto_assignment: { status: 'assigned', rule_id: id, score: 5, reason: 'rule Phishing of ours' } });
  expect(made.auto_assignment.agent_id).toBe(made.agent_id);
  const context = ok(await s.call('GET', `/api/tickets/${made.id}/context`));
  expect(context.notes.map((n: { source: string }) => n.source)).toContain('auto-assignment');
  expect(context.tasks[0].prompt).toContain('Look at the sender first.');
  // As when the answer was lost with its process: the same ticket, and the same agent.
  await s.owner.query('delete from idempotency_keys where key = $1', [key['idempotency-key']]);
  expect((await ticket(of, key)).auto_assignment).toMatchObject({ status: 'assigned', agent_id: made.agent_id });

  // The rule has as many at work as it may.
  expect((await ticket({ title: 'more phishing' })).auto_assignment).toEqual(skipped('auto_assignment_capacity_reached'));
  ok(await s.call('POST', `/api/agents/${made.agent_id}/stop`, { reason: 'enough' }));
  await until(async () => ['stopped', 'finished'].includes(ok(await s.call('GET', `/api/agents/${made.agent_id}`)).status), 'its end');
  const next = await ticket({ title: 'more phishing' });
  expect(next.auto_assignment).toMatchObject({ status: 'assigned', rule_id: id });
  ok(await s.call('POST', `/api/agents/${next.agent_id}/stop`, { reason: 'enough' }));
}); // prettier-ignore

test('of two tickets at once one takes the last place', async () => {
  await rule({ name: 'VPN', keywords: ['vpn'], auto_assign_agent: true });
  const both = await Promise.all([ticket({ title: 'vpn is away' }), ticket({ title: 'vpn is slow' })]);
  expect(both.map((t) => t.auto_assignment.status).sort()).toEqual(['assigned', 'skipped']);
});

test('a ticket that a discovery found gets its agent from the log, and one that nobody asked that for does not', async () => {
  await rule({ name: 'Mailbox', keywords: ['mailbox'], auto_assign_agent: true });
  const plain = await ticket({ title: 'My mailbox is full', auto_assign: false });
  const found = await ticket({ title: 'Their mailbox is full', auto_assign: false });
  const { store, pool } = await openKernel(s.config, createLogger('silent', 'test'));
  const { rows } = await s.owner.query<{ id: string }>('select id from tickets where number = $1', [found.id]);
  const id = rows[0]?.id ?? '';
  // As the discovery writes it.
  await store.write(s.tenantId, (tx) => {
    tx.log({
      kind: 'ticket.created',
      actor: system,
      subject: { kind: 'ticket', id },
      ticketId: id,
      body: { auto_assign: true },
    });
    return Promise.resolve();
  });
  await pool.end();
  const agentOf = async (number: number) => ok(await s.call('GET', `/api/tickets/${number}`)).agent_id as number | null;
  const agent = await until(() => agentOf(found.id), 'its agent', 60_000);
  expect(agent).toEqual(expect.any(Number));
  expect(await agentOf(plain.id)).toBeNull();
});

test('the matrix is shown, changed by name and number, and taken out of use', async () => {
  const group = ok(await s.call('POST', '/api/intake/raci/groups', { name: 'Network', default_assignee: 'lee' })).id;
  expect(ok(await s.call('POST', '/api/intake/raci/groups', { name: 'network', description: 'Cables' })).id).toBe(
    group,
  );
  ok(await s.call('PUT', `/api/intake/raci/groups/${group}`, { risk_level: 'high' }));
  const id = await rule({ name: 'Cables', keywords: ['cable'], assignment_group: 'Network', priority: 'P2' });
  ok(await s.call('PUT', `/api/intake/raci/rules/${id}`, { intent: 'outage', keywords: ['cable', 'switch port'] }));
  const shown = ok(await s.call('GET', '/api/intake/raci'));
  expect(shown.groups).toContainEqual({
    id: group, name: 'Network', description: 'Cables', default_assignee: 'lee', risk_level: 'high', notify_channel: null,
    enabled: true,
  }); // prettier-ignore
  expect(shown.rules.find((r: { id: number }) => r.id === id)).toMatchObject({
    name: 'Cables', intent: 'outage', keywords: ['cable', 'switch port'], responsible: 'Network', auto_assign_agent: false, priority: 'P2',
  }); // prettier-ignore
  expect(await s.call('PUT', `/api/intake/raci/rules/${id}`, { name: 'VPN' })).toMatchObject({ status: 409 });
  // A quorum goes by the name of a group.
  ok(await s.call('POST', '/api/approver-groups', { name: 'Network', members: [s.admin.email] }));
  expect(await s.call('PUT', `/api/intake/raci/groups/${group}`, { name: 'Cabling' })).toMatchObject({ status: 409 });
  ok(await s.call('DELETE', `/api/intake/raci/rules/${id}`));
  ok(await s.call('DELETE', `/api/intake/raci/groups/${group}`));
  const left = ok(await s.call('GET', '/api/intake/raci'));
  expect([...left.groups, ...left.rules].map((r: { name: string }) => r.name)).not.toEqual(
    expect.arrayContaining(['Cables']),
  );
});
