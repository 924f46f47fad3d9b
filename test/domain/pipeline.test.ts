import { outcomeText, stepsIn } from '../../domain/pipeline';

const face = '\u{1F600}';

test('a text is cut so that a row can hold it, also within a character', () => {
  const [step] = stepsIn('any', `1. ${'x'.repeat(119)}${face} and on`);
  expect(step?.name).toBe(`${'x'.repeat(119)}\uFFFD`);
  const shape = { prompt: '', order: 1, agent: null, retries: 0, timeoutSeconds: null };
  const told = outcomeText([
    { ...shape, name: 'a', status: 'completed', attempts: 1, runIds: [], error: null, result: face.repeat(10_000) },
  ]);
  expect([told.length, told.isWellFormed()]).toEqual([20_000, true]);
});
