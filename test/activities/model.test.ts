import { httpModel } from '../../activities/agents/model/http';
import { readNarrative, readPlan } from '../../activities/agents/model/prompts';
import { Unusable } from '../../domain/model';
import { answers, stubModel } from '../stub-model';

let stub: Awaited<ReturnType<typeof stubModel>>;
beforeAll(async () => {
  stub = await stubModel(() => answers.says({ fine: true }));
});
afterAll(() => stub.close());

const model = (timeoutMs = 5_000) => httpModel({ url: `${stub.url}/`, key: 'sk-test', name: 'small', timeoutMs });
const ask = (timeoutMs?: number, signal = new AbortController().signal) =>
  model(timeoutMs).ask([{ role: 'user', content: 'say' }], 'key-1', signal);
const failed = async (work: Promise<unknown>): Promise<Error> => {
  const e: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(e).not.toBeNull();
  return e as Error; // of Node's own realm, some of them
};

test('asks for one JSON object, with the key of the attempt and the credential', async () => {
  expect(await ask()).toBe('{"fine":true}');
  expect(stub.asked.at(-1)).toMatchObject({ model: 'small', key: 'key-1', authorization: 'Bearer sk-test' });
});

test.each([
  ['no JSON at all', answers.body('<html>proxy</html>'), 'no chat completion'],
  ['JSON of another shape', answers.body('{"choices":[]}'), 'no chat completion'],
  ['an answer that was cut off', answers.cutOff('{"a":'), 'cut off'],
  ['more than is wanted', answers.says('x'.repeat(20_000)), 'more than 16000 characters'],
  ['bytes without end', answers.body('x'.repeat(400_000)), 'longer than 262144 bytes'],
  ['a refusal', answers.status(401), 'answered 401'],
])('%s is of no use, and asking again would not help', async (_what, answer, says) => {
  stub.next(answer);
  const e = await failed(ask());
  expect(e).toBeInstanceOf(Unusable);
  expect(e.message).toContain(says);
});

test.each([
  ['busy', answers.status(503)],
  ['limited', answers.status(429)],
  ['gone', answers.hangsUp()],
])('%s is trouble on the way: another attempt may help', async (_what, answer) => {
  stub.next(answer);
  expect(await failed(ask())).not.toBeInstanceOf(Unusable);
});

test('late: it is given up after its time, and so it is when nobody wants the answer any more', async () => {
  stub.next(answers.silence(), answers.silence());
  const late = await failed(ask(100));
  expect([late.name, late instanceof Unusable]).toEqual(['TimeoutError', false]);
  const unwanted = new AbortController();
  const asking = failed(ask(60_000, unwanted.signal));
  unwanted.abort();
  expect((await asking).name).toBe('AbortError');
});

const id = (n: number) => `01890000-0000-7000-8000-00000000000${n}`;
const seen = [1, 2].map((n) => ({
  id: id(n),
  tool: 'transaction',
  decision: 'allow',
  digest: 'd',
  result: { amount: 220.5 },
}));

test.each([
  ['nonsense', 'I would look at everything.', 'not JSON'],
  ['another shape', '{"tools":"all"}', 'wrong shape: tools'],
  ['a tool that there is not', '{"tools":["transaction","site.publish"],"reason":"x"}', 'a tool that there is not'],
])('a plan that is %s is refused, with the answer kept', (_what, answer, says) => {
  const plan = () => readPlan(answer, 'quick');
  expect(plan).toThrow(says);
  try {
    plan();
  } catch (e) {
    expect((e as Unusable).answer).toBe(answer);
  }
});

test("a plan keeps its order, and looks at no less than the mode's least", () => {
  const { tools } = readPlan('{"tools":["neighbours","transaction","neighbours"],"reason":"ring"}', 'quick');
  expect(tools).toEqual(['neighbours', 'transaction', 'customer_history', 'terminal_history']);
});

test('a narrative cites evidence by its number; a number that names none is no citation', () => {
  const told = readNarrative(
    JSON.stringify({ summary: 's', statements: [{ type: 't', summary: 'x', cites: [2, 7, 0] }] }),
    seen,
  );
  expect(told.statements[0]?.evidence).toEqual([id(2)]);
  expect(() => readNarrative('{"summary":""}', seen)).toThrow('wrong shape');
});
