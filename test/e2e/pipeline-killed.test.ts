import { once } from 'node:events';
import { startServer, until, type Server } from '../harness';
import { ticketWithLog } from '../api/working';
import { kill, workerProcess } from '../worker-process';

let s: Server;
beforeAll(async () => void (s = await startServer({}, { worker: false })));
afterAll(() => s.close());

const step = (name: string, order: number) => ({ name, order, prompt: `Find out who ${name}` });

test('a worker killed in the middle of a pipeline: it goes on elsewhere, each step and each effect once', async () => {
  const first = await workerProcess(s);
  const ticket = await ticketWithLog(s);
  const flow = await s.call('POST', '/api/workflows', {
    blueprint: 'Look at the log.', status: 'tested', steps: [step('asks', 1), step('knocks', 2), step('enters', 2), step('leaves', 3)],
  }); // prettier-ignore
  const run = await s.call('POST', `/api/workflows/${flow.body.id}/runs`, { ticket_id: ticket });
  expect([run.status, run.body.status]).toEqual([200, 'created']);
  const now = async () => (await s.call('GET', `/api/workflows/${flow.body.id}`)).body.runs[0];
  /** People approve what the steps propose. */
  const approve = async () => {
    for (const change of (await s.call('GET', '/api/changes?status=pending')).body.changes as { id: number }[])
      await s.call('POST', `/api/changes/${change.id}/approve`, {});
  };
  await until(
    async () => {
      await approve();
      const [, ...together] = (await now()).steps as { agent_ids: number[] }[];
      const agents = together.flatMap((t) => t.agent_ids);
      const { rows } = await s.owner.query<{ n: number }>(
      'select count(*)::int as n from executions e join runs r on r.id = e.owner_id where r.number = any($1)', [agents]); // prettier-ignore
      return agents.length === 2 && (rows[0]?.n ?? 0) >= 3;
    },
    'the two steps that go on together to be under way',
    60_000,
  );
  await kill(first);
  expect((await now()).status).toBe('running');
  const second = await workerProcess(s);
  const ended = await until(async () => {
    await approve();
    const it = await now();
    return it.status === 'running' ? null : it;
  }, 'the pipeline to end', 90_000); // prettier-ignore
  expect([ended.status, ended.steps.map((t: { status: string; attempts: number }) => [t.status, t.attempts])]).toEqual([
    'completed', Array.from({ length: 4 }, () => ['completed', 1]),
  ]); // prettier-ignore
  const agents = ended.steps.flatMap((t: { agent_ids: number[] }) => t.agent_ids);
  expect(new Set(agents).size).toBe(4);
  const { rows } = await s.owner.query(
    `select (select count(*) from runs)::int as runs, (select count(*) from publications)::int as published,
       (select count(*) from log where kind = 'pipeline.step_ended')::int as ended,
       (select count(*) from (select owner_id, step from executions group by 1, 2 having count(*) > 1) twice)::int as twice`,
  );
  expect(rows[0]).toEqual({ runs: 4, published: 4, ended: 4, twice: 0 });
  expect((await s.call('GET', '/audit/logs/verify')).body.data.valid).toBe(true);
  second.kill('SIGTERM');
  await once(second, 'exit');
}, 180_000);
