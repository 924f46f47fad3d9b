import { Invalid } from '../../domain/errors';
import { assertPlaced, parametersOf, render } from '../../domain/skill';

const log = { name: 'log', description: 'the file to read', required: true, default: null };
const skill = {
  promptTemplate: 'Read {log} since {since}, {log} again; {} and {not a place} stay.',
  parameters: [log],
};

test('values take their places, each time; what has none stays', () => {
  expect(render(skill, { log: 'auth.log', other: 1 })).toBe(
    'Read auth.log since {since}, auth.log again; {} and {not a place} stay.',
  );
  expect(render(skill, { log: ['a', 1], since: 7 })).toContain('Read ["a",1] since 7,');
});

test('a value is text, whatever it looks like, and the prototype holds none', () => {
  expect(render({ promptTemplate: '{a} {toString}', parameters: [] }, { a: '{b} $& $1', b: 'no' })).toBe(
    '{b} $& $1 {toString}',
  );
});

test('a default stands in; a required one that is missing is named', () => {
  const since = { name: 'since', description: '', required: true, default: 'yesterday' };
  expect(render({ ...skill, parameters: [log, since] }, { log: 'x' })).toContain('since yesterday');
  expect(() => render(skill, {})).toThrow(new Invalid('log: this skill needs it: the file to read'));
});

test('parameters are those of the template, declared or not; others are refused', () => {
  expect(parametersOf(skill).map((p) => [p.name, p.required])).toEqual([
    ['log', true],
    ['since', false],
  ]);
  expect(() => assertPlaced({ ...skill, parameters: [{ ...log, name: 'lgo' }] })).toThrow(/lgo has no place/);
  expect(() => assertPlaced({ ...skill, parameters: [log, log] })).toThrow(/log is declared twice/);
});
