import { edited, opened, reviewed, assertRunnable } from '../../domain/blueprint';
import { Conflict, Invalid } from '../../domain/errors';
import { blueprintStatuses } from '../../domain/learning';

const edit = { asked: null, rekeyed: false, changed: true, tests: null } as const;

test('to write one never activates it', () => {
  expect(opened('active', null)).toBe('ready_for_review');
  for (const current of blueprintStatuses.filter((s) => s !== 'superseded' && s !== 'active'))
    expect(edited(current, { ...edit, asked: 'active' })).toBe('ready_for_review');
});

test('an active one stays active whatever is asked, unless its key changes', () => {
  for (const asked of [null, 'active', 'draft', 'tested'] as const)
    expect([edited('active', { ...edit, asked }), edited('active', { ...edit, asked, rekeyed: true })]).toEqual([
      'active',
      'ready_for_review',
    ]);
});

test('tests that all passed make it tested, one that failed sends it back, and both speak of that text alone', () => {
  expect([opened(null, null), opened(null, 'passed'), opened(null, 'failed')]).toEqual([
    'draft',
    'tested',
    'needs_revision',
  ]);
  expect(edited('draft', { ...edit, tests: 'passed' })).toBe('tested');
  expect(edited('tested', { ...edit, tests: 'failed' })).toBe('needs_revision');
  expect(edited('tested', edit)).toBe('ready_for_review');
  expect(edited('needs_revision', edit)).toBe('ready_for_review');
  expect(edited('tested', { ...edit, changed: false })).toBe('tested');
  expect(edited('draft', edit)).toBe('draft');
  expect(() => opened('tested', 'failed')).toThrow(Invalid);
});

test('what is superseded is history: nobody asks for it, and it is not changed, reviewed or run', () => {
  expect(() => opened('superseded', null)).toThrow(Invalid);
  expect(() => edited('draft', { ...edit, asked: 'superseded' })).toThrow(Invalid);
  expect(() => edited('superseded', edit)).toThrow(Conflict);
  expect(() => reviewed('superseded', true)).toThrow(Conflict);
  expect(() => assertRunnable({ number: 1, status: 'superseded', reviewedAt: null })).toThrow(Conflict);
});

test('a review activates from any other state, or sends back; runs are of tested and active ones', () => {
  for (const status of blueprintStatuses.filter((s) => s !== 'superseded')) {
    expect([reviewed(status, true), reviewed(status, false)]).toEqual(['active', 'needs_revision']);
    const runnable = () => assertRunnable({ number: 1, status, reviewedAt: '2026-01-01T00:00:00.000Z' });
    if (status === 'active' || status === 'tested') expect(runnable).not.toThrow();
    else expect(runnable).toThrow(Conflict);
  }
  expect(() => assertRunnable({ number: 1, status: 'active', reviewedAt: null })).toThrow('reviewed again');
});
