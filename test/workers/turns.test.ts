import { startHeld, type Held } from '../api/held';

let held: Held;
beforeAll(async () => void (held = await startHeld()));
afterAll(() => held.close());

const configure = async (body: unknown) =>
  expect((await held.server.call('PUT', '/api/agents/config', body)).status).toBe(200);
const health = async () => (await held.server.call('GET', '/api/agents/active')).body.queue_health;
/** Agents in the order in which they began; one that began twice would be there twice. */
const begun = async (...agents: number[]): Promise<number[]> => {
  const { rows } = await held.server.owner.query<{ n: number }>(
    `select r.number as n from log l join runs r on r.id = l.run_id where l.kind = 'run.started' and r.number = any($1)
     order by l.at`,
    [agents],
  );
  return rows.map((r) => r.n);
};
const finish = async ({ ticket, agent }: { ticket: number; agent: number }) => {
  await held.letGo(ticket);
  await held.is(agent, 'finished');
};

test('as many work as may; the others wait, the most urgent begins first, each once', async () => {
  await configure({ max_concurrent_agents: 1 });
  const first = await held.spawn();
  await held.is(first.agent, 'running');
  const usual = await held.spawn({ priority: 'P3' });
  const urgent = await held.spawn({ priority: 'P1' });
  const next = await held.spawn({ priority: '2' });
  expect(await health()).toMatchObject({ queued_depth: 3, running: 1 });
  for (const one of [first, urgent, next, usual]) {
    await held.is(one.agent, 'running');
    expect(await health()).toMatchObject({ running: 1 });
    await finish(one);
  }
  const all = [first, urgent, next, usual].map((a) => a.agent);
  expect(await begun(...all)).toEqual(all);
});

test('one that waits can be stopped, and never begins; a higher limit lets the others begin', async () => {
  const at = await held.spawn();
  await held.is(at.agent, 'running');
  const [stopped, waits] = [await held.spawn(), await held.spawn()];
  expect((await held.server.call('POST', `/api/agents/${stopped.agent}/stop`)).body.status).toBe('stopped');
  await configure({ max_concurrent_agents: 2 });
  await held.is(waits.agent, 'running');
  await Promise.all([at, waits].map(finish));
  expect(await begun(stopped.agent)).toEqual([]);
});

test('no tenant waits for another', async () => {
  await configure({ max_concurrent_agents: 1 });
  const [mine, waits] = [await held.spawn(), await held.spawn()];
  await held.is(mine.agent, 'running');
  const { token: other } = await held.server.tenant();
  const theirs = await held.spawn({}, other);
  await held.is(theirs.agent, 'running');
  expect(await held.status(waits.agent)).toBe('spawned');
  await Promise.all([mine, theirs].map(finish));
  await finish(waits);
});

test('one whose profile is full lets others pass', async () => {
  const profile = (id: string, most: number | null) => ({
    id,
    name: id,
    harness: 'embedded',
    max_concurrent_agents: most,
  });
  await configure({ max_concurrent_agents: 3, profiles: [profile('embedded', null), profile('narrow', 1)] });
  const first = await held.spawn({ profile_id: 'narrow' });
  await held.is(first.agent, 'running');
  const second = await held.spawn({ profile_id: 'narrow', priority: 'P1' });
  const passes = await held.spawn();
  await held.is(passes.agent, 'running');
  expect(await held.status(second.agent)).toBe('spawned');
  await finish(first);
  await held.is(second.agent, 'running');
  await Promise.all([second, passes].map(finish));
});

test('a worker that goes away with all of them loses none, and none begins twice', async () => {
  await configure({ max_concurrent_agents: 2 });
  const all = [];
  for (let n = 0; n < 6; n += 1) all.push(await held.spawn());
  await Promise.all(all.slice(0, 2).map((a) => held.is(a.agent, 'running')));
  await held.newWorker();
  for (const one of all) await finish(one);
  const agents = all.map((a) => a.agent);
  expect((await begun(...agents)).sort((a, b) => a - b)).toEqual(agents);
});
