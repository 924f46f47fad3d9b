import { v7 } from 'uuid';
import { callFacts } from '../../db/executions';
import { openHouse, type House } from '../house';

let house: House;
beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house.close());

/** What a busy tenant's agent has called in the last minutes. */
const called = (decision: string, count: number, reason = 'policy_deny') =>
  house.owner.query(
    `insert into executions (id, tenant_id, agent_id, tool, args, args_digest, decision, reasons, risk, stages, started_at, duration_ms)
     select gen_random_uuid(), $1, $2, 'read_log', '{}', '', $3, jsonb_build_array(jsonb_build_object('code', $5::text)), 0, '[]', now() - i * interval '10 milliseconds', 1
     from generate_series(1, $4::int) i`,
    [house.tenantId, house.analystId, decision, count, reason],
  );

test('how often an agent was refused is found without reading the calls that it was allowed', async () => {
  await called('allow', 20_000);
  await called('deny', 3);
  await called('kill', 1);
  // What came of those, or of trouble, is no more of them.
  await called('deny', 1, 'anomalous_behavior_detected');
  await called('deny', 1, 'policy_unavailable');
  await house.owner.query('analyze executions');
  const call = { ownerId: v7(), step: 1, agentId: house.analystId, tool: 'read_log', ticketId: null };
  const { denials, read } = await house.store.read(house.tenantId, async (tx) => {
    const [facts] = await callFacts(tx, [call]);
    const { rows } = await tx.query<{ read: number }>(
      `select (seq_tup_read + idx_tup_fetch)::int as read from pg_stat_xact_user_tables where relname = 'executions'`,
    );
    return { denials: facts?.denials, read: rows[0]?.read };
  });
  expect(denials).toBe(4);
  // Those six, and the twenty that it made last.
  expect(read).toBeLessThanOrEqual(26);
});
