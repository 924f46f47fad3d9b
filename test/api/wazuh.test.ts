import { startServer, type Answer, type Server } from '../harness';
import { lend, wazuhHere } from './wazuh-here';
import { runKey, siblingKey, waitingAgent } from './working';

// Wazuh through the leases of agents, over HTTPS to a server that speaks its protocol.

const here = wazuhHere();
let wazuh: typeof here.wazuh;
let server: Server;
let ticket: number;
let agent: number;
beforeAll(async () => {
  ({ wazuh } = here);
  server = await startServer(here.settings());
  ({ ticket, agent } = await waitingAgent(server));
});
afterAll(() => server.close());

const ask = (of: number, path: string) => server.call('GET', `/api/agents/${of}/wazuh/${path}`);
const status = (of = agent) => ask(of, 'manager/status');

const logged = async (kind: string) =>
  (await server.owner.query(`select decision, reason, body from log where kind = $1 order by seq`, [kind])).rows;
const noSecret = (a: Answer): void => {
  for (const secret of [wazuh.login.password, wazuh.indexerLogin.password]) expect(a.text).not.toContain(secret);
  expect(a.text).not.toMatch(/eyJ/);
};

test('without a lease nobody is asked, and that is written down', async () => {
  for (const path of ['manager/status', 'rules/5710', 'alerts/search']) {
    const refused = await ask(agent, path);
    expect(refused).toMatchObject({
      status: 403,
      body: { detail: { allow: false, reason: 'missing_agent_vault_lease' } },
    });
  }
  expect(wazuh.calls).toEqual([]);
  expect((await logged('lease.checked')).map((e) => [e.decision, e.body.summary])).toContainEqual([
    'deny',
    expect.stringMatching(
      `^sealed\\(.* may not look at the status of Wazuh's manager for agent ${agent}: no active lease covers wazuh/api/wazuh.manager/read$`,
    ),
  ]);
});

describe('under the lease that the words of a request come to', () => {
  beforeAll(() => lend(server, { ticket, agent }, { resource: 'Wazuh manager API' }));

  it('answers what the manager says, with the lease and without a secret; the agent itself may ask as well', async () => {
    const own = server.as(await runKey(server, agent));
    const [lease] = (await server.call('GET', `/api/agents/${agent}/vault`)).body.leases;
    for (const answer of [await status(), await own('GET', `/api/agents/${agent}/wazuh/manager/status`)]) {
      expect(answer).toMatchObject({
        status: 200,
        body: {
          agent_id: agent, lease_id: lease.id, credential_ref: lease.credential_ref, secret_values_returned: false,
          broker_trace: { decision: 'allow', audited: true, scope: 'wazuh/api/wazuh.manager/read', secret_values_returned: false },
          data: { affected_items: [{ 'wazuh-analysisd': 'running', 'wazuh-maild': 'stopped' }], total_affected_items: 1 },
        },
      }); // prettier-ignore
      noSecret(answer);
    }
    const used = await logged('lease.used');
    expect(used.at(-1)).toMatchObject({
      decision: 'allow',
      body: { secret_values_returned: false, what: "the status of Wazuh's manager" },
    });
    expect(used[0].body.summary).toMatch(/looks at the status of Wazuh's manager for agent \d+ under lease \d+/);
    expect(await logged('wazuh.answered')).toHaveLength(used.length);
  });

  it('reads a rule; one that Wazuh does not have is 404', async () => {
    expect((await ask(agent, 'rules/5710')).body).toMatchObject({
      rule_id: 5710,
      data: { affected_items: [{ id: 5710, level: 5 }] },
    });
    expect(await ask(agent, 'rules/99')).toMatchObject({ status: 404, body: { error: 'Wazuh has no rule 99' } });
  });

  it('searches alerts by rule and address, newest first, as many as are asked for', async () => {
    const alert = (id: string, minute: number, rule: string, more: object) =>
      wazuh.alert(id, { timestamp: `2026-11-27T10:0${minute}:00.000+0000`, rule: { id: rule }, ...more });
    alert('a', 1, '5710', { data: { srcip: '203.0.113.7' } });
    alert('b', 3, '5710', { agent: { ip: '203.0.113.7' }, full_log: 'login password=hunter2-and-more failed' });
    alert('c', 2, '5715', { data: { srcip: '203.0.113.7' } });
    alert('d', 4, '5710', { data: { srcip: '198.51.100.1' } });
    const ids = async (query: string) => {
      const { status, body } = await ask(agent, `alerts/search?${query}`);
      expect(status).toBe(200);
      return [body.data.total, ...body.data.alerts.map((a: { id: string }) => a.id)];
    };
    expect(await ids('')).toEqual([4, 'd', 'b', 'c', 'a']);
    expect(await ids('source_ip=203.0.113.7&rule_id=5710')).toEqual([2, 'b', 'a']);
    expect(await ids('limit=1')).toEqual([4, 'd']);
    const found = await ask(agent, 'alerts/search?rule_id=5710&source_ip=203.0.113.7&limit=50');
    expect(found.body.query).toEqual({ index: 'wazuh-alerts-*', rule_id: 5710, source_ip: '203.0.113.7', limit: 50 });
    expect(found.text).not.toContain('hunter2'); // what stands in a log line is taken out as from any tool
    noSecret(found);
    for (const wrong of ['limit=51', 'limit=0', 'source_ip=nowhere', 'rule_id=x']) {
      const [field = ''] = wrong.split('=');
      expect(await ask(agent, `alerts/search?${wrong}`)).toMatchObject({ status: 400, body: { field } });
    }
  });

  it('asks for one token, also for many at once, and for another when Wazuh does not know it any more', async () => {
    await status();
    const before = wazuh.logins();
    expect((await Promise.all([1, 2, 3].map(() => status()))).map((a) => a.status)).toEqual([200, 200, 200]);
    expect(wazuh.logins()).toBe(before);
    wazuh.expireTokens();
    expect((await status()).status).toBe(200);
    expect(wazuh.logins()).toBe(before + 1);
    wazuh.fails(/status/, { kind: 'http', status: 401 });
    expect(await status()).toMatchObject({ status: 502 });
    expect(wazuh.logins()).toBe(before + 2); // once, not for ever
  });

  it.each([
    ['manager/status', /manager/, { kind: 'http', status: 500 }, 'answered HTTP 500'],
    ['manager/status', /manager/, { kind: 'http', status: 429 }, 'answered HTTP 429'],
    ['manager/status', /manager/, { kind: 'page' }, 'answered something else'],
    ['manager/status', /manager/, { kind: 'long' }, 'longer than'],
    ['manager/status', /manager/, { kind: 'silence' }, 'no answer within 600 ms'],
    ['manager/status', /manager/, { kind: 'hang-up' }, 'did not answer'],
    ['alerts/search', /_search/, { kind: 'http', status: 403 }, 'does not let us in'],
    ['alerts/search', /_search/, { kind: 'page' }, 'answered something else'],
    ['alerts/search', /_search/, { kind: 'silence' }, 'no answer within 600 ms'],
    ['alerts/search', /_search/, { kind: 'long' }, 'longer than'],
  ] as const)('%s, where %s meets %j, is 502 in plain words and in the log', async (path, where, what, words) => {
    wazuh.fails(where, what);
    const answer = await ask(agent, path);
    expect([answer.status, answer.body.error]).toEqual([502, expect.stringContaining(words)]);
    noSecret(answer);
    expect((await logged('wazuh.failed')).at(-1)).toMatchObject({
      reason: answer.body.error,
      body: { outcome: 'BadGateway' },
    });
    wazuh.heals();
    expect((await ask(agent, path)).status).toBe(200);
  });

  it('a token that is none is not shown to anybody', async () => {
    wazuh.expireTokens();
    wazuh.fails(/authenticate/, { kind: 'page' }, 1);
    expect(await status()).toMatchObject({ status: 502 });
    expect((await status()).status).toBe(200);
  });

  it('is of that agent alone, and over with its time, the kill switch, or its run', async () => {
    const other = await waitingAgent(server);
    expect((await status(other.agent)).status).toBe(403);
    const stranger = server.as(await runKey(server, other.agent));
    expect((await stranger('GET', `/api/agents/${agent}/wazuh/manager/status`)).status).toBe(404);
    const sibling = server.as(await siblingKey(server, agent));
    expect((await sibling('GET', `/api/agents/${agent}/wazuh/manager/status`)).status).toBe(404);
    const kill = `/decision/kill-switch/${server.tenantId}`;
    expect((await server.call('POST', kill, { reason: 'drill' })).status).toBe(200);
    expect((await status()).status).toBe(403);
    expect((await server.call('DELETE', kill)).status).toBe(200);
    expect((await status()).status).toBe(200);
    await server.owner.query(`update leases set expires_at = now() + interval '0.3 seconds' where status = 'active'`);
    expect((await status()).status).toBe(403);
    await server.owner.query(`update leases set expires_at = now() + interval '1 hour' where status = 'active'`);
    await server.call('POST', `/api/agents/${agent}/stop`);
    expect((await status()).status).toBe(403);
  });

  it('nothing of it is in the log: no password, no token', async () => {
    const { rows } = await server.owner.query<{ n: number }>(
      `select count(*)::int as n from log where body::text like any($1)`,
      [[`%${wazuh.login.password}%`, `%${wazuh.indexerLogin.password}%`, '%eyJ%']],
    );
    expect(rows).toEqual([{ n: 0 }]);
  });
});

test('a lease of some indices opens those, and not the manager', async () => {
  const of = await waitingAgent(server);
  wazuh.alert('old', { timestamp: '2025-01-01T00:00:00.000+0000', rule: { id: '1' } }, 'wazuh-alerts-3.x-2025.01.01');
  await lend(server, of, { resource: 'Wazuh alert index wazuh-alerts-3.x-*' });
  const found = await ask(of.agent, 'alerts/search');
  expect(found.body).toMatchObject({
    query: { index: 'wazuh-alerts-3.x-*' },
    data: { total: 1, alerts: [{ id: 'old' }] },
  });
  expect((await status(of.agent)).status).toBe(403);
});
