import { startServer, type Server } from '../harness';

let server: Server;
beforeAll(async () => void (server = await startServer({}, { worker: false })));
afterAll(() => server.close());

const published = { inference: 0.35, behavior: 0.3, anomaly: 0.15, cost: 0.1, cross_agent: 0.1 };
const put = (weights: unknown) => server.call('PUT', '/risk/signal-weights', { weights });
const changes = async () =>
  (await server.owner.query(`select body from log where kind = 'risk_weights.changed' order by seq`)).rows;

describe('what counts in the risk of a call', () => {
  test('is what was published, until a tenant changes it: in part, and logged once', async () => {
    const first = await server.call('GET', '/risk/signal-weights');
    expect(first.body.data.weights).toEqual(published);
    expect(first.body.data.signals).toContainEqual({ key: 'cost', label: expect.any(String), weight: 0.1 });
    const changed = await put({ inference: 0.45, behavior: 0.2, unheard_of: 5 });
    expect([changed.status, changed.body.data.weights]).toEqual([
      200,
      { ...published, inference: 0.45, behavior: 0.2 },
    ]);
    expect((await put({ inference: 0.45 })).status).toBe(200);
    expect((await server.call('GET', '/risk/signal-weights')).body.data).toEqual(changed.body.data);
    expect(await changes()).toEqual([{ body: { before: published, weights: changed.body.data.weights } }]);
    const other = server.as((await server.tenant()).token);
    const theirs = await other('GET', '/risk/signal-weights');
    expect(theirs.body.data.weights).toEqual(published);
  });

  test.each<[string, unknown, string]>([
    ['more than 1 together', { cost: 0.5 }, 'together they make 1.400'],
    ['more than 1', { cost: 1.5 }, 'Validation failed'],
    ['less than nothing', { cost: -0.1, anomaly: 0.35 }, 'Validation failed'],
    ['no number', { cost: '0.1' }, 'Validation failed'],
    ['no object', 7, 'Validation failed'],
  ])('%s: 422, and nothing changes', async (_, weights, error) => {
    const before = await changes();
    const answer = await put(weights);
    expect([answer.status, answer.body.error]).toEqual([422, expect.stringContaining(error)]);
    expect(await changes()).toEqual(before);
  });
});

describe('what calls came to', () => {
  const agent = '01890000-0000-7000-8000-00000000a9e1';
  beforeAll(async () => {
    await server.owner.query(`insert into agents (id, tenant_id, name, harness) values ($1, $2, 'bold', 'embedded')`, [
      agent,
      server.tenantId,
    ]);
    const made = [['allow', 0.1], ['monitor', 0.35], ['escalate', 0.75], ['deny', 0.7], ['kill', 0.95], ['kill', 0.96]].map(
      ([decision, risk], i) => ({ seq: i + 1, decision, body: JSON.stringify({ risk_score: risk, findings: [] }) }),
    ); // prettier-ignore
    await server.owner.query(
      `insert into log (tenant_id, seq, id, at, kind, actor, subject_kind, subject_id, agent_id, tool, decision, body, digest,
         prev_hash, hash, chain_shard, event_prev, event_hash)
       select $1, (select coalesce(max(seq), 0) from log where tenant_id = $1) + seq, gen_random_uuid(), now(), 'execution.' || decision,
         '{"id":null,"kind":"system","name":"t"}', 'execution', seq::text, $3, 'orders.pay', decision, body::json, '', '', '', 0, '', ''
       from jsonb_to_recordset($2::jsonb) as r (seq bigint, decision text, body text)`,
      [server.tenantId, JSON.stringify(made), agent],
    );
  });

  test('the risk page has the tiles of the audit page, its days, and who was refused most', async () => {
    const [tiles, same, days, threats] = await Promise.all(
      ['/risk/summary', '/audit/logs/summary', '/risk/timeline?days=2', '/risk/top-threats?limit=5'].map((path) =>
        server.call('GET', path),
      ),
    );
    expect(tiles?.body.data).toMatchObject({
      total_calls: 6,
      total_denials: 3,
      high_risk_agents: 1,
      most_used_tool: 'orders.pay',
    });
    expect(tiles?.body).toEqual(same?.body);
    expect(days?.body.data).toEqual([
      { date: expect.any(String), count: 0, threats: 0, avg_risk: 0 },
      { date: new Date().toISOString().slice(0, 10), count: 6, threats: 3, avg_risk: 0.635 },
    ]);
    expect(threats?.body.data).toEqual([{ agent_id: agent, threat_count: 3, avg_risk_score: 0.635 }]);
  });

  test('decisions are counted, and the last of them listed', async () => {
    const { data } = (await server.call('GET', '/decision/summary')).body;
    expect(data).toMatchObject({
      threats_blocked: 3, high_risk_agents: 1, total_requests: 6, allow: 1, monitor: 1, throttle: 0, escalate: 1, deny: 3, kill: 2,
    }); // prettier-ignore
    expect([data.metrics.length, data.metrics.at(-1).score]).toEqual([30, 64]);
    const { items } = (await server.call('GET', '/decision/history?limit=2')).body.data;
    expect(items.map((i: { action: string; decision: string }) => [i.action, i.decision])).toEqual([
      ['execute_tool', 'kill'],
      ['execute_tool', 'kill'],
    ]);
    for (const path of ['/decision/history?limit=201', '/risk/top-threats?limit=0', '/risk/timeline?days=91']) {
      expect((await server.call('GET', path)).status).toBe(422);
    }
  });

  test('another tenant sees none of it', async () => {
    const other = server.as((await server.tenant()).token);
    expect((await other('GET', '/risk/summary')).body.data.total_calls).toBe(0);
    expect((await other('GET', '/decision/history')).body.data.items).toEqual([]);
    expect((await other('GET', `/risk/timeline?days=1&agent_id=${agent}`)).body.data[0].count).toBe(0);
  });
});
