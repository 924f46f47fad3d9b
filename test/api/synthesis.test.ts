import { startServer, until, type Server } from '../harness';
import { answers, stubModel, type Answer, type Asked } from '../stub-model';
import { agentIs } from './working';

let stub: Awaited<ReturnType<typeof stubModel>>;
let s: Server;
/** Answers that are held until somebody lets them go. */
let held: (() => void)[] | null = null;

/** Says something of whatever ticket it is asked about. */
const writes: Answer = (asked: Asked, res) => {
  const ticket = /postmortem of ticket (\d+)/.exec(asked.body)?.[1] ?? '';
  const args = {
    summary: [{ text: 'A model says so.', cites: [`ticket ${ticket}`] }],
    went_well: [], improvements: [], workflow_steps: [], guardrails: [], skills: [], test_cases: [],
  }; // prettier-ignore
  const say = () => answers.turn({ calls: [{ tool: 'write_postmortem', args }] })(asked, res);
  if (held) held.push(say);
  else say();
};
beforeAll(async () => {
  stub = await stubModel(() => writes);
  const model = {
    name: 'writer', api: 'anthropic', url: stub.url, context_window: 60_000, max_output: 2_000, price: { input: 1, output: 2 },
  }; // prettier-ignore
  s = await startServer({
    AGENT_MODELS: JSON.stringify([model]), LEARNING_MODEL: 'writer', WORKFLOW_PATIENCE_MS: '3000',
  }); // prettier-ignore
});
afterAll(async () => {
  await s.close();
  await stub.close();
});
beforeEach(() => (held = null));

const create = async (): Promise<number> =>
  (await s.call('POST', '/api/tickets', { title: 'Mail is down', auto_assign: false })).body.id as number;
const synthesise = (ticket: number) => s.call('POST', `/api/postmortems/synthesize/${ticket}`);
const shown = async (id: number) => (await s.call('GET', `/api/postmortems/${id}`)).body;

test('a postmortem is written by the model that is configured for it', async () => {
  const made = await synthesise(await create());
  expect(made).toMatchObject({ status: 200, body: { status: 'ready_for_review' } });
  const postmortem = await shown(made.body.postmortem_id as number);
  expect(postmortem).toMatchObject({
    status: 'ready_for_review', synthesis: { state: 'done', by: 'model', model: 'writer', note: null },
    summary: expect.stringMatching(/^A model says so\. \[ticket \d+\]$/),
  }); // prettier-ignore
});

test('one that takes long is a draft meanwhile, and the same for whoever asks again; then it is there', async () => {
  held = [];
  const ticket = await create();
  const drafted = await synthesise(ticket);
  expect(drafted).toMatchObject({ status: 200, body: { status: 'draft' } });
  const id = drafted.body.postmortem_id as number;
  expect(await shown(id)).toMatchObject({ status: 'draft', synthesis: { state: 'pending', by: 'rules' } });
  const again = synthesise(ticket);
  const asked = held;
  await until(() => Promise.resolve(asked.length === 1), 'the model to be asked');
  for (const say of asked) say();
  expect((await again).body).toEqual({ status: 'exists', postmortem_id: id });
  expect(await shown(id)).toMatchObject({ status: 'ready_for_review', synthesis: { by: 'model' } });
  expect(asked).toHaveLength(1);
});

test('what an agent leaves behind goes to the model as well, by the log', async () => {
  const ticket = await create();
  const spawned = await s.call('POST', `/api/tickets/${ticket}/postmortem`, {});
  await agentIs(s, spawned.body.agent_id as number, 'finished');
  const found = await until(async () => {
    const { postmortems } = (await s.call('GET', `/api/postmortems?ticket_id=${ticket}`)).body;
    return postmortems[0]?.synthesis?.state === 'done' ? postmortems[0] : null;
  }, 'the postmortem');
  expect(found).toMatchObject({
    status: 'ready_for_review',
    synthesis: { by: 'model' },
    agent_id: spawned.body.agent_id,
  });
});
