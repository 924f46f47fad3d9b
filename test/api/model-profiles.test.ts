import { startServer, until, type Server } from '../harness';
import { answers, stubModel, type Answer, type Asked } from '../stub-model';

const finish = (summary: string): Answer => answers.turn({ calls: [{ tool: 'finish', args: { summary } }] });
const look = (tokens = { in: 100, out: 20 }): Answer =>
  answers.turn({ calls: [{ tool: 'knowledge_search', args: { query: 'x' } }], tokens });

/** What each model says next, by its name; then it finishes. */
const scripts = new Map<string, Answer[]>();
let stub: Awaited<ReturnType<typeof stubModel>>;
let s: Server;
beforeAll(async () => {
  stub = await stubModel((asked) => scripts.get(asked.model)?.shift() ?? finish(`by ${asked.model}`));
  const model = (name: string, change = {}) => ({
    name, api: 'openai', url: stub.url, context_window: 60_000, max_output: 1_000, price: { input: 3, output: 15 }, ...change,
  }); // prettier-ignore
  const models = [
    model('main', { fallbacks: ['spare'] }),
    model('spare', { price: { input: 1, output: 2 } }),
    model('claude', { api: 'anthropic', max_output: 8_000, fast: { price: { input: 30, output: 150 } } }),
    ...['b', 'c', 'd', 'e'].map((name) => model(name)),
  ];
  s = await startServer({
    AGENT_MODELS: JSON.stringify(models),
    AGENT_BUDGET_TOKENS: '200000',
    AGENT_BUDGET_MONEY: '5',
  });
});
afterAll(async () => {
  await s.close();
  await stub.close();
});
beforeEach(() => scripts.clear());

const ok = async (call: ReturnType<Server['call']>) => {
  const { status, body, text } = await call;
  if (status !== 200) throw new Error(`${status} ${text}`);
  return body;
};
const profile = (id: string, more: Record<string, unknown> = {}) => ({
  id,
  name: id,
  harness: 'model',
  model: 'main',
  ...more,
});
const embedded = { id: 'embedded', name: 'embedded', harness: 'embedded' };
const configure = (...profiles: object[]) =>
  ok(s.call('PUT', '/api/agents/config', { profiles: [embedded, ...profiles] }));
const create = async (title = 'Mail is down'): Promise<number> =>
  (await ok(s.call('POST', '/api/tickets', { title, auto_assign: false }))).id as number;
const spawn = (ticket: number, body: object) => s.call('POST', '/api/agents/spawn', { ticket_id: ticket, ...body });
const ended = (agent: number) =>
  until(async () => {
    const { body } = await s.call('GET', `/api/agents/${agent}`);
    return ['finished', 'failed', 'stopped'].includes(body.status) ? body : null;
  }, `agent ${agent} to end`);
async function play(body: object) {
  const asked = stub.asked.length;
  const ticket = await create();
  const { agent_id: agent } = await ok(spawn(ticket, body));
  const view = await ended(agent as number);
  const { rows: turns } = await s.owner.query(
    `select m.* from model_turns m join runs r on r.id = m.run_id where r.number = $1 order by turn, attempt`,
    [agent],
  );
  const { rows: log } = await s.owner.query<{ body: Record<string, unknown> }>(
    `select l.body from log l join runs r on r.id = l.run_id where r.number = $1 and l.kind like 'model.%' order by seq`,
    [agent],
  );
  return { ticket, agent, view, turns, log: log.map((l) => l.body), asked: stub.asked.slice(asked) };
}
const bodyOf = (asked: Asked | undefined) => JSON.parse(asked?.body ?? '{}') as Record<string, unknown>;

test('what a profile says of effort, speed and skills arrives at the model', async () => {
  await ok(
    s.call('POST', '/api/skills', {
      name: 'read a queue', description: 'For mail', prompt_template: 'Count what waits on {host} for ticket {ticket_id}.',
      parameters: [{ name: 'host', default: 'mx-1' }],
    }),
  ); // prettier-ignore
  await ok(s.call('POST', '/api/skills', { name: 'another', prompt_template: 'Never said.' }));
  await configure(profile('thorough', { reasoning_effort: 'extra-high', skills: ['read a queue', 'there is none'] }));
  const run = await play({ profile_id: 'thorough' });
  expect(bodyOf(run.asked[0])).toMatchObject({ model: 'main', reasoning_effort: 'xhigh' });
  const [{ content: system = '' } = {}] = run.asked[0]?.messages ?? [];
  expect(system).toContain(`## read a queue\nFor mail\n\nCount what waits on mx-1 for ticket ${run.ticket}.`);
  expect(run.asked[0]?.body).not.toContain('Never said.');
  expect(run.log[0]).toMatchObject({ model: 'main', reasoning_effort: 'extra-high', fast_mode: false });
  const { skills } = await ok(s.call('GET', `/api/skills/agent/${run.agent}`));
  expect(skills).toMatchObject([{ name: 'read a queue', matched_by: 'profile' }]);

  scripts.set('claude', [answers.turn({ thinks: 'Hm.', calls: [{ tool: 'knowledge_search', args: { query: 'x' } }] })]);
  await configure(profile('fast', { model: 'claude', reasoning_effort: 'high', fast_mode: true }));
  const fast = await play({ profile_id: 'fast' });
  expect(bodyOf(fast.asked[0])).toMatchObject({ thinking: { budget_tokens: 4_000 }, max_tokens: 8_000, speed: 'fast' });
  expect(fast.asked[1]?.body).toContain('"thinking":"Hm."');
  // By the prices of its fast mode.
  expect(fast.turns.map((t) => t.cost_micros)).toEqual([100 * 30 + 20 * 150, 100 * 30 + 20 * 150]);
  expect(fast.turns[0]).toMatchObject({ reasoning: [{ text: 'Hm.' }], profile_id: 'fast' });
});

test('where a model gives no answer, the next that is named is asked, at its own prices, and the run stays with it', async () => {
  scripts.set('main', [answers.status(404, { error: { message: 'The model main does not exist' } })]);
  scripts.set('spare', [look()]);
  const run = await play({ harness: 'model', model: 'main' });
  expect(run.view).toMatchObject({ status: 'finished', model: 'main' });
  expect(run.asked.map((a) => a.model)).toEqual(['main', 'spare', 'spare']);
  expect(run.turns.map((t) => [t.turn, t.attempt, t.model, t.state, t.cost_micros])).toEqual([
    [0, 1, 'main', 'failed', 0],
    [0, 2, 'spare', 'answered', 140],
    [1, 1, 'spare', 'answered', 140],
  ]);
  expect(run.log.at(-1)).toMatchObject({ model: 'spare', in_place_of: 'main' });
  const { model_turn_events: events } = await ok(s.call('GET', `/api/tickets/${run.ticket}/context`));
  expect(new Set(events.map((e: { model: string }) => e.model))).toEqual(new Set(['main', 'spare']));
});

test('a profile names others: trouble of each kind leads on to the next, and in the end the run says whom it asked', async () => {
  const fallbacks = ['b', 'c', 'd', 'e'].map((model) => ({ harness: 'model', model }));
  await configure(profile('long', { fallbacks }));
  scripts.set('main', [answers.status(503)]);
  scripts.set('b', [answers.breaksOff({ text: 'so' })]);
  scripts.set('c', [answers.status(429, { error: { message: 'tomorrow' } }, { 'retry-after': '3600' })]);
  scripts.set('d', [answers.hangsUp()]);
  const run = await play({ profile_id: 'long' });
  expect(run.view).toMatchObject({ status: 'finished', runtime_config: { fallback_models: ['b', 'c', 'd', 'e'] } });
  expect(run.turns.map((t) => [t.model, t.state])).toEqual([
    ['main', 'failed'], ['b', 'lost'], ['c', 'failed'], ['d', 'lost'], ['e', 'answered'],
  ]); // prettier-ignore
  for (const name of ['main', 'b', 'c', 'd', 'e']) scripts.set(name, [answers.status(401)]);
  const none = await play({ profile_id: 'long' });
  expect(none.view).toMatchObject({ status: 'failed' });
  expect(none.view.error_message).toMatch(/^none of main, b, c, d, e answered: the model answered 401/);
});

test('a run has the budget that it was given; the view of its agent says what is left', async () => {
  scripts.set('main', [look({ in: 30_000, out: 500 })]);
  const run = await play({ harness: 'model', model: 'main', budget_tokens: 31_000, budget_money: 1 });
  expect(run.asked).toHaveLength(1);
  expect(run.view).toMatchObject({
    status: 'failed',
    budget: {
      tokens: { limit: 31_000, spent: 30_500, reserved: 0, left: 500 },
      money: { limit: 1, spent: 0.0975, reserved: 0, left: 0.9025 },
    },
  });
  expect(run.view.error_message).toMatch(/^the budget of this run is used up: 30500 of 31000 tokens are spent/);

  await configure(profile('poor', { budget_money: 0.01 }));
  scripts.set('main', [look({ in: 1_000, out: 200 })]);
  const poor = await play({ profile_id: 'poor' });
  expect(poor.view.error_message).toMatch(
    /^the budget of this run is used up: 0.00 of 0.01 are spent, and the next turn may cost/,
  );
  const plain = await ok(
    s.call('GET', `/api/agents/${(await ok(spawn(await create(), { harness: 'embedded' }))).agent_id}`),
  );
  expect(plain.budget).toBeNull();
});

test('what all runs of a profile spend in a day is bounded: a turn is not asked, and then no other run is spawned', async () => {
  await configure(profile('daily', { daily_budget_tokens: 20_000 }));
  scripts.set('main', [look({ in: 15_000, out: 100 })]);
  const run = await play({ profile_id: 'daily' });
  expect(run.view.error_message).toMatch(
    /^the budget of profile daily for today is used up: 15100 of 20000 tokens are spent/,
  );
  await configure(profile('daily', { daily_budget_tokens: 15_100 }));
  const refused = await spawn(await create(), { profile_id: 'daily' });
  expect(refused).toMatchObject({ status: 409, body: { profile_id: 'daily' } });
  expect(refused.text).toContain('the budget of profile daily for today is used up: 15100 of 15100 tokens');
  // Yesterday's is no longer counted.
  await s.owner.query(`update model_turns set started_at = started_at - interval '1 day' where profile_id = 'daily'`);
  expect((await spawn(await create(), { profile_id: 'daily' })).status).toBe(200);
});

test('an agent that a rule sets to work takes the profile of the ticket’s scope, and none where that has nothing left', async () => {
  const route = { scope_type: 'ticket_class', scope_value: 'Incident', profile_id: 'routed' };
  const routed = (more = {}) => profile('routed', { model: 'spare', timeout_minutes: 9, ...more });
  await configure(routed());
  await ok(s.call('PUT', '/api/agents/config', { route_assignments: [route] }));
  const report = () => ok(s.call('POST', '/api/tickets', { title: 'A phishing mail', ticket_class: 'Incident' }));
  const made = await report();
  expect(made.auto_assignment).toMatchObject({ status: 'assigned' });
  expect(await ended(made.agent_id as number)).toMatchObject({
    harness: 'model', model: 'spare', runtime_profile_id: 'routed', runtime_config: { timeout_minutes: 9 }, status: 'finished',
  });
  await configure(routed({ daily_budget_tokens: 1 }));
  const none = await report();
  expect(none.auto_assignment).toMatchObject({
    status: 'skipped', reason: expect.stringContaining('the budget of profile routed for today is used up'), agent_id: null,
  });
  const { rows } = await s.owner.query(`select l.decision from log l join tickets t on t.id = l.ticket_id
     where t.number = $1 and l.kind = 'ticket.auto_assignment_failed'`, [none.id]);
  expect(rows).toEqual([{ decision: 'deny' }]);
  await ok(s.call('PUT', '/api/agents/config', { route_assignments: [] }));
}); // prettier-ignore

test.each([
  [{ budget_tokens: 200_001 }, 'budget_tokens'],
  [{ budget_money: 5.01 }, 'budget_money'],
  [{ budget_tokens: 0 }, 'budget_tokens'],
  [{ budget_money: -1 }, 'budget_money'],
  [{ budget_tokens: 10, harness: 'embedded' }, 'budget_tokens'],
])('a run is not spawned with %j', async (body, field) => {
  const refused = await spawn(await create(), { harness: 'model', ...body });
  expect(refused.status).toBe(400);
  expect(refused.text).toContain(field);
});

test.each([
  [profile('p', { budget_tokens: 200_001 }), 'profiles.1.budget_tokens'],
  [profile('p', { budget_money: 6 }), 'profiles.1.budget_money'],
  [profile('p', { harness: 'embedded', model: null, budget_money: 1 }), 'profiles.1.budget_money'],
  [profile('p', { harness: 'embedded', model: null, daily_budget_tokens: 1 }), 'profiles.1.daily_budget_tokens'],
  [profile('p', { daily_budget_tokens: 1.5 }), 'profiles.1.daily_budget_tokens'],
  [profile('p', { model: 'gone' }), 'profiles.1.model'],
  [profile('p', { fallbacks: [{ harness: 'model', model: 'gone' }] }), 'profiles.1.fallbacks.0.model'],
])('profile %# is refused, named', async (wrong, field) => {
  const refused = await s.call('PUT', '/api/agents/config', { profiles: [embedded, wrong] });
  expect(refused.status).toBe(400);
  expect(refused.text).toContain(field);
});
