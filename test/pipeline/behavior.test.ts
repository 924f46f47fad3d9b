import { v7 } from 'uuid';
import { callFacts } from '../../db/executions';
import { learnHabits, type Habits } from '../../db/habits';
import { system } from '../../domain/principal';
import { assessBehavior } from '../../pipeline/screening/behavior';
import { openHouse, type House } from '../house';

let house: House;
beforeAll(async () => void (house = await openHouse()));
afterAll(() => house.close());

const usual: Habits = {
  calls: 400,
  ageHours: 72,
  perHour: 6,
  thisHour: 5,
  atThisTime: 30,
  ofTool: 90,
  recent: [],
  others: [],
};
const signals = (change: Partial<Habits>, findings: string[] = []) =>
  assessBehavior({ ...usual, ...change }, 'orders.pay', findings).signals.map((s) => s.id);

test.each<[string, Partial<Habits>, string[], string[], number]>([
  ['as usual', {}, [], [], 0],
  ['a new tool', { ofTool: 0 }, [], [], 0.3],
  ['a new tool at an odd hour', { ofTool: 0, atThisTime: 1 }, [], ['behavior_baseline_drift'], 0.6],
  ['a rush with a new tool', { ofTool: 0, thisHour: 60 }, [], ['behavior_baseline_drift'], 0.6],
  ['a rush that is less than usual five times', { thisHour: 60, perHour: 13, ofTool: 0 }, [], [], 0.3],
  ['the same of a young agent', { ofTool: 0, atThisTime: 0, ageHours: 23 }, [], [], 0],
  ['and of one that did little', { ofTool: 0, atThisTime: 0, calls: 99 }, [], [], 0],
  [
    'a chain',
    { recent: [['compression_for_exfil'], ['ssh_credential_path']] },
    ['data_upload'],
    ['attack_chain_match'],
    0,
  ],
  [
    'a chain of several agents of a ticket',
    { recent: [['ssh_credential_path']], others: [['personal_data_in_result']] },
    ['data_upload'],
    ['cross_agent_kill_chain'],
    0,
  ],
  ['what others did, and no way out', { others: [['ssh_credential_path', 'personal_data_in_result']] }, [], [], 0],
  ['a chain without its middle', { recent: [['ssh_credential_path']] }, ['data_upload'], [], 0],
])('%s', (_, change, findings, found, anomaly) => {
  expect(signals(change, findings)).toEqual(found);
  const { scores, signals: why } = assessBehavior({ ...usual, ...change }, 'orders.pay', findings);
  expect(scores.anomaly).toBeCloseTo(anomaly);
  for (const { evidence } of why) expect(evidence).not.toBe('');
});

test('habits are what the log says, of what was carried out, by tool and hour, once each', async () => {
  const agentId = v7();
  const { tenantId, store, owner } = house;
  const called = async (decision: string, tool: string, hoursAgo: number, count: number) => {
    const ids = Array.from({ length: count }, () => v7());
    await store.write(tenantId, (tx) => {
      for (const id of ids)
        tx.log({
          id,
          kind: `execution.${decision}`,
          actor: system,
          subject: { kind: 'execution', id },
          agentId,
          tool,
          decision,
        });
      return Promise.resolve();
    });
    await owner.query('set session_replication_role = replica'); // past the trigger that refuses it
    await owner.query(`update log set at = date_trunc('hour', now()) - $2 * interval '1 hour' where id = any($1)`, [
      ids,
      hoursAgo,
    ]);
    await owner.query('set session_replication_role = origin');
  };
  const learned: number[] = [];
  const learn = async (most: number) => learned.push(await store.write(tenantId, (tx) => learnHabits(tx, most)));
  await called('allow', 'read_log', 48, 30);
  await learn(10_000);
  await called('allow', 'read_log', 24, 20);
  await called('monitor', 'orders.pay', 1, 10);
  await called('deny', 'read_log', 0, 7);
  await called('allow', 'read_log', 0, 5);
  await called('allow', 'read_log', 0, 1);
  await learn(41); // within an hour
  await learn(10_000);
  await learn(10_000);
  expect(learned.slice(1)).toEqual([41, 2, 0]);
  const asked = { ownerId: v7(), step: 1, agentId, ticketId: null };
  const [log, other] = await store.read(tenantId, (tx) =>
    callFacts(tx, [
      { ...asked, tool: 'read_log' },
      { ...asked, tool: 'never' },
    ]),
  );
  expect(log?.habits).toMatchObject({ calls: 66, perHour: 16.5, thisHour: 6, atThisTime: 56, ofTool: 56 });
  expect(log?.habits.ageHours).toBeGreaterThanOrEqual(48);
  expect(other?.habits).toMatchObject({ calls: 66, ofTool: 0 });
});

test('of what an agent did last, twenty calls of an hour are looked at', async () => {
  const agentId = v7();
  await house.owner.query(
    `insert into executions (id, tenant_id, agent_id, tool, args, args_digest, decision, risk, findings, stages, started_at, duration_ms)
     select gen_random_uuid(), $1, $2, 'read_log', '{}', '', 'allow', 0, array[i::text], '[]', now() - i * interval '1 minute', 1
     from generate_series(1, 30) i`,
    [house.tenantId, agentId],
  );
  const { id: ticketId } = await house.ticket();
  await house.owner.query(
    `insert into executions (id, tenant_id, agent_id, ticket_id, tool, args, args_digest, decision, risk, findings, stages, started_at, duration_ms)
     select gen_random_uuid(), $1, a, $4, 'read_log', '{}', '', 'deny', 0, f, '[]', now() - age, 1
     from (values ($2::uuid, '{own}'::text[], interval '0'), ($3, '{theirs}', '1 minute'), ($3, '{}', '2 minutes'), ($3, '{old}', '61 minutes')) v (a, f, age)`,
    [house.tenantId, agentId, v7(), ticketId],
  );
  const asked = { ownerId: v7(), step: 1, agentId, ticketId, tool: 'read_log' };
  const [facts] = await house.store.read(house.tenantId, (tx) => callFacts(tx, [asked]));
  expect(facts?.habits.others).toEqual([['theirs']]);
  expect(facts?.habits.recent).toEqual([['own'], ...Array.from({ length: 19 }, (_, i) => [`${i + 1}`])]);
});
