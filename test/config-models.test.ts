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

test.each([
  ['no JSON', '[{', 'AGENT_MODELS: neither a JSON list'],
  ['no such file', '/no/such/models.json', 'AGENT_MODELS: neither a JSON list'],
  ['no models', [], 'AGENT_MODELS: '],
  ['another API', [{ ...model, api: 'soap' }], '0.api'],
  ['a key in place of its name', [{ ...model, key_env: key }], '0.key_env'],
  ['a key itself', [{ ...model, key }], 'key'],
  ['a variable that is not set', [{ ...model, key_env: 'NOT_SET' }], 'small: NOT_SET is not set'],
  ['the same name twice', [model, model], 'two models have the same name'],
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
