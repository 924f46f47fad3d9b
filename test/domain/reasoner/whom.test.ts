import type { AgentModel } from '../../../domain/model';
import { left, notAgain, orderOf } from '../../../domain/reasoner/whom';

const model = (name: string, fallbacks: string[] = []): AgentModel => ({
  name, api: 'openai', url: '', key: null, model: name, timeoutMs: 1, window: 1, maxOutput: 1, price: { input: 0, output: 0 },
  reasoning: 'none', fast: null, fallbacks,
}); // prettier-ignore
const models = [model('a', ['b', 'c']), model('b'), model('c'), model('d')];
const names = (found: AgentModel[]): string[] => found.map((m) => m.name);
const given = (fallback_models: string[]) => ({
  timeout_minutes: 0, reasoning_effort: null, fast_mode: false, skills: [], budget_tokens: null, budget_money: null, fallback_models,
}); // prettier-ignore
const answered = (name: string) => ({ state: 'answered' as const, model: name });
const attempt = (name: string, state: 'failed' | 'lost' | 'answered' = 'failed', stopReason: string | null = null) => ({
  model: name,
  state,
  stopReason,
});

test('its own model, then those of its profile, or else its model’s own', () => {
  expect(names(orderOf({ model: null, runtime: null }, models, []))).toEqual(['a', 'b', 'c']);
  expect(names(orderOf({ model: 'b', runtime: null }, models, []))).toEqual(['b']);
  expect(names(orderOf({ model: 'a', runtime: given(['d']) }, models, []))).toEqual(['a', 'd']);
  expect(names(orderOf({ model: 'gone', runtime: given(['d', 'gone too', 'b']) }, models, []))).toEqual(['d', 'b']);
  expect(names(orderOf({ model: 'gone', runtime: null }, models, []))).toEqual([]);
});

test('whoever answered last comes first, and only if it is one of them', () => {
  const run = { model: 'a', runtime: null };
  expect(names(orderOf(run, models, [answered('a'), answered('c')]))).toEqual(['c', 'a', 'b']);
  expect(names(orderOf(run, models, [answered('d')]))).toEqual(['a', 'b', 'c']);
  expect(names(orderOf(run, models, [answered('b'), { state: 'refused', model: 'c' }]))).toEqual(['b', 'a', 'c']);
});

test('each has its share of the attempts; one that refused has none, and a prompt that was too long takes none', () => {
  const order = models.slice(0, 2);
  expect(names(left(order, [], 8))).toEqual(['a', 'b']);
  const three = Array.from({ length: 3 }, () => attempt('a'));
  expect(names(left(order, three, 8))).toEqual(['a', 'b']);
  expect(names(left(order, [...three, attempt('a', 'lost')], 8))).toEqual(['b']);
  expect(names(left(order, [...three, attempt('a', 'failed', 'too_long')], 8))).toEqual(['a', 'b']);
  expect(names(left(order, [attempt('a', 'failed', notAgain)], 8))).toEqual(['b']);
  expect(names(left(order, [attempt('a', 'failed', notAgain), attempt('b', 'failed', notAgain)], 8))).toEqual([]);
  expect(names(left(order, [attempt('a', 'answered')], 1))).toEqual(['a', 'b']);
  expect(names(left(order, [attempt('a')], 1))).toEqual(['b']);
});
