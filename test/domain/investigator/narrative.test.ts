import { told } from '../../../domain/investigator/narrative';
import { inventedFigures } from '../../../domain/investigator/numbers';
import type { Seen, Verdict } from '../../../domain/investigator/verdict';

const seen: Seen[] = [
  { id: 'a', tool: 'transaction', decision: 'allow', digest: 'd1', result: { amount: 1220.456, at: '2031-03-04T10:00:00Z', terminal: 'T-3059' } },
  { id: 'b', tool: 'terminal_history', decision: 'allow', digest: 'd2', result: { unusual: { share: 0.125 }, disputes: { known: 3 } } },
  { id: 'c', tool: 'customer_history', decision: 'deny', digest: null, result: null },
]; // prettier-ignore
const results = seen.map((s) => s.result);

test.each([
  ['the amount of 1,220.46 at T-3059', []],
  ['about 1220, on 2031-03-04', []],
  ['12.5% of 3 disputes, a share of 0.13', []],
  ['fell by -3 to 13%', []],
  ['some 40 disputes, 99% sure', ['40', '99%']],
  ['1220.47', ['1220.47']],
  ['on 2031-03-05', ['2031-03-05']],
  ['no figure at all', []],
])('%s', (text, invented) => {
  expect(inventedFigures(text, results)).toEqual(invented);
});

const verdict: Verdict = {
  severity: 'HIGH', confidence: 0.8, inconclusive: false, summary: 'rule', advice: [], draft: null, limits: [],
  statements: [{ type: 'rule', severity: 'HIGH', confidence: 0.8, summary: 'found', evidence: ['a'] }],
}; // prettier-ignore
const say = (summary: string, evidence: string[]) => ({ type: 'model', summary, evidence });

test('the narrator adds to what the rule found, moves neither severity nor confidence, and needs evidence for each word', () => {
  const spoken = told(
    verdict,
    {
      summary: 'Looks like a test of a stolen card, with 3 disputes known',
      statements: [
        say('3 disputes at the terminal', ['b', 'nowhere']),
        say('cites nothing', []),
        say('cites what was refused', ['c']),
        say('3 disputes, which the payment itself does not say', ['a']),
      ],
    },
    seen,
  );
  expect(spoken.summary).toContain('stolen card');
  expect(spoken.statements).toEqual([
    verdict.statements[0],
    { type: 'model', severity: 'HIGH', confidence: 0.8, summary: '3 disputes at the terminal', evidence: ['b'] },
  ]);
  expect(spoken.limits).toEqual([
    expect.stringContaining('2 of the narrator'),
    expect.stringContaining('1 of the narrator'),
  ]);
  expect([spoken.severity, spoken.confidence]).toEqual(['HIGH', 0.8]);
});

test("a summary with a figure of no evidence leaves the rule's", () => {
  const spoken = told(verdict, { summary: '17 cards at once', statements: [] }, seen);
  expect([spoken.summary, spoken.limits.length]).toEqual(['rule', 1]);
});
