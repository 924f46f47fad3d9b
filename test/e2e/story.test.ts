import { Client, Connection } from '@temporalio/client';
import { demoLog, playStory, type Outcome, type Step } from '../../cli/story';
import { workflowId, type Kind } from '../../workflows/ids';
import { startServer, type Server } from '../harness';
import { temporal } from '../stack';
import { keep } from '../workflows/keep';

let s: Server;
let outcome: Outcome;
const steps: Step[] = [];

beforeAll(async () => {
  s = await startServer();
  outcome = await playStory(s, { name: 'auth.log', text: demoLog() }, (step) => steps.push(step));
}, 120_000);
afterAll(() => s.close());

test('every step of the main job happened, and its link answers', async () => {
  expect(steps.length).toBeGreaterThanOrEqual(9);
  for (const { link } of steps) {
    if (!link) continue;
    const a = await s.call('GET', link.replace(s.url, ''));
    expect([link, a.status]).toEqual([link, 200]);
  }
});

test('the report names the attacking addresses with their counts, and holds no script', () => {
  expect(outcome.page).toMatch(/203\.0\.113\.77[\s\S]*240/);
  expect(outcome.page).toMatch(/198\.51\.100\.23[\s\S]*45/);
  expect(outcome.page).not.toMatch(/<script/i);
});

test('the page is served in a sandbox', async () => {
  const res = await fetch(`${s.url}/published/${outcome.slug}/`);
  expect(res.headers.get('content-security-policy')).toBe(`sandbox; default-src 'self' 'unsafe-inline'`);
  expect(res.headers.get('x-content-type-options')).toBe('nosniff');
});

test('the note steered the agent, once', async () => {
  const { body } = await s.call('GET', `/api/agents/${outcome.agent}/steering`);
  expect(body.events).toHaveLength(1);
  expect(['delivered', 'acknowledged']).toContain(body.events[0].status);
});

test('the lease was bound to the run: it is over, and its secret is nowhere', async () => {
  const { rows } = await s.owner.query('select status, end_reason, secret_sealed from leases');
  expect(rows).toEqual([
    { status: 'revoked', end_reason: expect.stringMatching(/finished|its run is over/), secret_sealed: null },
  ]);
});

test('the second analyst found the blueprint and published nothing', async () => {
  const { body } = await s.call('GET', `/api/agents/${outcome.secondAgent}`);
  expect(body.current_task.output).toMatch(/not published.*rejected/);
  const { rows } = await s.owner.query<{ args: { report: { references: { kind: string }[] } } }>(
    `select e.args from executions e join runs r on r.id = e.owner_id where r.number = $1 and e.tool = 'site.publish'`,
    [outcome.secondAgent],
  );
  expect(rows[0]?.args.report.references).toContainEqual(expect.objectContaining({ kind: 'blueprint' }));
});

test('promoting again makes nothing twice', async () => {
  const count = async () =>
    (
      await s.owner.query(
        'select (select count(*) from articles) a, (select count(*) from blueprints) b, (select count(*) from skills) c',
      )
    ).rows[0];
  const before = await count();
  const again = await s.call('POST', `/api/postmortems/${outcome.postmortem}/promote`, {});
  expect(again.status).toBe(200);
  expect(await count()).toEqual(before);
});

test('its workflows have ended, and their histories can be kept', async () => {
  const connection = await Connection.connect({ address: temporal().address });
  const client = new Client({ connection });
  const idOf = async (sql: string, number: number) => String((await s.owner.query(sql, [number])).rows[0]?.id);
  const run = 'select id from runs where number = $1';
  const gate = `select g.id from gates g join runs r on r.id = g.run_id where r.number = $1 and g.action = 'publish_static_site'`;
  const kept: [string, Kind, string][] = [
    ['agentRun.story', 'agentRun', await idOf(run, outcome.agent)],
    ['agentRun.story-again', 'agentRun', await idOf(run, outcome.secondAgent)],
    ['approvalGate.story', 'approvalGate', await idOf(gate, outcome.agent)],
    ['approvalGate.story-again', 'approvalGate', await idOf(gate, outcome.secondAgent)],
    ['accessRequest.story', 'accessRequest', await idOf('select a.id from access_requests a join runs r on r.id = a.run_id where r.number = $1 order by a.number limit 1', outcome.agent)],
  ]; // prettier-ignore
  for (const [name, kind, id] of kept) {
    const handle = client.workflow.getHandle(workflowId(kind, s.tenantId, id));
    await handle.result();
    await keep(name, handle);
  }
  await connection.close();
});

test('every projection is what its workflow says it is', async () => {
  const { rows } = await s.owner.query<{ kind: string; n: number }>(
    `select kind, count(*)::int as n from log where kind in ('run.finished', 'gate.completed', 'access.granted', 'access.revoked', 'lease.revoked') group by kind`,
  );
  expect(Object.fromEntries(rows.map((r) => [r.kind, r.n]))).toEqual({
    'run.finished': 2, 'gate.completed': 2, 'access.granted': 1, 'access.revoked': 1, 'lease.revoked': 1,
  }); // prettier-ignore
});

test('the same step is recorded once, and every call has its receipt', async () => {
  const { rows } = await s.owner.query(
    'select count(*)::int as calls, count(distinct (owner_id, step))::int as steps, (select count(*)::int from receipts) as receipts from executions',
  );
  expect(rows[0].calls).toBe(rows[0].steps);
  expect(rows[0].receipts).toBe(rows[0].calls);
  expect(outcome.receipts.length).toBeGreaterThan(5);
});
