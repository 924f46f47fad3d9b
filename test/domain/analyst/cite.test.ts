import { strength } from '../../../domain/analyst/assessment';
import { dropUncited } from '../../../domain/analyst/cite';
import type { Claim, Observation, Report } from '../../../domain/harness';

const observation = (digest: string | null, decision = 'allow'): Observation => ({
  step: 0,
  tool: 't',
  args: {},
  decision,
  digest,
  result: {},
});
const claim = (statement: string, cites: string[], kind: Claim['kind'] = 'hypothesis'): Claim => ({
  statement,
  kind,
  confidence: 0.5,
  cites,
});

describe('dropUncited', () => {
  const claims = [
    claim('rests on evidence', ['a', 'x']),
    claim('made up', ['x']),
    claim('cites nothing', []),
    claim('refused', ['r']),
  ];
  const report: Report = {
    title: 't',
    summary: '',
    claims,
    hypotheses: [...claims, claim('not among the claims', ['a'])],
    tables: [{ title: 'made up', columns: [], rows: [], cites: ['x'] }],
    references: [{ kind: 'blueprint', id: 1, title: 'b', cites: ['a'] }],
    limits: [],
    steering: [{ id: 's', author: 'Ada', body: '', answer: 'noted', cites: ['x'] }],
  };
  const kept = dropUncited(report, [observation('a'), observation('r', 'deny'), observation(null)]);

  it('keeps only what cites a recorded observation that was carried out', () => {
    expect(kept.claims).toEqual([claim('rests on evidence', ['a'])]);
    expect(kept.hypotheses).toEqual([claim('rests on evidence', ['a'])]);
    expect(kept.tables).toEqual([]);
    expect(kept.references.length).toBe(1);
  });

  it('says how much was dropped, and answers people all the same', () => {
    expect(kept.limits).toEqual(['3 statements were dropped: nothing that was observed is cited for it.']);
    expect(kept.steering).toEqual([{ id: 's', author: 'Ada', body: '', answer: 'noted', cites: [] }]);
  });
});

describe('strength of evidence', () => {
  it('grows with what is explained, how much of it there is and what else points there, and is never certain', () => {
    const base = { explained: 10, failing: 100, events: 10, support: 0 };
    const value = strength(base);
    for (const better of [{ explained: 90 }, { events: 300 }, { support: 2 }])
      expect(strength({ ...base, ...better })).toBeGreaterThan(value);
    expect(strength({ explained: 1000, failing: 1000, events: 100_000, support: 9 })).toBe(0.95);
    expect(strength({ explained: 0, failing: 0, events: 0, support: 0 })).toBe(0.2);
  });
});
