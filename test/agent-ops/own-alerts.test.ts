import { startServer, until, type Server } from '../harness';

// Runs of workflows here that end: the rules of their agent are looked at then, and not when the Schedule's turn comes.

let s: Server;
beforeAll(async () => void (s = await startServer({ ALERT_SECONDS: '86400', SWEEP_SECONDS: '86400' })));
afterAll(() => s.close());

const base = '/api/v1/agent-ops';
const alertsOf = async (agent: string) =>
  (await s.call('GET', `${base}/alerts?agent_name=${agent}`)).body.data as Record<string, any>[];
/** A run by hand that has ended so, and everything that the log holds by then has been looked at. */
async function ran(agentId: string, outcome: string): Promise<string> {
  const { run_id: id } = (await s.call('POST', `${base}/registry/${agentId}/test-run`, {})).body.data;
  await until(
    async () => (await s.owner.query('select from runs where id = $1 and status = $2', [id, outcome])).rowCount,
    `the run to be ${outcome}`,
  );
  await until(
    async () =>
      (
        await s.owner.query(
          `select from cursors where reader = 'alerts' and seq >= (select max(seq) from log where subject_id = $1)`,
          [id],
        )
      ).rowCount,
    'the rules to be looked at',
  );
  return id as string;
}

test('an own run that fails fires the rules of its agent, once an episode, naming the runs; one that is well ends it', async () => {
  const registered = await s.call('POST', `${base}/registry`, { name: 'ours', capabilities: [] });
  const agent = registered.body.data as { id: string; name: string };
  const rule = async (body: object): Promise<string> =>
    (await s.call('POST', `${base}/alert-rules`, { agent_name: 'ours', ...body })).body.data.id;
  const first = await rule({ type: 'consecutive_failures', threshold: { max_failures: 1 } });
  const second = await rule({ type: 'consecutive_failures', threshold: { max_failures: 2 }, notify_channel: 'log' });
  const rate = await rule({ type: 'error_rate', threshold: { max_error_rate: 0.5 } });
  const works = (harness: string) => s.owner.query('update agents set harness = $2 where id = $1', [agent.id, harness]);

  await works('gone'); // as when the worker that had it is away for good
  const one = await ran(agent.id, 'failed');
  expect((await alertsOf('ours')).map((a) => [a['rule_id'], a['run_ids']])).toEqual([[first, [one]]]);
  const two = await ran(agent.id, 'failed');
  expect((await alertsOf('ours')).map((a) => [a['rule_id'], a['run_ids']])).toEqual([
    [second, [two, one]],
    [first, [one]],
  ]);
  const more = [await ran(agent.id, 'failed'), await ran(agent.id, 'failed')].reverse();
  expect((await alertsOf('ours')).length).toBe(2);
  const five = await ran(agent.id, 'failed');
  expect((await alertsOf('ours'))[0]).toMatchObject({
    rule_id: rate,
    run_ids: [five, ...more, two, one],
    ended_at: null,
  });

  await works('embedded');
  await ran(agent.id, 'finished');
  const after = await alertsOf('ours');
  expect(after.map((a) => [a['rule_id'], a['ended_at'] === null])).toEqual([
    [rate, true], // five of six
    [second, false],
    [first, false],
  ]);
  await works('gone');
  const again = await ran(agent.id, 'failed');
  expect((await alertsOf('ours'))[0]).toMatchObject({ rule_id: first, run_ids: [again], ended_at: null });
  const { rows } = await s.owner.query<{ agent_id: string; n: number }>(
    `select agent_id, count(*)::int as n from log where kind = 'alert.fired' group by 1`,
  );
  expect(rows).toEqual([{ agent_id: agent.id, n: 4 }]);
});
