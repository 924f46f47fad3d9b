import { newPipeline, outcomeText, step, stepsIn } from '../../domain/pipeline';
import { system } from '../../domain/principal';

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

test('what came of a step is cut as it enters the row; a pipeline that is completed says what came of its steps', () => {
  const at = '2026-01-01T00:00:00.000Z';
  const draft = {
    id: 'p', tenantId: 't', name: 'p', blueprintId: null, blueprintVersion: null, ticketId: null, carriedOutBy: 'runs' as const,
    runId: null, scopes: [], startedBy: system, createdAt: at,
  }; // prettier-ignore
  const begun = step(newPipeline(draft, stepsIn('look', '')), { type: 'start' }, at);
  const done = step(begun, { type: 'step_end', step: 0, status: 'completed', text: 'x'.repeat(20_000) }, at);
  const told = `${'x'.repeat(4_000)}... [truncated 16000 chars]`;
  expect(done.steps[0]?.result).toBe(told);
  expect(step(done, { type: 'end', status: 'completed', text: null, by: system }, at).result).toBe(`look: ${told}`);
});
