import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { sweep } from '../../workflows';
import { startServer, until, type Server } from '../harness';
import { temporal } from '../stack';
import { settles } from '../until';

// What ends by its time: signals that nobody acted on, and reported runs that are older than they are kept.

let s: Server;
let connection: Connection;
beforeAll(async () => {
  s = await startServer({ SWEEP_SECONDS: '86400', ALERT_SECONDS: '86400', RETENTION_REPORTED_RUNS_DAYS: '7' });
  connection = await Connection.connect({ address: temporal().address });
});
afterAll(async () => {
  await connection.close();
  await s.close();
});

const base = '/api/v1/agent-ops';
/** Two at once, as the Schedule's may come upon one that was started by hand. */
const sweepTwice = () =>
  Promise.all(
    [1, 2].map((n) =>
      new Client({ connection }).workflow.execute(sweep, {
        workflowId: `${s.config.taskQueuePrefix}-sweep-${n}-${randomUUID()}`,
        taskQueue: `${s.config.taskQueuePrefix}-lifecycle`,
        args: [],
      }),
    ),
  );
const summary = async () => (await s.call('GET', `${base}/dashboard`)).body.data.summary;
const counted = async () =>
  (
    await s.owner.query<{ n: number; tallied: number }>(
      `select (select count(*)::int from agent_signals where status = 'pending') as n,
         (select sum(n)::int from signal_tallies) as tallied`,
    )
  ).rows[0];

test('a signal whose time is over gets its end and its entry, once; those that wait are counted without a look at them', async () => {
  await s.owner.query(
    `insert into agent_signals (id, tenant_id, for_agent, created_by, signal, expires_at)
     select gen_random_uuid(), $1, 'late', 'seed', 'look', now() - i * interval '1 second' from generate_series(1, 600) i`,
    [s.tenantId],
  );
  const send = async (more: object) =>
    (await s.call('POST', `${base}/signals`, { for_agent: 'late', created_by: 'x', signal: 'look', ...more })).body
      .data as { id: string };
  const soon = await send({ expires_at: new Date(Date.now() + 3_600_000).toISOString() });
  const never = await send({});
  const acted = await send({});
  expect((await s.call('PATCH', `${base}/signals/${acted.id}`, {})).status).toBe(200);
  expect(await summary()).toMatchObject({ pending_signals: 2 }); // those that are over count no more, swept or not
  expect(await counted()).toEqual({ n: 602, tallied: 602 });

  // What two at once leave to each other is the next one's.
  await settles(async () => {
    await sweepTwice();
    expect(await counted()).toEqual({ n: 2, tallied: 2 });
  }, 60_000);
  expect(await summary()).toMatchObject({ pending_signals: 2 });
  const { rows } = await s.owner.query<{ n: number; signals: number }>(
    `select count(*)::int as n, count(distinct subject_id)::int as signals from log where kind = 'signal.expired'`,
  );
  expect(rows).toEqual([{ n: 600, signals: 600 }]);
  const over = (await s.call('GET', `${base}/signals?for_agent=late&pending=false&limit=100`)).body.data;
  expect(new Set(over.map((x: { status: string }) => x.status))).toEqual(new Set(['actioned', 'expired']));
  const expired = over.find((x: { status: string }) => x.status === 'expired');
  expect((await s.call('PATCH', `${base}/signals/${expired.id}`, {})).status).toBe(409);
  const waiting = (await s.call('GET', `${base}/signals?for_agent=late&pending=true`)).body.data;
  expect(waiting.map((x: { id: string }) => x.id)).toEqual([never.id, soon.id]);
  await s.owner.query('select tally_signals_afresh()');
  expect(await counted()).toEqual({ n: 2, tallied: 2 });
});

test('whoever acts on a signal while its time runs out: it has one end, and the entry of that one', async () => {
  await s.owner.query(
    `insert into agent_signals (id, tenant_id, for_agent, created_by, signal, expires_at)
     select gen_random_uuid(), $1, 'raced', 'seed', 'look', now() + i * interval '20 milliseconds' from generate_series(1, 40) i`,
    [s.tenantId],
  );
  const { rows } = await s.owner.query<{ id: string }>(`select id from agent_signals where for_agent = 'raced'`);
  const acting = Promise.all(rows.map(({ id }) => s.call('PATCH', `${base}/signals/${id}`, {})));
  await sweepTwice();
  const answers = await acting;
  await until(
    async () => (await s.call('GET', `${base}/signals?for_agent=raced&pending=true`)).body.data.length === 0,
    'all to be over',
  );
  await sweepTwice();
  const ends = await s.owner.query<{ id: string; status: string; kinds: string[] }>(
    `select s.id, s.status, array_agg(l.kind) as kinds from agent_signals s join log l on l.subject_id = s.id::text
     where s.for_agent = 'raced' group by 1, 2`,
  );
  expect(ends.rows).toHaveLength(40);
  for (const [i, { id }] of rows.entries()) {
    const end = ends.rows.find((e) => e.id === id);
    const expected = answers[i]?.status === 200 ? 'actioned' : 'expired';
    expect([answers[i]?.status, end?.status, end?.kinds]).toEqual([
      expected === 'actioned' ? 200 : 409, expected, [`signal.${expected}`],
    ]); // prettier-ignore
  }
});

test('a reported run goes when it is old enough, by its end; lists, tallies and statistics go by what is there', async () => {
  const ago = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString();
  await s.call('POST', `${base}/registry`, { name: 'old', runtime: 'external' });
  const report = (eve_id: string, more: object) =>
    s.call('POST', `${base}/runs`, { eve_id, agent_name: 'old', ...more });
  await report('success', { status: 'completed', started_at: ago(20), completed_at: ago(19) });
  for (const day of [10, 9, 8]) await report(`failure ${day}`, { status: 'failed', completed_at: ago(day) });
  await report('abandoned', { status: 'started', started_at: ago(7.1) });
  await report('long', { status: 'failed', started_at: ago(12), completed_at: ago(1) });
  await report('goes on', { status: 'started', started_at: ago(6) });
  const agent = async () =>
    (await s.call('GET', `${base}/registry`)).body.data.find((a: { name: string }) => a.name === 'old');
  const before = await agent();
  expect(before).toMatchObject({
    consecutive_failures: 4,
    last_success_at: expect.any(String),
  });
  await sweepTwice();
  const left = (await s.call('GET', `${base}/runs?agent_name=old`)).body.data.map((r: { eve_id: string }) => r.eve_id);
  expect(left.sort()).toEqual(['goes on', 'long']);
  expect(await agent()).toEqual(before);
  const { rows } = await s.owner.query<{ body: object }>(`select body from log where kind = 'reported_runs.expired'`);
  expect(rows.map((r) => r.body)).toEqual([{ rows: 5, up_to: expect.any(String), kept_days: 7 }]);
  const tallied = await s.owner.query<{ n: number }>('select sum(n)::int as n from run_tallies');
  expect(tallied.rows).toEqual([{ n: 2 }]);

  // Its name is free again, and an end that is reported late counts as it would have.
  expect((await report('success', { status: 'failed', completed_at: ago(0.5) })).status).toBe(201);
  expect(await agent()).toMatchObject({ consecutive_failures: 5, last_success_at: before.last_success_at });
  await report('better', { status: 'completed' });
  expect(await agent()).toMatchObject({ consecutive_failures: 0 });
});

test('rules of an agent that nobody registered count the failures that are gone', async () => {
  const ago = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString();
  const rule = { type: 'consecutive_failures', threshold: { max_failures: 4 }, agent_name: 'unknown' };
  for (const day of [10, 9, 8])
    await s.call('POST', `${base}/runs`, { agent_name: 'unknown', status: 'failed', completed_at: ago(day) });
  await sweepTwice();
  expect((await s.call('GET', `${base}/runs?agent_name=unknown`)).body.data).toEqual([]);
  await s.call('POST', `${base}/alert-rules`, rule);
  const run = await s.call('POST', `${base}/runs`, { agent_name: 'unknown', status: 'failed' });
  const alert = await until(
    async () => (await s.call('GET', `${base}/alerts?agent_name=unknown`)).body.data[0],
    'the alert',
  );
  expect(alert).toMatchObject({ message: expect.stringContaining('failed 4 times'), run_ids: [run.body.data.id] });
});
