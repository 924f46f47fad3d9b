import { startServer, type Server } from '../harness';
import { agentIs, runKey, waitingAgent } from './working';

let server: Server;
let ticket: number;
let agent: number;
/** One postmortem promoted, one to be reviewed, one of no ticket. */
beforeAll(async () => {
  server = await startServer();
  ({ ticket, agent } = await waitingAgent(server));
  await post(`/api/agents/${agent}/stop`, { reason: 'enough' });
  await agentIs(server, agent, 'stopped', 'terminated');
  const { postmortem_id: id } = (await post(`/api/postmortems/synthesize/${ticket}`)).body;
  await post(`/api/postmortems/${id}/review`, { approved: true });
  await post(`/api/postmortems/${id}/promote`);
  await post('/api/postmortems', { ticket_id: ticket, summary: 'another look', status: 'ready_for_review' });
  await post('/api/postmortems', { summary: 'of no ticket' });
});
afterAll(() => server.close());

const post = (path: string, body: unknown = {}) => server.call('POST', path, body);
const get = async (path: string) => (await server.call('GET', path)).body;

test('postmortems: filtered, paged, newest first', async () => {
  const all = await get('/api/postmortems?limit=1000');
  expect(all.postmortems).toHaveLength(all.total);
  expect((await get('/api/postmortems?limit=1&offset=1')).postmortems).toEqual([all.postmortems[1]]);
  for (const [query, field, value] of [['status=promoted', 'status', 'promoted'], [`ticket_id=${ticket}`, 'ticket_id', ticket]] as const) {
    const { postmortems, total } = await get(`/api/postmortems?${query}`);
    expect(total).toBe(all.postmortems.filter((p: Record<string, unknown>) => p[field] === value).length);
    expect(postmortems.every((p: Record<string, unknown>) => p[field] === value)).toBe(true);
  } // prettier-ignore
  expect((await server.call('GET', '/api/postmortems?status=lost')).status).toBe(400);
});

test('lists hide what is switched off unless asked, and filter', async () => {
  const { articles } = await get('/api/knowledge');
  await server.owner.query('update articles set enabled = false where number = $1', [articles[0].id]);
  await server.owner.query(`update skills set enabled = false`);
  expect((await get('/api/knowledge')).total).toBe(articles.length - 1);
  expect((await get('/api/knowledge?enabled_only=false')).total).toBe(articles.length);
  expect((await get('/api/skills')).total).toBe(0);
  expect((await get('/api/skills?enabled_only=false&category=postmortem')).total).toBeGreaterThan(0);
  expect((await get('/api/skills?enabled_only=false&category=other')).total).toBe(0);
  await server.owner.query(`update articles set enabled = true, title = 'Näher 100%_sicher'`);
  expect((await get(`/api/knowledge?q=${encodeURIComponent('NÄHER 100%_')}`)).total).toBe(articles.length);
  expect((await get('/api/knowledge?q=100x')).total).toBe(0);
  const { workflows } = await get('/api/workflows?ticket_class=USERREQUEST&status=draft');
  expect(workflows[0]).toMatchObject({ status: 'draft', review_state: 'draft', run_count: 0, latest_run_at: null });
  expect((await get('/api/workflows?status=active')).total).toBe(0);
});

test('an agent has the skills of all agents', async () => {
  await server.owner.query(`update skills set enabled = true, assigned_to_all = false`);
  expect(await get(`/api/skills/agent/${agent}`)).toEqual({ skills: [], total: 0 });
  await server.owner.query(`update skills set assigned_to_all = true`);
  expect((await get(`/api/skills/agent/${agent}`)).total).toBeGreaterThan(0);
  expect((await server.call('GET', '/api/skills/agent/2147480000')).status).toBe(404);
});

test('another tenant has none of them', async () => {
  const stranger = server.as((await server.tenant()).token);
  for (const [path, list] of [['workflows', 'workflows'], ['knowledge', 'articles'], ['skills', 'skills'], ['postmortems', 'postmortems']] as const) {
    const [first] = (await get(`/api/${path}`))[list];
    expect((await stranger('GET', `/api/${path}`)).body).toEqual({ [list]: [], total: 0 });
    expect((await stranger('GET', `/api/${path}/${first.id}`)).status).toBe(404);
  } // prettier-ignore
});

test('an agent writes about its own ticket, and decides nothing', async () => {
  const other = await waitingAgent(server);
  const key = await runKey(server, other.agent);
  const asAgent = server.as(key);
  const made = await asAgent('POST', '/api/postmortems', { summary: 'mine', status: 'ready_for_review' });
  expect((await get(`/api/postmortems/${made.body.id}`)).ticket_id).toBe(other.ticket);
  for (const path of ['review', 'promote']) {
    const answer = await asAgent('POST', `/api/postmortems/${made.body.id}/${path}`, { approved: true });
    expect([answer.status, answer.body.reason]).toEqual([403, 'agent']);
  }
  const theirs = (await post('/api/postmortems', { ticket_id: ticket })).body.id as number;
  expect((await asAgent('GET', `/api/postmortems/${theirs}`)).status).toBe(404);
  expect((await asAgent('GET', `/api/postmortems/evidence/${ticket}`)).status).toBe(404);
  expect((await asAgent('POST', '/api/postmortems', { ticket_id: ticket })).status).toBe(404);
  const { postmortems } = (await asAgent('GET', '/api/postmortems')).body;
  expect(new Set(postmortems.map((p: { ticket_id: number }) => p.ticket_id))).toEqual(new Set([other.ticket]));
});
