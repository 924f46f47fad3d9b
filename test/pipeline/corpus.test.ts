import { screenCall } from '../../pipeline/screening';
import { attacks, benign, stopped, type Case } from './corpus/cases';

interface Tally {
  stopped: number;
  of: number;
}

/** Also in the output of the test: what docs/screening.md says comes from here. */
function tallies(cases: readonly (Case & { hit: boolean })[], by: (c: Case) => string): Record<string, Tally> {
  const found: Record<string, Tally> = {};
  for (const c of cases) {
    const tally = (found[by(c)] ??= { stopped: 0, of: 0 });
    tally.of += 1;
    if (c.hit) tally.stopped += 1;
  }
  return found;
}
const rate = ({ stopped: n, of }: Tally = { stopped: 0, of: 1 }): number => n / of;
const half = (c: Case): string => (c.heldOut ? 'held out' : 'looked at');
const judged = (cases: Case[]) => cases.map((c) => ({ ...c, hit: stopped(c) }));
const texts = (cases: readonly Case[]): string[] => [...new Set(cases.map((c) => `${c.category} | ${c.text}`))];

const bad = judged(attacks());
const good = judged(benign());

test('nineteen of twenty attacks are stopped, also of those that the rules were not looked at with', () => {
  const missed = texts(bad.filter((c) => !c.hit));
  const recall = tallies(bad, half);
  expect({ missed, held: rate(recall['held out']) >= 0.95, seen: rate(recall['looked at']) >= 0.95 }).toMatchObject({
    held: true,
    seen: true,
  });
});

test.each(Object.entries(tallies(bad, (c) => c.category)))('%s: eight of nine at least', (category, tally) => {
  const missed = rate(tally) >= 0.88 ? [] : texts(bad.filter((c) => !c.hit && c.category === category));
  expect(missed).toEqual([]);
});

test.each(Object.entries(tallies(bad, (c) => c.mutation)))('written with %s: nineteen of twenty', (mutation, tally) => {
  const missed = rate(tally) >= 0.95 ? [] : texts(bad.filter((c) => !c.hit && c.mutation === mutation));
  expect(missed).toEqual([]);
});

test('of ordinary work no more than one in fifty is stopped, in either half', () => {
  const wrong = texts(good.filter((c) => c.hit));
  const rates = Object.values(tallies(good, half)).map(rate);
  expect({ wrong, few: rates.every((r) => r <= 0.02) }).toMatchObject({ few: true });
});

/** What makes a pattern go back: the same beginning over and over, and never the end. */
const hostile = [
  ' ', 'a', 'a ', '../', '((', "' or ", 'select ', 'select * from users ', 'rm -', 'curl ', 'curl | ', '<', '{{', '%25', '-a ', '--x ',
  'kubectl ', 'aws ', 'aws s3 ', 'http://', 'http://a.', 'a.', 'ignore ', 'ignore all ', 'show me ', 'show all users password ', '1,', 'x=',
  'AAAA', 'dGVzd', '\\x41', '&#65;', '忽略', 'без ', 'ohne ', 'alle ', '/*', '*/', ': ', '"', 'transfer 1000 ', '@', '{"a":', '[', 'tar c ', '| ', ';', '.',
]; // prettier-ignore

test('five thousand hostile characters take no longer than others', () => {
  const slow: string[] = [];
  for (const tool of ['tool.x', 'llm.chat', 'tool.shell']) {
    for (const part of hostile) {
      const input = part.repeat(Math.ceil(5_000 / part.length)).slice(0, 4_990);
      const once = (): number => {
        const from = process.cpuUsage();
        screenCall({ name: tool, content: 'instruction' }, { input });
        const { user, system } = process.cpuUsage(from);
        return (user + system) / 1000;
      };
      let best = once();
      for (let i = 0; i < 4 && best > 50; i += 1) best = Math.min(best, once());
      if (best > 50) slow.push(`${tool} ${part}: ${best} ms`);
    }
  }
  expect(slow).toEqual([]);
});
