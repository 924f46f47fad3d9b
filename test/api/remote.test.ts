import { randomUUID } from 'node:crypto';
import { startServer, until, type Answer, type Server } from '../harness';
import { agentIs, kindsOfRun } from './working';

let s: Server;
beforeAll(async () => void (s = await startServer()));
afterAll(() => s.close());

/** A key that may claim tasks, and nothing else. */
async function worker(of: Server['call'] = s.as(s.token)): Promise<Server['call']> {
  const made = await of('POST', '/api-keys', { name: 'worker', role: 'agent-operator', scopes: ['agents:claim'] });
  expect(made.status).toBe(201);
  return s.as(made.body.data.api_key as string);
}
const claim = async (by: Server['call'], body: object = {}) => (await by('POST', '/api/agents/tasks/claim', { wait: 20, ...body })).body.task; // prettier-ignore
const say = (by: Server['call'], task: { task_id: number; token: number }, what: string, body: object = {}): Promise<Answer> =>
  by('POST', `/api/agents/tasks/${task.task_id}/${what}`, { token: task.token, ...body }); // prettier-ignore
/** A ticket of its own kind, so that nobody else claims it. */
async function offered(more: object = {}) {
  const group = `group-${randomUUID()}`;
  const ticket = (await s.call('POST', '/api/tickets', { title: 'Mail is down', owning_group: group, auto_assign: false, ...more })).body.id as number; // prettier-ignore
  const asked = { harness: 'remote', prompt: 'find out why' };
  const { body } = await s.call('POST', `/api/tickets/${ticket}/assign-agent`, asked);
  expect(body).toMatchObject({ status: 'spawned', harness: 'remote' });
  return { ticket, agent: body.agent_id as number, task: body.task_id as number, labels: [`owning_group=${group}`] };
}
const note = (ticket: number, body: string) =>
  s.call('POST', `/api/tickets/${ticket}/notes`, { body, source: 'dashboard', author: 'dana' });

test('it is claimed, works with a key for its ticket alone, hears what people say, and finishes', async () => {
  const w = await worker();
  const other = await offered();
  const { ticket, agent, task, labels } = await offered({ priority: 'P1' });
  const mine = await claim(w, { labels: [...labels, 'Priority=p1'.toLowerCase()], worker: 'box-1' });
  expect(mine).toMatchObject({
    task_id: task, agent_id: agent, ticket_id: ticket, offer: 1, token: 1, stop: null, waits_for: null, steering: [],
    leases: ['request_access', 'note', 'read'].map(() => expect.objectContaining({ system: 'dashboard', resource_id: String(ticket) })),
    brief: { title: 'Mail is down', prompt: expect.stringContaining('find out why'), before: null, task_type: 'ticket_resolution' },
    labels: expect.arrayContaining(['harness=remote', 'priority=p1', ...labels]),
  }); // prettier-ignore
  const own = s.as(mine.credential.token as string);
  expect((await own('GET', `/api/tickets/${ticket}/context`)).status).toBe(200);
  expect((await own('GET', `/api/tickets/${other.ticket}`)).status).toBe(404);
  expect((await own('POST', '/api/agents/tasks/claim', {})).status).toBe(403);
  expect((await own('POST', `/api/tickets/${ticket}/notes`, { body: 'I am at it' })).status).toBe(200);
  expect((await w('GET', `/api/tickets/${ticket}`)).status).toBe(403);

  await note(ticket, 'look at web-3');
  const [first, second] = [await say(w, mine, 'heartbeat'), await say(w, mine, 'heartbeat')];
  for (const { body } of [first, second])
    expect(body).toMatchObject({ steering: [{ body: 'look at web-3', status: 'delivered' }], stop: null });
  expect(Date.parse(second.body.lease_until)).toBeGreaterThan(Date.parse(mine.lease_until as string));
  const [said] = first.body.steering;
  expect((await own('POST', `/api/agents/${agent}/steering/${said.id}/ack`, {})).status).toBe(200);
  const looked = await say(w, mine, 'checkpoint', { step: 'look', output: `key ${mine.credential.token}`, progress_pct: 60 }); // prettier-ignore
  expect(looked.body).toMatchObject({ steering: [], lease_until: expect.any(String) });
  expect(await agentIs(s, agent, 'running')).toMatchObject({ task_progress_pct: 60 });

  const done = await say(w, mine, 'complete', { result: 'the disk was full' });
  expect(done).toMatchObject({ status: 200, body: { lease_until: null, stop: null } });
  expect(await agentIs(s, agent, 'finished')).toMatchObject({ current_task: { output: 'the disk was full', progress_pct: 100 } }); // prettier-ignore
  expect((await own('GET', `/api/tickets/${ticket}`)).status).toBe(401);
  const { notes } = (await s.call('GET', `/api/tickets/${ticket}/context`)).body;
  expect(notes.filter((n: { source: string }) => n.source === 'agent-checkpoint')).toMatchObject([
    { body: 'Checkpoint look: running (60 %)\n\nkey [wheelhouse key removed]' },
  ]);
  expect(await kindsOfRun(s, agent)).toEqual(
    expect.arrayContaining(['task.offered', 'task.claimed', 'steering.delivered', 'run.checkpoint', 'task.ended', 'run.finished']),
  ); // prettier-ignore
});

test('an end is said once: the same again is answered, another is refused, whatever has been claimed since', async () => {
  const w = await worker();
  const { labels, agent } = await offered();
  const key = { 'idempotency-key': randomUUID() };
  const first = await w('POST', '/api/agents/tasks/claim', { wait: 20, labels }, key);
  await s.owner.query('delete from idempotency_keys');
  const again = await w('POST', '/api/agents/tasks/claim', { wait: 20, labels }, key);
  const mine = first.body.task;
  expect(again.body.task).toMatchObject({ token: 1, credential: mine.credential });
  expect((await say(w, mine, 'fail', { error: 'no such host' })).status).toBe(200);
  expect((await say(w, mine, 'fail', { error: 'no such host' })).status).toBe(200);
  await agentIs(s, agent, 'failed');
  expect(await say(w, mine, 'complete', { result: 'it went well' })).toMatchObject({ status: 409, body: { reason: 'over', outcome: 'failed' } }); // prettier-ignore
  expect((await say(w, mine, 'checkpoint', { step: 'x' })).status).toBe(409);
  expect((await say(w, mine, 'heartbeat')).body).toMatchObject({ lease_until: null });
  expect((await agentIs(s, agent, 'failed')).error_message).toBe('no such host');
});

test('two want one task: one gets it, and the other waits for nothing', async () => {
  const [a, b] = [await worker(), await worker()];
  const kind = `group-${randomUUID()}`;
  const waiting = [a, b].map((w, i) => claim(w, { wait: 4, labels: [`owning_group=${kind}`], worker: `box-${i}` }));
  await until(async () => {
    const { rows } = await s.owner.query(`select from remote_workers where labels = $1`, [[`owning_group=${kind}`]]);
    return rows.length === 2;
  }, 'both to wait');
  const { task } = await offered({ owning_group: kind });
  const got = await Promise.all(waiting);
  expect(got.filter((t) => t !== null)).toMatchObject([{ task_id: task, token: 1 }]);
  expect((await s.owner.query(`select from log where kind = 'task.claimed' and body ->> 'task_id' = $1`, [String(task)])).rowCount).toBe(1); // prettier-ignore
});

test('a holder that is not heard of loses it: the next has a higher token, and nothing of what the first says counts', async () => {
  const [a, b] = [await worker(), s.as((await s.user('ADMIN')).token)];
  const { labels, agent, ticket } = await offered();
  const first = await claim(a, { labels, lease_seconds: 1, worker: 'box-1' });
  const second = await claim(b, { labels, worker: 'box-2' });
  expect([first.token, second.token]).toEqual([1, 2]);
  expect(second.credential.token).not.toBe(first.credential.token);
  expect((await s.as(first.credential.token as string)('GET', `/api/tickets/${ticket}`)).status).toBe(401);
  const before = await s.owner.query('select version, status, progress from runs where number = $1', [agent]);
  for (const what of ['heartbeat', 'checkpoint', 'complete', 'fail']) {
    const late = await say(a, first, what, { step: 'x', progress_pct: 90, result: 'mine', error: 'mine' });
    expect(late).toMatchObject({ status: 409, body: { reason: 'fenced', held_by: 'box-2', error: expect.stringContaining('claimed again by box-2') } }); // prettier-ignore
  }
  // Nor with the token of the other: it is not whoever holds it.
  const stolen = { ...first, token: 2 };
  expect(await say(a, stolen, 'heartbeat')).toMatchObject({ status: 409, body: { reason: 'foreign' } }); // prettier-ignore
  expect(await say(b, { ...second, token: 7 }, 'heartbeat')).toMatchObject({ status: 409, body: { reason: 'never' } });
  expect((await s.owner.query('select version, status, progress from runs where number = $1', [agent])).rows).toEqual(before.rows); // prettier-ignore
  expect((await say(b, second, 'complete', { result: 'theirs' })).status).toBe(200);
  expect((await agentIs(s, agent, 'finished')).current_task.output).toBe('theirs');
  expect(await kindsOfRun(s, agent)).toEqual(expect.arrayContaining(['task.lapsed']));
});

test('a lease ends by itself: late is late, and it is on offer again', async () => {
  const w = await worker();
  const { labels, agent } = await offered();
  const mine = await claim(w, { labels, lease_seconds: 1 });
  await until(async () => (await kindsOfRun(s, agent)).includes('task.lapsed'), 'the lease to run out');
  expect(await say(w, mine, 'complete', { result: 'x' })).toMatchObject({ status: 409, body: { reason: 'offered' } });
  expect(await claim(w, { labels })).toMatchObject({ task_id: mine.task_id, token: 2 });
});

test('it gives the task back while people decide, and it is offered again with what they decided', async () => {
  const w = await worker();
  const { labels, agent, ticket } = await offered();
  const mine = await claim(w, { labels });
  const own = s.as(mine.credential.token as string);
  const asked = await own('POST', `/api/changes/request`, { ticket_id: ticket, agent_id: agent, action: 'restart', target: 'web-1' }); // prettier-ignore
  expect(asked.status).toBe(200);
  const waits = await say(w, mine, 'checkpoint', { step: 'restart', status: 'waiting_for_approval', progress_pct: 50 });
  expect(waits.body).toMatchObject({ waits_for: 'pending_approval', lease_until: null });
  await agentIs(s, agent, 'pending_approval');
  expect((await s.call('GET', `/api/tickets/${ticket}`)).body.status).toBe('pending_approval');
  expect((await own('GET', `/api/tickets/${ticket}`)).status).toBe(401);
  await s.call('POST', `/api/changes/${asked.body.change_id}/approve`, {});
  const next = await claim(w, { labels });
  expect(next).toMatchObject({ task_id: mine.task_id, offer: 2, token: 2 });
  expect(next.brief.before).toContain(`Change ${asked.body.change_id} (restart web-1) is approved`);
  await say(w, next, 'complete', { result: 'restarted' });
  await agentIs(s, agent, 'finished');
  await until(
    async () => (await s.call('GET', `/api/changes/${asked.body.change_id}`)).body.status === 'completed',
    'its change to be completed with it',
  );
});

test('people stop it: its holder is told, and what it came to is refused', async () => {
  const w = await worker();
  const { labels, agent } = await offered();
  const mine = await claim(w, { labels });
  expect((await s.call('POST', `/api/agents/${agent}/stop`, { reason: 'enough' })).body.status).toBe('stopped');
  expect(await say(w, mine, 'complete', { result: 'done' })).toMatchObject({ status: 409 });
  expect((await say(w, mine, 'heartbeat')).body).toMatchObject({ stop: 'enough', lease_until: null });
  const nobody = await offered();
  await s.call('POST', `/api/agents/${nobody.agent}/stop`, {});
  expect(await claim(w, { labels: nobody.labels, wait: 0 })).toBeNull();
  // By hand, as any other agent.
  const { labels: more, agent: another } = await offered();
  const held = await claim(w, { labels: more });
  await s.call('POST', `/api/agents/${another}/update`, { status: 'finished', error_message: 'seen to' });
  await agentIs(s, another, 'finished');
  expect((await say(w, held, 'checkpoint', { step: 'x' })).status).toBe(409);
});

test('it works no longer than its profile allows, whoever holds it', async () => {
  const w = await worker();
  const { labels, agent } = await offered();
  await until(async () => (await kindsOfRun(s, agent)).includes('task.offered'), 'the offer');
  await s.owner.query('update remote_tasks set limit_ms = 1500 where run_id = (select id from runs where number = $1)', [agent]); // prettier-ignore
  const mine = await claim(w, { labels, lease_seconds: 600 });
  expect(Date.parse(mine.lease_until as string)).toBeLessThan(Date.now() + 5_000);
  expect((await agentIs(s, agent, 'failed')).error_message).toMatch(/^it worked for longer than the /);
  expect(await say(w, mine, 'complete', { result: 'late' })).toMatchObject({ status: 409 });
});

test('many wait and hold nothing: one connection is enough for all of them, and the one that fits is woken', async () => {
  const w = await worker();
  const kind = `group-${randomUUID()}`;
  const labels = [`owning_group=${kind}`];
  const waiting = Array.from({ length: 60 }, () => claim(w, { wait: 6, labels }));
  await until(async () => {
    const { body } = await s.call('GET', '/api/agents/runner-health');
    const found = body.harnesses.find((h: { harness: string }) => h.harness === 'remote');
    return found.details.workers.some((x: { waits: boolean; labels: string[] }) => x.waits && x.labels[0] === labels[0]);
  }, 'somebody to wait'); // prettier-ignore
  const from = performance.now();
  expect((await s.call('GET', '/api/tickets')).status).toBe(200);
  const { task } = await offered({ owning_group: kind });
  const first = await Promise.race(waiting.map(async (one) => ((await one) ? performance.now() - from : Infinity)));
  expect(first).toBeLessThan(5_000);
  const got = (await Promise.all(waiting)).filter((t) => t !== null);
  expect(got).toMatchObject([{ task_id: task }]);
});

test('runner-health says who claimed last and what waits; without a key that may, it is not there', async () => {
  const w = await worker();
  const { labels } = await offered();
  const { labels: unclaimed } = await offered();
  await claim(w, { labels, worker: 'box-9' });
  const found = (await s.call('GET', '/api/agents/runner-health')).body.harnesses.find((h: { harness: string }) => h.harness === 'remote'); // prettier-ignore
  expect(found).toMatchObject({
    available: true,
    error: null,
    details: { last_claimed: { worker: 'box-9', by: s.admin.email } },
  });
  expect(found.live).toBeGreaterThanOrEqual(1);
  expect(found.details.waiting).toBeGreaterThanOrEqual(1);
  expect(unclaimed).toHaveLength(1);
  const other = await s.tenant();
  const foreign = s.as(other.token);
  await s.owner.query(`update api_keys set scopes = array_remove(scopes, 'agents:claim') where tenant_id = $1`, [other.tenantId]); // prettier-ignore
  const gone = (await foreign('GET', '/api/agents/runner-health')).body;
  expect(gone.harnesses.find((h: { harness: string }) => h.harness === 'remote')).toMatchObject({ available: false, error: expect.stringContaining('agents:claim'), details: { waiting: 0, workers: [] } }); // prettier-ignore
  const ticket = (await foreign('POST', '/api/tickets', { title: 'x', auto_assign: false })).body.id;
  expect(await foreign('POST', `/api/tickets/${ticket}/assign-agent`, { harness: 'remote' })).toMatchObject({ status: 400, body: { error: expect.stringContaining('agents:claim') } }); // prettier-ignore
});

test('another tenant finds nothing of it, and claims nothing', async () => {
  const w = await worker();
  const { labels, task } = await offered();
  const other = await s.tenant();
  const foreign = await worker(s.as(other.token));
  expect(await claim(foreign, { labels, wait: 1 })).toBeNull();
  const mine = await claim(w, { labels });
  for (const what of ['heartbeat', 'checkpoint', 'complete', 'fail'])
    expect((await say(foreign, { task_id: task, token: 1 }, what, { step: 'x', result: 'x', error: 'x' })).status).toBe(404); // prettier-ignore
  expect((await say(w, mine, 'heartbeat')).status).toBe(200);
});

test('what is asked for in a wrong way, and of a task that is not elsewhere', async () => {
  const w = await worker();
  expect((await w('POST', '/api/agents/tasks/claim', { labels: ['colour=red'] })).body).toMatchObject({ field: 'labels.0' });
  const ticket = (await s.call('POST', '/api/tickets', { title: 'x', auto_assign: false })).body.id;
  const { task_id } = (await s.call('POST', `/api/tickets/${ticket}/assign-agent`, {})).body;
  expect(await say(w, { task_id, token: 1 }, 'heartbeat')).toMatchObject({ status: 409, body: { reason: 'here' } });
}); // prettier-ignore
