import { startServer, until, type Server } from '../harness';
import { answers, stubModel } from '../stub-model';
import { kill, workerProcess } from '../worker-process';

// A worker is killed while a model answers: the turn is asked for again, what was reserved for the first attempt is spent, and
// what was recorded before is neither asked for nor done again.

const price = { input: 2, output: 10 };
const maxOutput = 500;
const tokens = { in: 200, out: 30 };

let s: Server;
let stub: Awaited<ReturnType<typeof stubModel>>;
beforeAll(async () => {
  stub = await stubModel(() => answers.turn({ calls: [{ tool: 'finish', args: { summary: 'Done.' } }], tokens }));
  s = await startServer({ AGENT_MODELS: models(stub.url) }, { worker: false });
}, 60_000);
afterAll(async () => {
  await s.close();
  await stub.close();
});

const models = (url: string): string =>
  JSON.stringify([{ name: 'open', api: 'openai', url, context_window: 60_000, max_output: maxOutput, price }]);

test('money is counted right over a kill in mid-turn, and each call is carried out once', async () => {
  let speaking = false;
  stub.next(
    answers.turn({ calls: [{ tool: 'tickets_note', args: { body: 'Begun.' } }], tokens }),
    answers.halfTurn({ text: 'half an answer' }, () => (speaking = true)),
  );
  const settings = { AGENT_MODELS: models(stub.url) };
  const first = await workerProcess(s, settings);
  const { body: ticket } = await s.call('POST', '/api/tickets', { title: 'Mail is down', auto_assign: false });
  const { body: spawned } = await s.call('POST', `/api/tickets/${ticket.id}/assign-agent`, { harness: 'model' });
  await until(() => Promise.resolve(speaking), 'the model to be in the middle of its second turn');
  await kill(first);
  const second = await workerProcess(s, settings);
  await until(
    async () => (await s.call('GET', `/api/agents/${spawned.agent_id}`)).body.status === 'finished',
    'the run to end',
    60_000,
  );
  const { rows: turns } = await s.owner.query(
    'select turn, attempt, state, tokens_in, tokens_out, cost_micros, estimated from model_turns order by turn, attempt',
  );
  const counted = { tokens_in: 200, tokens_out: 30, cost_micros: 700, estimated: false };
  const lost = turns[1];
  expect(turns).toEqual([
    { turn: 0, attempt: 1, state: 'answered', ...counted },
    { turn: 1, attempt: 1, state: 'lost', tokens_in: expect.any(Number), tokens_out: maxOutput, estimated: true, cost_micros: lost.tokens_in * 2 + maxOutput * 10 },
    { turn: 1, attempt: 2, state: 'answered', ...counted },
  ]); // prettier-ignore
  expect(stub.asked.map((a) => a.key?.split(':').slice(1).join(':'))).toEqual(['0:1', '1:1', '1:2']);
  const notes = (await s.call('GET', `/api/tickets/${ticket.id}/context`)).body.notes.filter(
    (n: any) => n.body === 'Begun.',
  );
  expect(notes).toHaveLength(1);
  expect((await s.call('GET', '/audit/logs/verify')).body.data.valid).toBe(true);
  await kill(second);
}, 120_000);
