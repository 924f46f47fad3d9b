import { converse, type Asking } from '../../activities/agents/model/converse';
import type { Manner } from '../../activities/agents/model/manner';
import type { AgentModel } from '../../domain/model';
import type { Said } from '../../domain/reasoner/conversation';
import { answers, signatureOf, stubModel } from '../stub-model';

let stub: Awaited<ReturnType<typeof stubModel>>;
beforeAll(async () => {
  stub = await stubModel(() => answers.turn({ text: 'fine' }));
});
afterAll(() => stub.close());

const model = (change: Partial<AgentModel>): AgentModel => ({
  name: 'usual', api: 'anthropic', url: stub.url, key: null, model: 'small-1', timeoutMs: 5_000, window: 50_000, maxOutput: 8_000,
  price: { input: 1, output: 2 }, reasoning: 'budget', fast: null, fallbacks: [], ...change,
}); // prettier-ignore
const asked: Said[] = [{ role: 'user', text: 'Look' }];
const told = async (change: Partial<AgentModel>, manner: Manner, said = asked) => {
  const asking: Asking = {
    system: 'Be exact.', said, manner, key: 'k', signal: new AbortController().signal, onChunk: () => undefined,
    tools: [{ name: 'look', description: 'Looks', schema: { type: 'object', properties: {} } }],
  }; // prettier-ignore
  const answer = await converse(model(change), asking);
  const last = stub.asked.at(-1);
  return { answer, headers: last?.headers, body: JSON.parse(last?.body ?? '{}') as Record<string, unknown> };
};
const priced = { price: { input: 6, output: 12 } };

test.each([
  ['low', 'low'],
  ['medium', 'medium'],
  ['high', 'high'],
  ['extra-high', 'xhigh'],
] as const)('an OpenAI-compatible endpoint is told %s as reasoning_effort %s', async (effort, word) => {
  const { body } = await told({ api: 'openai', reasoning: 'effort' }, { effort, fast: false });
  expect(body).toMatchObject({ reasoning_effort: word, max_tokens: 8_000 });
  expect(body).not.toHaveProperty('service_tier');
});

test.each([
  ['low', 1_024],
  ['medium', 2_000],
  ['high', 4_000],
  ['extra-high', 6_000],
] as const)('Anthropic’s gets %s as %s tokens to think with, within the longest answer', async (effort, budget) => {
  const { body } = await told({}, { effort, fast: false });
  expect(body).toMatchObject({ thinking: { type: 'enabled', budget_tokens: budget }, max_tokens: 8_000 });
});

test('what nobody says, and what a model is not told by its entry, does not go over', async () => {
  const silent = ['thinking', 'reasoning_effort', 'output_config', 'speed', 'service_tier'];
  const cases: [Partial<AgentModel>, Manner][] = [
    [{}, { effort: null, fast: false }],
    [{ reasoning: 'none' }, { effort: 'high', fast: true }],
    [
      { api: 'openai', reasoning: 'none' },
      { effort: 'high', fast: true },
    ],
    [{ maxOutput: 2_000 }, { effort: 'high', fast: false }], // no room for both
  ];
  for (const [change, manner] of cases) {
    const { body } = await told(change, manner);
    expect(Object.keys(body).filter((k) => silent.includes(k))).toEqual([]);
    expect(body['max_tokens']).toBe(change.maxOutput ?? 8_000);
  }
});

test('by its entry, Anthropic’s is told an effort as well; and both are asked to be fast where they can be', async () => {
  const slow = await told({ reasoning: 'effort' }, { effort: 'extra-high', fast: false });
  expect(slow.body).toMatchObject({ output_config: { effort: 'xhigh' } });
  expect(slow.body).not.toHaveProperty('speed');
  const fast = await told({ fast: priced }, { effort: null, fast: true });
  expect(fast.body).toMatchObject({ speed: 'fast' });
  expect(fast.headers?.['anthropic-beta']).toContain('fast-mode');
  const other = await told({ api: 'openai', reasoning: 'effort', fast: priced }, { effort: null, fast: true });
  expect(other.body).toMatchObject({ service_tier: 'priority' });
});

test('what it thought goes back with what came of its calls, as its endpoint signed it', async () => {
  stub.next(answers.turn({ thinks: 'First I look.', calls: [{ tool: 'look', args: {} }] }));
  const { answer } = await told({}, { effort: 'high', fast: false });
  const signature = signatureOf('First I look.');
  expect(answer.reasoning).toEqual([{ text: 'First I look.', signature, redacted: null }]);
  const call = { id: 't0c0', tool: 'look', args: {} };
  const results = [{ id: 't0c0', tool: 'look', text: 'seen', error: false }];
  const next: Said[] = [
    ...asked,
    { role: 'assistant', text: '', calls: [call], reasoning: answer.reasoning },
    { role: 'tool', results },
  ];
  const { body } = await told({}, { effort: 'high', fast: false }, next);
  expect(body).toMatchObject({ thinking: { type: 'enabled' } });
  expect((body['messages'] as { content: unknown }[])[1]?.content).toMatchObject([
    { type: 'thinking', thinking: 'First I look.', signature },
    { type: 'tool_use', id: 't0c0' },
  ]);
  // Of calls that another made, nothing was thought that could go back: then it does not think either, until people say something.
  const foreign: Said[] = [...asked, { role: 'assistant', text: '', calls: [call] }, { role: 'tool', results }];
  expect((await told({}, { effort: 'high', fast: false }, foreign)).body).not.toHaveProperty('thinking');
  const since: Said[] = [...foreign, { role: 'user', text: 'People say: go on' }];
  expect((await told({}, { effort: 'high', fast: false }, since)).body).toHaveProperty('thinking');
});
