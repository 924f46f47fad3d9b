import { startServer, type Server } from '../harness';
import { agentIs, waitingAgent } from './working';

let server: Server;
/** A ticket on which an agent has worked and finished, and its postmortem's number. */
let ticket: number;
let agent: number;
beforeAll(async () => {
  server = await startServer();
  ({ ticket, agent } = await waitingAgent(server));
  const { changes } = (await server.call('GET', `/api/changes?ticket_id=${ticket}`)).body;
  await server.call('POST', `/api/changes/${changes[0].id}/approve`, {});
  await agentIs(server, agent, 'finished');
});
afterAll(() => server.close());

const post = (path: string, body: unknown = {}, headers: Record<string, string> = {}) =>
  server.call('POST', path, body, headers);
const get = async (path: string) => (await server.call('GET', path)).body;
const create = async (body: Record<string, unknown> = {}): Promise<number> =>
  (await post('/api/postmortems', body)).body.id;
const entries = async (id: number) =>
  (
    await server.owner.query(
      'select l.* from log l join postmortems p on p.id::text = l.subject_id where p.number = $1 order by seq',
      [id],
    )
  ).rows;
const counts = async () => {
  const { rows } = await server.owner.query(
    `select (select count(*) from articles)::int as articles, (select count(*) from blueprints)::int as blueprints,
       (select count(*) from skills)::int as skills, (select count(*) from ticket_notes where source = 'postmortem')::int as notes`,
  );
  return rows[0] as { articles: number; blueprints: number; skills: number; notes: number };
};

test('the evidence is what the records hold, bounded as asked', async () => {
  const evidence = await get(`/api/postmortems/evidence/${ticket}`);
  expect(evidence.ticket).toMatchObject({ id: ticket, title: 'SSH logins fail' });
  for (const part of [
    'notes', 'attachments', 'change_requests', 'agent_tasks', 'cicd_runs', 'postmortems', 'workflows', 'knowledge_articles', 'audit',
    'evidence_terms', 'guidance',
  ]) expect(evidence).toHaveProperty(part); // prettier-ignore
  expect(evidence.attachments).toEqual([expect.objectContaining({ filename: 'ssh.log' })]);
  expect(evidence.agent_tasks[0]).toMatchObject({ agent_id: agent, status: 'finished', log_tail: '' });
  const bounded = await get(
    `/api/postmortems/evidence/${ticket}?max_notes=1&max_audit=2&max_attachments=0&task_log_lines=5`,
  );
  expect([bounded.notes.length, bounded.audit.length, bounded.attachments.length]).toEqual([1, 2, 0]);
  expect(bounded.agent_tasks[0].log_tail).not.toBe('');
  expect((await server.call('GET', '/api/postmortems/evidence/2147480000')).status).toBe(404);
});

test('synthesised once, from the evidence; who asks again is told which stands', async () => {
  const asked = { agent_id: agent, created_by: 'supervisor', reason: 'the model stalled' };
  const first = await post(`/api/postmortems/synthesize/${ticket}`, asked);
  expect([first.status, first.body]).toEqual([200, { status: 'ready_for_review', postmortem_id: expect.any(Number) }]);
  const id = first.body.postmortem_id as number;
  expect((await post(`/api/postmortems/synthesize/${ticket}`)).body).toEqual({ status: 'exists', postmortem_id: id });
  const found = await get(`/api/postmortems/${id}`);
  expect(found).toMatchObject({
    id, ticket_id: ticket, ticket_title: 'SSH logins fail', agent_id: agent, status: 'ready_for_review', created_by: 'supervisor', reviewed_by: null,
    promotion_assets: { knowledge_articles: [], skills: [], workflow_key: expect.stringMatching(/^userrequest:/), workflow: null },
  }); // prettier-ignore
  expect(found.summary).toContain(`[ticket ${ticket}]`);
  expect(found.documentation).toContain('the model stalled');
  expect((await entries(id)).map((e) => [e.kind, e.version])).toEqual([['postmortem.synthesised', 1]]);
});

test('asked for by several at once, one is made', async () => {
  const { body } = await server.call('POST', '/api/tickets', { title: 'Disk full', auto_assign: false });
  const answers = await Promise.all(Array.from({ length: 6 }, () => post(`/api/postmortems/synthesize/${body.id}`)));
  expect(new Set(answers.map((a) => a.body.postmortem_id)).size).toBe(1);
  expect(answers.map((a) => a.body.status).filter((status) => status === 'ready_for_review')).toHaveLength(1);
});

test('reviewed, promoted into an article, a draft workflow and skills; a repeat changes nothing and answers the same', async () => {
  const { postmortem_id: id } = (await post(`/api/postmortems/synthesize/${ticket}`)).body;
  const early = await post(`/api/postmortems/${id}/promote`);
  expect([early.status, early.body.status]).toEqual([409, 'ready_for_review']);

  const review = { approved: true, reviewed_by: 'somebody else', review_notes: 'well seen' };
  const reviewed = await post(`/api/postmortems/${id}/review`, review);
  expect([reviewed.status, reviewed.body]).toEqual([200, { id, status: 'approved' }]);
  const by = { reviewed_by: server.admin.email, review_notes: 'well seen' };
  expect(await get(`/api/postmortems/${id}`)).toMatchObject(by);

  const before = await counts();
  const logged = async () => (await server.owner.query('select count(*)::int as n from log')).rows[0].n as number;
  const written = await logged();
  const dry = await post(`/api/postmortems/${id}/promote`, { dry_run: true });
  expect(dry.body).toMatchObject({
    status: 'preview', knowledge_action: 'created', knowledge_article_id: null, workflow_action: 'created', workflow_id: null,
  }); // prettier-ignore
  expect(await counts()).toEqual(before);
  expect(await logged()).toBe(written);
  expect((await get(`/api/postmortems/${id}`)).status).toBe('approved');
  const first = await post(`/api/postmortems/${id}/promote`);
  expect([first.status, first.body]).toEqual([
    200,
    {
      status: 'promoted', postmortem_id: id, ticket_id: ticket, knowledge_article_id: expect.any(Number), knowledge_action: 'created',
      workflow_id: expect.any(Number), workflow_action: 'created', workflow_key: expect.stringMatching(/^userrequest:/),
      skill_ids: [expect.any(Number)], skill_actions: [{ id: first.body.skill_ids[0], name: expect.stringContaining(`postmortem-${id}-`), action: 'created' }],
    },
  ]); // prettier-ignore
  const after = await counts();
  // What was shown is what was done.
  const { knowledge_articles: [article], skills: [skill], workflow } = (await get(`/api/postmortems/${id}`)).promotion_assets; // prettier-ignore
  expect(dry.body.workflow_key).toBe(first.body.workflow_key);
  const { blueprint, description } = workflow;
  const created = { action: 'created', id: null, version: 1 };
  expect(dry.body.changes).toMatchObject([
    { asset: 'knowledge_article', ...created, name: article.title, adds: { body: article.body } },
    { asset: 'skill', ...created, name: skill.name, adds: { prompt_template: skill.prompt_template } },
    { asset: 'workflow', ...created, name: workflow.name, adds: { blueprint, description } },
    { asset: 'postmortem', action: 'updated', id, name: 'promoted' },
  ]);
  const idle = (await post(`/api/postmortems/${id}/promote`, { dry_run: true })).body;
  const { knowledge_action, workflow_action } = idle;
  expect([idle.knowledge_article_id, idle.skill_ids]).toEqual([article.id, [skill.id]]);
  expect([knowledge_action, workflow_action, ...idle.changes.map((c: { action: string }) => c.action)]).toEqual(
    Array(6).fill('unchanged'),
  );
  expect(after).toEqual(Object.fromEntries(Object.entries(before).map(([what, n]) => [what, n + 1])));
  const repeats = await Promise.all([post(`/api/postmortems/${id}/promote`), post(`/api/postmortems/${id}/promote`)]);
  for (const again of repeats) expect([again.status, again.body]).toEqual([200, first.body]);
  const key = { 'idempotency-key': `promote-${id}` };
  expect((await post(`/api/postmortems/${id}/promote`, {}, key)).body).toEqual(first.body);
  await server.owner.query('delete from idempotency_keys'); // the answer was lost: its workflow has ended
  expect((await post(`/api/postmortems/${id}/promote`, {}, key)).body).toEqual(first.body);
  expect(await counts()).toEqual(after);

  const { promotion_assets: assets, status } = await get(`/api/postmortems/${id}`);
  expect(status).toBe('promoted');
  expect(assets).toMatchObject({
    knowledge_articles: [{ id: first.body.knowledge_article_id, body: expect.stringContaining('Postmortem Knowledge') }], // prettier-ignore
    skills: [{ id: first.body.skill_ids[0], category: 'postmortem', enabled: true, assigned_to_all: false }],
    workflow_key: first.body.workflow_key,
    workflow: { id: first.body.workflow_id, status: 'draft', version: 1, workflow_key: first.body.workflow_key },
  });
  expect(await get(`/api/workflows/${first.body.workflow_id}`)).toMatchObject({
    ...assets.workflow, approval_policy: { workflow_key: first.body.workflow_key }, runs: [],
  }); // prettier-ignore
  expect(await get(`/api/knowledge/${first.body.knowledge_article_id}`)).toMatchObject(assets.knowledge_articles[0]);
  expect(await get(`/api/skills/${first.body.skill_ids[0]}`)).toMatchObject(assets.skills[0]);
  const kinds = (await entries(id)).map((e) => e.kind);
  expect(kinds).toEqual(['postmortem.synthesised', 'postmortem.reviewed', 'postmortem.promoted']);
  const { notes } = await get(`/api/tickets/${ticket}/context`);
  expect(notes.some((n: { body: string }) => n.body.startsWith(`Postmortem ${id} promoted`))).toBe(true);

  for (const answer of [
    await post(`/api/postmortems/${id}/review`, { approved: false }),
    await server.call('PUT', `/api/postmortems/${id}`, { summary: 'other' }),
  ]) {
    expect([answer.status, answer.body.status]).toEqual([409, 'promoted']);
  }
});

test('parts that are not asked for are not made', async () => {
  const workflow_proposal = 'Workflow key: incident:only-an-article';
  const id = await create({ ticket_id: ticket, summary: 'only an article', workflow_proposal });
  await post(`/api/postmortems/${id}/review`, { approved: true });
  const alone = { create_workflow: false, create_skills: 'false', mark_promoted: false };
  expect((await post(`/api/postmortems/${id}/promote`, alone)).body).toMatchObject({
    workflow_id: null, workflow_action: 'skipped', skill_ids: [], knowledge_action: 'created', workflow_key: 'incident:only-an-article',
  }); // prettier-ignore
  expect((await get(`/api/postmortems/${id}`)).status).toBe('approved');
});

test('written by hand, whatever form an agent gives its text', async () => {
  const id = await create({
    ticket_id: ticket, agent_id: agent, created_by: 'agent_26', summary: 'It went on', went_well: ['fast', { who: 'dana' }],
    documentation: { steps: 'two' }, skill_proposals: 'look first', test_cases: [{ name: 'a' }], guardrails: { never: 'delete' },
  }); // prettier-ignore
  expect(await get(`/api/postmortems/${id}`)).toMatchObject({
    status: 'draft', agent_id: agent, created_by: 'agent_26', went_well: '- fast\n- who: dana', documentation: 'steps: two',
    skill_proposals: ['look first'], test_cases: [{ name: 'a' }], guardrails: [{ never: 'delete' }], improvements: '',
  }); // prettier-ignore
  expect((await entries(id))[0]).toMatchObject({
    kind: 'postmortem.created', actor: { kind: 'user' }, body: { label: 'agent_26' },
  }); // prettier-ignore
  expect((await post('/api/postmortems', { ticket_id: 2147480000 })).status).toBe(404);
  expect((await post('/api/postmortems', { ticket_id: ticket, agent_id: 2147480000 })).status).toBe(404);
  for (const body of [{ status: 'approved' }, { ticket_id: 'x' }, { summary: 7 }]) {
    const answer = await post('/api/postmortems', body);
    expect([answer.status, answer.body.error]).toEqual([400, expect.stringContaining(Object.keys(body)[0] ?? '')]);
  }
});

test('a repeat with the same Idempotency-Key makes no second one, the answer lost or not', async () => {
  const headers = { 'idempotency-key': 'once' };
  const first = await post('/api/postmortems', { summary: 'once' }, headers);
  await server.owner.query('delete from idempotency_keys');
  expect((await post('/api/postmortems', { summary: 'once' }, headers)).body).toEqual(first.body);
  expect((await entries(first.body.id)).length).toBe(1);
});

test('a change of what was approved has to be approved again', async () => {
  const id = await create({ summary: 'first', status: 'ready_for_review' });
  await post(`/api/postmortems/${id}/review`, { approved: false, review_notes: 'say more' });
  expect((await get(`/api/postmortems/${id}`)).status).toBe('needs_revision');
  const put = (body: unknown) => server.call('PUT', `/api/postmortems/${id}`, body);
  expect((await put({ summary: 'second', status: 'ready_for_review' })).body).toEqual({ status: 'updated', id });
  await post(`/api/postmortems/${id}/review`, { approved: true });
  await put({ review_notes: 'a typo of mine' });
  expect((await get(`/api/postmortems/${id}`)).status).toBe('approved');
  await put({ guardrails: ['new'] });
  expect((await get(`/api/postmortems/${id}`)).status).toBe('ready_for_review');
  expect((await post(`/api/postmortems/${id}/promote`)).status).toBe(409);
  const log = await entries(id);
  expect(log.map((e) => e.version)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(log.at(-1)).toMatchObject({
    kind: 'postmortem.updated', body: { changed: ['guardrails'], from: 'approved', status: 'ready_for_review' },
  }); // prettier-ignore
});

test('of two who review at once, both are written down in order, or one is told to look again', async () => {
  const id = await create({ status: 'ready_for_review' });
  const answers = await Promise.all(
    [true, false, true, false].map((approved) => post(`/api/postmortems/${id}/review`, { approved })),
  );
  const done = answers.filter((a) => a.status === 200);
  expect(answers.every((a) => a.status === 200 || a.status === 409)).toBe(true);
  const log = await entries(id);
  expect(log.map((e) => e.version)).toEqual(Array.from({ length: done.length + 1 }, (_, i) => i + 1));
  expect((await get(`/api/postmortems/${id}`)).status).toBe(log.at(-1)?.body.status);
});

test('a promotion while the worker is away waits for it, and happens once', async () => {
  const id = await create({ summary: 'later', status: 'ready_for_review' });
  await post(`/api/postmortems/${id}/review`, { approved: true });
  await server.stopWorker();
  const asked = post(`/api/postmortems/${id}/promote`, {}, { 'idempotency-key': 'later' });
  await server.startWorker();
  expect((await asked).body).toMatchObject({ status: 'promoted', postmortem_id: id });
  expect((await entries(id)).filter((e) => e.kind === 'postmortem.promoted')).toHaveLength(1);
});
