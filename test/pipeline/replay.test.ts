import type { RecordedDecision } from '../../db/recorded-decisions';
import type { Read } from '../../db/tx';
import { askEach } from '../../pipeline/rego/ask-each';
import type { Evaluated, Evaluator } from '../../pipeline/rego/evaluator';
import { replay, type Judge } from '../../pipeline/rego/replay';

// The time machine has bounds, and says what it came to: here with a database and a thread that answer at once.

const soon = (): number => performance.now() + 60_000;
const policy = { key: 'k', entrypoints: [], module: new WebAssembly.Module(Buffer.from('0061736d01000000', 'hex')) };
const inputs = Array.from({ length: 6 }, (_, i) => `${i}`);
const asking = (answer: (inputs: readonly string[]) => Evaluated[]) => {
  const asked: string[] = [];
  const ask: Evaluator['ask'] = (_owner, _policies, of) => {
    asked.push(of.join(''));
    return Promise.resolve(answer(of));
  };
  return { ask, asked };
};
const said = (input: string): Evaluated => ({ results: [input] });

test('what is late together is asked one by one, and is a failure where it is late by itself', async () => {
  const late = (of: readonly string[]): Evaluated => ({ error: 'late', ...(of.length > 1 && { unasked: true }) });
  const thread = asking((of) => of.map((one) => (of.includes('2') ? late(of) : said(one))));
  const answers = await askEach(thread, 'o', [policy], inputs, soon());
  expect(answers.flat()).toEqual([said('0'), said('1'), { error: 'late' }, said('3'), said('4'), said('5')]);
  expect(thread.asked).toEqual(['012345', ...inputs]);
});

test('what had no room in a reply is asked about in the next', async () => {
  const thread = asking((of) => of.map((one, i) => (i < 4 ? said(one) : { error: 'no room', unasked: true })));
  expect((await askEach(thread, 'o', [policy], inputs, soon())).flat()).toEqual(inputs.map(said));
  expect(thread.asked).toEqual(['012345', '45']);
});

test('what there is no place or time for has no answer', async () => {
  const never = asking((of) => of.map(() => ({ error: 'waited too long', unasked: true })));
  expect(await askEach(never, 'o', [policy], inputs, soon())).toEqual([]);
  expect(never.asked).toEqual(['012345', '0']);
  expect(await askEach(never, 'o', [policy], inputs, performance.now() - 1)).toEqual([]);
  expect(never.asked).toHaveLength(2);
});

const decisions = (n: number) => {
  const events = Array.from({ length: n }, (_, i): RecordedDecision => ({
    id: String(i).padStart(4, '0'), tool: 't', agentId: null, args: {}, at: '', risk: 0, decision: 'allow', policy: null, asked: true,
  })); // prettier-ignore
  const query = (text: string, values: unknown[] = []) => {
    const [last, limit] = [values[3], values[4]] as [string | null, number];
    const from = last === null ? 0 : Number(last) + 1;
    return Promise.resolve({ rows: text.includes('count(*)') ? [{ n }] : events.slice(from, from + limit) });
  };
  return <T>(work: (tx: Read) => Promise<T>) => work({ query } as unknown as Read);
};
const window = { hours: 1, agentId: null };
const denies: Judge = (events) => Promise.resolve(events.map(() => ({ decision: 'deny', reason: null })));
const thirty: Judge = (events, until) => denies(events, until).then((all) => all.slice(0, 30));
const was = (): string => 'allow';

test.each([
  ['all of them', 250, { calls: 1_000, ms: 60_000 }, denies, { lookedAt: 250, stopped: null, flipped: 250 }],
  ['so many', 250, { calls: 120, ms: 60_000 }, denies, { lookedAt: 120, stopped: 'calls', flipped: 120 }],
  ['as many as there are', 120, { calls: 120, ms: 60_000 }, denies, { lookedAt: 120, stopped: null, flipped: 120 }],
  ['none in no time', 250, { calls: 1_000, ms: -1 }, denies, { lookedAt: 0, stopped: 'time', flipped: 0 }],
  [
    'those that were come to',
    250,
    { calls: 1_000, ms: 60_000 },
    thirty,
    { lookedAt: 30, stopped: 'time', flipped: 30, decisions: 250 },
  ],
])('looks at %s', async (_, n, most, judge, found) => {
  expect(await replay(decisions(n), window, was, judge, most)).toMatchObject(found);
});
