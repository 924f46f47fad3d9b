import { workflowKey } from '../../domain/workflow-key';
import { startServer, type Server } from '../harness';
import { waitingAgent } from './working';

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const call = (method: string, path: string, body?: unknown) => server.call(method, `/api/skills${path}`, body);
const make = async (name: string, more: Record<string, unknown> = {}): Promise<number> =>
  (await call('POST', '', { name, prompt_template: 'Read {log}.', ...more })).body.id;

test('is created with declared parameters, rendered, changed, deleted; its name is free again', async () => {
  const id = await make('read a log', { parameters: [{ name: 'log', required: true, description: 'which' }] });
  expect((await call('POST', `/${id}/render`, { log: 'auth.log' })).body).toEqual({
    name: 'read a log',
    rendered: 'Read auth.log.',
    version: 1,
  });
  const refused = await call('POST', `/${id}/render`, {});
  expect([refused.status, refused.body.field]).toEqual([400, 'log']);
  const misplaced = await call('PUT', `/${id}`, { prompt_template: 'Read.' });
  expect([misplaced.status, misplaced.body.field]).toEqual([400, 'parameters']);
  const again = await call('POST', '', { name: 'read a log', prompt_template: 'x' });
  expect([again.status, again.body.field]).toEqual([409, 'name']);
  expect((await call('DELETE', `/${id}`)).body).toEqual({ status: 'deleted', id });
  for (const [method, path] of [
    ['GET', `/${id}`],
    ['DELETE', `/${id}`],
    ['PUT', `/${id}`],
    ['POST', `/${id}/render`],
  ] as const)
    expect((await call(method, path, method === 'GET' || method === 'DELETE' ? undefined : {})).status).toBe(404);
  expect(await make('read a log')).toBeGreaterThan(id);
  const { rows } = await server.owner.query<{ kind: string }>(
    `select kind from log where subject_kind = 'skill' and (body ->> 'skill_id')::int = $1 order by seq`, [id]); // prettier-ignore
  expect(rows.map((r) => r.kind)).toEqual(['skill.created', 'skill.deleted']);
});

test('a candidate stands beside what is in use until it is taken into use; an earlier version comes back', async () => {
  const id = await make('count', { prompt_template: 'Count.' });
  expect((await call('PUT', `/${id}`, { prompt_template: 'Count {what}.', candidate: true })).body).toEqual({
    status: 'updated', id, version: 1, candidate_version: 2,
  }); // prettier-ignore
  expect((await call('POST', `/${id}/render`, { what: 'failures' })).body.rendered).toBe('Count.');
  expect((await call('POST', `/${id}/render?version=2`, { what: 'failures' })).body.rendered).toBe('Count failures.');
  expect((await call('POST', `/${id}/render?version=9`, {})).status).toBe(404);
  expect((await call('PUT', `/${id}`, { activate_version: 2 })).body).toMatchObject({
    version: 2,
    candidate_version: null,
  });
  expect((await call('POST', `/${id}/render`, { what: 'failures' })).body.rendered).toBe('Count failures.');
  await call('PUT', `/${id}`, { description: 'How many' });
  await call('PUT', `/${id}`, { activate_version: 1 });
  const { body } = await call('GET', `/${id}`);
  expect(body).toMatchObject({ version: 1, prompt_template: 'Count.', description: '' });
  expect(body.versions.map((v: { version: number; state: string }) => [v.version, v.state])).toEqual([
    [3, 'earlier'], [2, 'earlier'], [1, 'active'],
  ]); // prettier-ignore
  expect((await call('PUT', `/${id}`, { prompt_template: 'Fourth.' })).body.version).toBe(4);
  const both = await call('PUT', `/${id}`, { activate_version: 1, prompt_template: 'x' });
  expect([both.status, both.body.field]).toEqual([400, 'activate_version']);
});

test('an agent has those of all, its own, and those of the reviewed workflow for its ticket', async () => {
  const { agent, ticket } = await waitingAgent(server);
  const { rows } = await server.owner.query<{ name: string; key: string }>(
    `select a.name, lower(t.ticket_class) || ':' || 'x' as key from runs r join agents a on a.id = r.agent_id join tickets t on t.id = r.ticket_id where r.number = $1`,
    [agent],
  );
  const name = rows[0]?.name ?? '';
  const all = await make('for all', { assigned_to_all: true });
  const own = await make('its own', { assigned_agents: [name] });
  const learned = await make('learned', { category: 'postmortem' });
  await make('nobody’s');
  await make('switched off', { assigned_to_all: true, enabled: false });
  const mine = async () =>
    (await call('GET', `/agent/${agent}`)).body.skills.map((s: { id: number; matched_by: string }) => [
      s.id,
      s.matched_by,
    ]);
  expect(await mine()).toEqual([[all, 'all'], [own, 'assigned']]); // prettier-ignore
  expect((await call('GET', `/${learned}`)).body.state).toBe('candidate');

  const lesson = (await server.call('POST', `/api/postmortems/synthesize/${ticket}`, {})).body.postmortem_id as number;
  await server.call('POST', `/api/postmortems/${lesson}/review`, { approved: true });
  const { workflow_id } = (await server.call('POST', `/api/postmortems/${lesson}/promote`, { create_skills: false }))
    .body;
  const { title, description, ticket_class } = (await server.call('GET', `/api/tickets/${ticket}`)).body;
  await server.owner.query('update blueprints set skill_ids = $2, workflow_key = $3 where number = $1', [
    workflow_id, [learned], workflowKey({ explicit: null, ticketClass: ticket_class, texts: [title, description] }),
  ]); // prettier-ignore
  expect(await mine()).toHaveLength(2);
  await server.owner.query(`update blueprints set status = 'active', reviewed_at = now() where number = $1`, [
    workflow_id,
  ]);
  expect(await mine()).toContainEqual([learned, 'workflow']);

  const unknown = await call('PUT', `/${own}`, { assigned_agents: ['nobody'] });
  expect([unknown.status, unknown.body.field]).toEqual([400, 'assigned_agents']);
  await call('PUT', `/${learned}`, { assigned_agents: [name] });
  expect((await call('GET', `/${learned}`)).body).toMatchObject({ state: 'active', assigned_agents: [name] });
  await call('PUT', `/${own}`, { assigned_agents: [] });
  await call('DELETE', `/${all}`);
  expect(await mine()).toEqual([[learned, 'assigned']]);
});

test('of very many versions the latest are shown, and the one in use', async () => {
  const id = await make('often changed', { prompt_template: 'First.' });
  await server.owner.query(
    `insert into skill_versions (tenant_id, skill_id, version, content)
     select v.tenant_id, skill_id, n, content from skill_versions v join skills s on s.id = v.skill_id, generate_series(2, 150) n where s.number = $1`,
    [id],
  );
  await server.owner.query('update skills set latest_version = 150 where number = $1', [id]);
  const { versions } = (await call('GET', `/${id}`)).body as { versions: { version: number; state: string }[] };
  expect(versions).toHaveLength(101);
  expect([versions[0]?.version, versions[99]?.version, versions[100]]).toMatchObject([
    150,
    51,
    { version: 1, state: 'active' },
  ]);
  expect((await call('POST', `/${id}/render?version=2`, {})).body).toMatchObject({ version: 2, rendered: 'First.' });
});
