import { converse, type Asking } from '../../activities/agents/model/converse';
import { ModelTrouble, type AgentModel, type ModelApi } from '../../domain/model';
import { answers, stubModel } from '../stub-model';

let stub: Awaited<ReturnType<typeof stubModel>>;
beforeAll(async () => {
  stub = await stubModel(() => answers.turn({ text: 'fine' }));
});
afterAll(() => stub.close());

const key = 'sk-of-the-test-0123456789';
const model = (api: ModelApi, change: Partial<AgentModel> = {}): AgentModel => ({
  name: 'usual', api, url: `${stub.url}/`, key, model: 'small-1', timeoutMs: 5_000, window: 8_000, maxOutput: 500,
  price: { input: 1, output: 2 }, reasoning: api === 'anthropic' ? 'budget' : 'effort', fast: null, fallbacks: [], ...change,
}); // prettier-ignore
const tools = [
  {
    name: 'logs.search',
    description: 'Searches',
    schema: { type: 'object', properties: { query: { type: 'string' } } },
  },
  { name: 'logs_search', description: 'Another', schema: { type: 'object', properties: {} } },
];
const asking = (change: Partial<Asking> = {}): Asking => ({
  system: 'Be exact.', tools, key: 'key-1', signal: new AbortController().signal, onChunk: () => undefined,
  said: [{ role: 'user', text: 'Look' }], ...change,
}); // prettier-ignore
const trouble = async (work: Promise<unknown>): Promise<ModelTrouble> => {
  const e: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(e).toBeInstanceOf(ModelTrouble);
  return e as ModelTrouble;
};

describe.each(['openai', 'anthropic'] as const)('%s', (api) => {
  test('streams words, tool calls and what they took; names go over as the API takes them, and come back as ours', async () => {
    const calls = [
      { tool: 'logs_search', args: { query: 'sshd' } },
      { tool: 'logs_search_2', args: {} },
      { tool: 'no_such', args: { a: [1] } },
    ];
    stub.next(answers.turn({ text: 'I look.', calls, tokens: { in: 321, out: 45 } }));
    let chunks = 0;
    const said = await converse(model(api), asking({ onChunk: () => void (chunks += 1) }));
    expect(said).toMatchObject({ text: 'I look.', stopReason: 'tool-calls', usage: { tokensIn: 321, tokensOut: 45 } });
    expect(said.calls).toMatchObject([
      { tool: 'logs.search', args: { query: 'sshd' } },
      { tool: 'logs_search', args: {} },
      { tool: 'no_such', args: { a: [1] } },
    ]);
    expect(chunks).toBeGreaterThan(5);
    const asked = stub.asked.at(-1);
    expect(asked).toMatchObject({
      api,
      model: 'small-1',
      streams: true,
      key: 'key-1',
      tools: ['logs_search', 'logs_search_2'],
    });
    expect(api === 'openai' ? asked?.authorization : asked?.headers['x-api-key']).toContain(key);
  });

  test('tells what came of calls, errors as errors', async () => {
    await converse(
      model(api),
      asking({
        said: [
          { role: 'user', text: 'Look' },
          { role: 'assistant', text: '', calls: [{ id: 't0c0', tool: 'logs.search', args: { query: 'a' } }, { id: 't0c1', tool: 'gone?', args: {} }] },
          { role: 'tool', results: [{ id: 't0c0', tool: 'logs.search', text: 'three lines', error: false }, { id: 't0c1', tool: 'gone?', text: 'refused (deny)', error: true }] },
          { role: 'user', text: 'People say: go on' },
        ],
      }),
    ); // prettier-ignore
    const body = stub.asked.at(-1)?.body ?? '';
    for (const part of ['t0c0', 'three lines', 't0c1', 'refused (deny)', 'gone_', 'People say: go on'])
      expect(body).toContain(part);
  });

  test('arguments that are no JSON object are none, and an answer that is cut off says so', async () => {
    stub.next(
      answers.turn({
        calls: [
          { tool: 'logs_search', args: '{"query": "ss' },
          { tool: 'logs_search', args: '[1]' },
        ],
      }),
    );
    expect((await converse(model(api), asking())).calls.map((c) => c.args)).toEqual([null, null]);
    stub.next(answers.turn({ text: 'and so', stop: 'length' }));
    expect(await converse(model(api), asking())).toMatchObject({ text: 'and so', stopReason: 'length' });
    stub.next(answers.turn({ text: 'uncounted', tokens: null }));
    expect((await converse(model(api), asking())).usage).toBeNull();
  });

  test.each([
    ['limited', answers.status(429, { error: { message: 'slow down' } }, { 'retry-after': '3' }), 'busy', 3_000],
    ['broken', answers.status(500), 'busy', null],
    ['a wrong key', answers.status(401, { error: { message: `no such key ${key}` } }), 'rejected', null],
    [
      'too long',
      answers.status(400, { error: { message: 'prompt is too long: 9000 tokens > 8000 maximum context' } }),
      'too_long',
      null,
    ],
    ['a line that is cut', answers.hangsUp(), 'unheard', null],
    ['an answer that breaks off', answers.breaksOff({ text: 'so then' }), 'unheard', null],
    // Of Anthropic's, what is wrong from the first event on is a refusal.
    ['gibberish', answers.gibberish(), api === 'openai' ? 'unheard' : 'busy', null],
    ['a page of a proxy', answers.body('<html>'), 'unheard', null],
  ])('%s is trouble of its kind, without the key and the prompt', async (_what, answer, kind, retryAfterMs) => {
    stub.next(answer);
    const e = await trouble(converse(model(api), asking({ said: [{ role: 'user', text: 'the secret plan' }] })));
    expect([e.kind, e.retryAfterMs]).toEqual([kind, retryAfterMs]);
    for (const text of [e.message, JSON.stringify(e), String(e.stack)]) {
      expect(text).not.toContain(key);
      expect(text).not.toContain('the secret plan');
    }
  });

  test('late, it is given up after its time; nobody there, it is busy', async () => {
    stub.next(answers.silence());
    expect(await trouble(converse(model(api, { timeoutMs: 100 }), asking()))).toMatchObject({ kind: 'unheard' });
    stub.next(answers.halfTurn({ text: 'half of it' }, () => undefined));
    expect(await trouble(converse(model(api, { timeoutMs: 300 }), asking()))).toMatchObject({ kind: 'unheard' });
    const gone = await stubModel(() => answers.silence());
    await gone.close();
    expect(await trouble(converse(model(api, { url: gone.url }), asking()))).toMatchObject({ kind: 'busy' });
  });
});
