import { startServer, until, type Server } from '../harness';
import { answers, stubModel, type Answer, type Turn } from '../stub-model';

const key = 'sk-of-the-tests-0123456789abcdef';
const budgetTokens = 50_000;

let stub: Awaited<ReturnType<typeof stubModel>>;
let s: Server;
beforeAll(async () => {
  stub = await stubModel(() => finish('as usual'));
  const model = (name: string, api: string, change = {}) => ({
    name, api, url: stub.url, model: `${name}-1`, key_env: 'KEY_OF_MODELS', context_window: 30_000, max_output: 1_000,
    price: { input: 3, output: 15 }, ...change,
  }); // prettier-ignore
  const models = [
    model('open', 'openai'),
    model('claude', 'anthropic'),
    model('hasty', 'openai', { timeout_ms: 400 }),
    model('narrow', 'openai', { context_window: 12_000, max_output: 200 }),
    model('wide', 'openai', { context_window: 1_000_000 }),
  ];
  s = await startServer({
    AGENT_MODELS: JSON.stringify(models), KEY_OF_MODELS: key, AGENT_BUDGET_TOKENS: String(budgetTokens), AGENT_BUDGET_MONEY: '1',
  }); // prettier-ignore
});
afterAll(async () => {
  await s.close();
  await stub.close();
});

const turn = (t: Turn): Answer => answers.turn(t);
const finish = (summary: string): Answer => turn({ calls: [{ tool: 'finish', args: { summary } }] });
const look = (query: string, tokens = { in: 100, out: 20 }): Answer =>
  turn({ text: `Looking for ${query}.`, calls: [{ tool: 'knowledge_search', args: { query } }], tokens });

const mail = { title: 'Mail is down', description: 'Since noon', auto_assign: false };
const create = async (): Promise<number> => (await s.call('POST', '/api/tickets', mail)).body.id as number;
async function spawn(ticket: number, model = 'open'): Promise<{ agent: number; id: string }> {
  const spawned = await s.call('POST', `/api/tickets/${ticket}/assign-agent`, { harness: 'model', model });
  expect([spawned.status, spawned.body.model]).toEqual([200, model]);
  const agent = spawned.body.agent_id as number;
  const { rows } = await s.owner.query<{ id: string }>('select id from runs where number = $1', [agent]);
  return { agent, id: rows[0]?.id ?? '' };
}
const ended = (agent: number) =>
  until(async () => {
    const { body } = await s.call('GET', `/api/agents/${agent}`);
    return ['finished', 'failed', 'stopped'].includes(body.status) ? body : null;
  }, `agent ${agent} to end`);
/** One run from its spawn to its end, with what the model answers. */
async function play(script: Answer[], model?: string) {
  stub.next(...script);
  const asked = stub.asked.length;
  const ticket = await create();
  const { agent, id } = await spawn(ticket, model);
  const body = await ended(agent);
  const { rows } = await s.owner.query('select * from model_turns where run_id = $1 order by turn, attempt', [id]);
  return { ticket, agent, id, body, turns: rows, asked: stub.asked.slice(asked) };
}
const states = (turns: { state: string }[]): string[] => turns.map((t) => t.state);

test.each([
  ['open', 'openai'],
  ['claude', 'anthropic'],
])('a whole run with %s: looks, is told, notes, finishes; each turn is counted and shown', async (model, api) => {
  const note = turn({
    calls: [{ tool: 'tickets_note', args: { body: 'The queue is full.' } }],
    tokens: { in: 900, out: 30 },
  });
  const run = await play([look('queue'), note, finish('The queue was full.')], model);
  expect(run.body).toMatchObject({ status: 'finished', harness: 'model', model });
  expect(run.body.current_task.output).toContain('The queue was full.');
  expect(run.asked.map((a) => [a.api, a.model, a.streams])).toEqual(Array(3).fill([api, `${model}-1`, true]));
  expect(run.asked[0]?.tools).toEqual(
    expect.arrayContaining(['knowledge_search', 'tickets_note', 'request_access', 'propose_change', 'finish']),
  );
  expect(run.asked[0]?.tools).not.toContain('site_publish');
  expect(run.asked[1]?.body).toContain('digest ');
  const notes = (await s.call('GET', `/api/tickets/${run.ticket}/context`)).text;
  expect(notes).toContain('The queue is full.');
  // 3 a million in, 15 a million out: millionths are tokens times price.
  expect(run.turns.map((t) => [t.state, t.tokens_in, t.tokens_out, t.cost_micros, t.estimated])).toEqual([
    ['answered', 100, 20, 600, false],
    ['answered', 900, 30, 3_150, false],
    ['answered', 100, 20, 600, false],
  ]);
  const { body } = await s.call('GET', `/api/tickets/${run.ticket}/context`);
  expect(body.model_turn_events).toHaveLength(6);
  expect(body.model_turn_events[1]).toMatchObject({
    event_type: 'agent_model_turn_finished', agent_id: run.agent, ticket_id: run.ticket, turn_index: 0, stop_reason: 'tool-calls',
    has_tool_use: true, tokens_in: 100, cost: 0.0006, duration_seconds: expect.any(Number),
  }); // prettier-ignore
});

test('the key goes to the endpoint and nowhere else', async () => {
  const run = await play([answers.status(401, { error: { message: `no such key: ${key}` } })]);
  expect(run.body).toMatchObject({ status: 'failed' });
  expect(run.asked).toHaveLength(1); // a refusal is not asked again
  expect(run.asked[0]?.authorization).toBe(`Bearer ${key}`);
  expect(run.asked[0]?.body).not.toContain(key);
  expect(states(run.turns)).toEqual(['failed', 'refused']);
  expect(run.turns[0]).toMatchObject({ tokens_in: 0, cost_micros: 0, error: expect.stringContaining('answered 401') });
  const { rows } = await s.owner.query<{ table_name: string }>(
    `select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`,
  );
  for (const { table_name: table } of rows) {
    const { rowCount } = await s.owner.query(`select from "${table}" t where t::text like '%' || $1 || '%' limit 1`, [
      key,
    ]);
    expect([table, rowCount]).toEqual([table, 0]);
  }
});

test('a turn that the budget has no room for is not asked, and the run says so', async () => {
  const run = await play([look('one', { in: 48_900, out: 100 })], 'wide');
  expect(run.asked).toHaveLength(1);
  expect(states(run.turns)).toEqual(['answered', 'refused']);
  expect(run.body).toMatchObject({ status: 'failed' });
  expect(run.body.error_message).toMatch(/^the budget of this run is used up: 49000 of 50000 tokens are spent/);
});

test('an endpoint that is busy is asked again; what was reserved for that is free', async () => {
  const busy = [answers.status(429, { error: { message: 'slow down' } }, { 'retry-after': '1' }), answers.status(503)];
  const run = await play([...busy, finish('after all')]);
  expect(run.body).toMatchObject({ status: 'finished' });
  expect(states(run.turns)).toEqual(['failed', 'failed', 'answered']);
  expect(run.turns.slice(0, 2).map((t) => t.cost_micros)).toEqual([0, 0]);
  expect(new Set(run.asked.map((a) => a.key)).size).toBe(3);
});

test('one that does not answer in time, and one that breaks off, may have worked: what was reserved is spent', async () => {
  const run = await play(
    [answers.silence(), answers.breaksOff({ text: 'so' }), answers.gibberish(), finish('at last')],
    'hasty',
  );
  expect(run.body).toMatchObject({ status: 'finished' });
  expect(states(run.turns)).toEqual(['lost', 'lost', 'lost', 'answered']);
  for (const lost of run.turns.slice(0, 3)) {
    expect(lost.estimated).toBe(true);
    expect(lost.tokens_out).toBe(1_000);
    expect(lost.cost_micros).toBe(lost.tokens_in * 3 + 1_000 * 15);
  }
});

test('a call that is refused is answered with the reason, and the run goes on', async () => {
  const foreign = turn({
    calls: [
      { tool: 'tickets_related', args: { ticket_id: 999_999 } },
      { tool: 'tickets_note', args: { text: 'x' } },
    ],
  });
  const run = await play([
    foreign,
    turn({ calls: [{ tool: 'tickets_note', args: '{"body": "half' }] }),
    finish('so be it'),
  ]);
  expect(run.body).toMatchObject({ status: 'finished' });
  const { rows } = await s.owner.query('select tool, decision from executions where owner_id = $1 order by step', [
    run.id,
  ]);
  expect(rows).toEqual([
    { tool: 'tickets.related', decision: 'deny' },
    { tool: 'tickets.note', decision: 'deny' },
  ]);
  expect(run.asked[1]?.body).toContain('the arguments name another ticket');
  expect(run.asked[1]?.body).toContain('refused (deny)');
  expect(run.asked[2]?.body).toContain('the arguments were no JSON object');
});

test('what people say while the model speaks is in its next turn, also when it had done', async () => {
  let rest: (() => void) | null = null;
  stub.next(
    answers.halfTurn({ text: 'All is well.' }, (r) => (rest = r)),
    turn({ text: 'Root is well, too.' }),
  );
  const ticket = await create();
  const { agent } = await spawn(ticket);
  await until(() => Promise.resolve(rest), 'the model to speak');
  expect(
    (
      await s.call('POST', `/api/tickets/${ticket}/notes`, {
        body: 'And the user root?',
        source: 'dashboard',
        author: 'dana',
      })
    ).status,
  ).toBe(200);
  (rest as unknown as () => void)();
  const body = await ended(agent);
  expect(body.current_task.output).toContain('Root is well, too.');
  expect(stub.asked.at(-1)?.body).toContain('And the user root?');
  const { events } = (await s.call('GET', `/api/agents/${agent}/steering`)).body;
  expect(events).toMatchObject([{ status: 'acknowledged' }]);
});

test('a conversation that outgrows its window is summed up by a turn of its own, and goes on behind that', async () => {
  const wordy = (n: number): Answer =>
    turn({
      text: `Look ${n}: ${'so it is said. '.repeat(270)}`,
      calls: [{ tool: 'knowledge_search', args: { query: `q${n}` } }],
      tokens: null,
    });
  const run = await play(
    [...[1, 2, 3, 4].map(wordy), turn({ text: 'In short: nothing found.' }), finish('Done.')],
    'narrow',
  );
  expect(run.body).toMatchObject({ status: 'finished' });
  const summary = run.turns.find((t) => t.purpose === 'summary');
  expect(summary).toMatchObject({ state: 'answered', text: 'In short: nothing found.' });
  const [asked, last] = [run.asked.at(-2), run.asked.at(-1)];
  expect(asked?.tools).toEqual([]);
  expect(last?.body).toContain('In short: nothing found.');
  expect(last?.body).not.toContain('Look 1:');
  expect(run.turns.filter((t) => t.purpose === 'turn' && t.estimated)).toHaveLength(4);
});

test('a prompt that the endpoint finds too long is summed up as well, whatever was reckoned', async () => {
  const tooLong = answers.status(400, { error: { message: 'This model has a maximum context length of 4096 tokens' } });
  const run = await play([look('a'), look('b'), look('c'), tooLong, turn({ text: 'In short.' }), finish('Done.')]);
  expect(run.body).toMatchObject({ status: 'finished' });
  expect(run.turns.map((t) => [t.purpose, t.state])).toEqual([
    ['turn', 'answered'], ['turn', 'answered'], ['turn', 'answered'], ['turn', 'failed'], ['summary', 'answered'], ['turn', 'answered'],
  ]); // prettier-ignore
});

test('the kill switch stops models as well', async () => {
  let rest: (() => void) | null = null;
  stub.next(answers.halfTurn({ calls: [{ tool: 'knowledge_search', args: { query: 'x' } }] }, (r) => (rest = r)));
  const { agent } = await spawn(await create());
  await until(() => Promise.resolve(rest), 'the model to speak');
  const before = stub.asked.length;
  expect((await s.call('POST', `/decision/kill-switch/${s.tenantId}`, { reason: 'drill' })).status).toBeLessThan(300);
  (rest as unknown as () => void)();
  const body = await ended(agent);
  expect(body).toMatchObject({ status: 'failed', error_message: 'drill' });
  expect(stub.asked).toHaveLength(before);
  await s.call('DELETE', `/decision/kill-switch/${s.tenantId}`);
});

test('a model or harness that is not there is refused with those that are', async () => {
  const ticket = await create();
  const unknown = await s.call('POST', `/api/tickets/${ticket}/assign-agent`, { harness: 'model', model: 'gpt' });
  expect(unknown.status).toBe(400);
  expect(unknown.body).toMatchObject({
    field: 'model',
    available_models: ['open', 'claude', 'hasty', 'narrow', 'wide'],
  });
  const usual = await s.call('POST', `/api/tickets/${ticket}/assign-agent`, { harness: 'model' });
  expect([usual.status, usual.body.model]).toEqual([200, 'open']);
});
