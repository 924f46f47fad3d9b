import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../config';

const key = 'sk-0123456789-of-the-test';
const model = {
  name: 'small', api: 'openai', url: 'http://127.0.0.1:8080/v1', key_env: 'SMALL_KEY', context_window: 8_000, max_output: 500,
  price: { input: 0.15, output: 0.6 },
}; // prettier-ignore
const load = (models: unknown) =>
  loadConfig({ AGENT_MODELS: typeof models === 'string' ? models : JSON.stringify(models), SMALL_KEY: key });

test('models come from the setting itself or from a file, their keys by name', () => {
  const known = { name: 'small', model: 'small', key, window: 8_000, maxOutput: 500, timeoutMs: 120_000 };
  expect(load([model]).models).toMatchObject([known]);
  expect(load([{ ...model, model: 'v2', key_env: undefined }]).models).toMatchObject([{ model: 'v2', key: null }]);
  const folder = mkdtempSync(join(tmpdir(), 'wheelhouse-models-'));
  try {
    const file = join(folder, 'models.json');
    writeFileSync(file, JSON.stringify([model]));
    expect(load(file).models).toMatchObject([known]);
  } finally {
    rmSync(folder, { recursive: true });
  }
  expect(loadConfig({ AGENT_BUDGET_MONEY: '0.5' })).toMatchObject({ models: [], runBudget: { costMicros: 500_000 } });
});

test('how a model is told to think follows from its API; the model that learns is one of them', () => {
  const claude = {
    ...model,
    name: 'claude',
    api: 'anthropic',
    fallbacks: ['small'],
    fast: { price: { input: 1, output: 2 } },
  };
  expect(load([model, claude]).models).toMatchObject([
    { reasoning: 'effort', fast: null, fallbacks: [] },
    { reasoning: 'budget', fast: { price: { input: 1 } }, fallbacks: ['small'] },
  ]);
  const env = { AGENT_MODELS: JSON.stringify([model]), SMALL_KEY: key };
  expect(loadConfig(env).learning).toMatchObject({ model: null, budget: { tokens: 1_000_000, costMicros: 5_000_000 } });
  expect(loadConfig({ ...env, LEARNING_MODEL: 'small', LEARNING_BUDGET_MONEY: '0.1' }).learning).toMatchObject({
    model: { name: 'small' },
    budget: { costMicros: 100_000 },
  });
  expect(() => loadConfig({ ...env, LEARNING_MODEL: 'big' })).toThrow(
    'LEARNING_MODEL: big is no model of AGENT_MODELS',
  );
});

test.each([
  ['no JSON', '[{', 'AGENT_MODELS: neither a JSON list'],
  ['no such file', '/no/such/models.json', 'AGENT_MODELS: neither a JSON list'],
  ['no models', [], 'AGENT_MODELS: '],
  ['another API', [{ ...model, api: 'soap' }], '0.api'],
  ['a key in place of its name', [{ ...model, key_env: key }], '0.key_env'],
  ['a key itself', [{ ...model, key }], 'key'],
  ['a variable that is not set', [{ ...model, key_env: 'NOT_SET' }], 'small: NOT_SET is not set'],
  ['the same name twice', [model, model], 'two models have the same name'],
  ['a fallback on itself', [{ ...model, fallbacks: ['small'] }], 'small: fallbacks: small is no other model'],
  ['a fallback on nobody', [{ ...model, fallbacks: ['big'] }], 'small: fallbacks: big is no other model'],
  ['a budget of thoughts where there is none', [{ ...model, reasoning: 'budget' }], 'small: reasoning'],
  ['an answer longer than the window', [{ ...model, max_output: 8_000 }], 'max_output is not below context_window'],
])('%s is refused, without a key in the words', (_what, models, says) => {
  let message = '';
  try {
    load(models);
  } catch (e) {
    ({ message } = e as Error);
  }
  expect(message).toContain(says);
  expect(message).not.toContain(key);
});
