import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { v7 } from 'uuid';
import { seal } from '../../log/keys';
import { startServer, type Answer, type Server } from '../harness';
import { stubWazuh } from '../stub-wazuh';
import { runKey, siblingKey, waitingAgent } from './working';

// Wazuh through the leases of agents, over HTTPS to a server that speaks its protocol.

let wazuh: Awaited<ReturnType<typeof stubWazuh>>;
let server: Server;
let folder: string;
let ticket: number;
let agent: number;

const settings = () => ({
  WAZUH_API_URL: wazuh.url, WAZUH_API_USER: wazuh.login.user, WAZUH_API_PASSWORD: wazuh.login.password,
  WAZUH_INDEXER_URL: wazuh.url, WAZUH_INDEXER_USER: wazuh.indexerLogin.user, WAZUH_INDEXER_PASSWORD: wazuh.indexerLogin.password,
  WAZUH_CA_FILE: join(folder, 'ca.pem'), WAZUH_TIMEOUT_MS: '600',
}); // prettier-ignore
beforeAll(async () => {
  wazuh = await stubWazuh();
  folder = mkdtempSync(join(tmpdir(), 'wheelhouse-wazuh-'));
  writeFileSync(join(folder, 'ca.pem'), wazuh.cert);
  server = await startServer(settings());
  ({ ticket, agent } = await waitingAgent(server));
});
afterAll(async () => {
  await server.close();
  await wazuh.close();
  rmSync(folder, { recursive: true, force: true });
});
afterEach(() => wazuh.heals());

const ask = (of: number, path: string) => server.call('GET', `/api/agents/${of}/wazuh/${path}`);
const status = (of = agent) => ask(of, 'manager/status');

/** Asked for, approved, completed: as people lend it. */
async function lend(s: Server, of: { ticket: number; agent: number }, body: object): Promise<void> {
  const asked = await s.call('POST', `/api/tickets/${of.ticket}/access-request`, {
    permission: 'read',
    agent_id: of.agent,
    ...body,
  });
  const second = s.as((await s.user('SECURITY_ANALYST')).token);
  const approved = await second('POST', `/api/changes/${asked.body.change_id}/approve`, {});
  const completed = await second('POST', `/api/changes/${asked.body.change_id}/complete`, { result: 'granted' });
  expect([asked.status, approved.status, completed.status]).toEqual([200, 200, 200]);
}
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
    `${server.admin.email} may not look at the status of Wazuh's manager for agent ${agent}: no active lease covers wazuh/api/wazuh.manager/read`,
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

describe('an installation without logins of its own', () => {
  let bare: Server;
  beforeAll(async () => {
    const { WAZUH_API_URL, WAZUH_CA_FILE } = settings();
    bare = await startServer({ WAZUH_API_URL, WAZUH_CA_FILE });
  });
  afterAll(() => bare.close());

  it('shows Wazuh what was leased; what is no login, and an indexer that is not there, are 502', async () => {
    const of = await waitingAgent(bare);
    await lend(bare, of, { resource: 'Wazuh manager API' });
    const look = (path: string) => bare.call('GET', `/api/agents/${of.agent}/wazuh/${path}`);
    expect(await look('manager/status')).toMatchObject({
      status: 502,
      body: { error: 'what was leased is no login of Wazuh' },
    });
    expect(await look('alerts/search')).toMatchObject({ status: 502, body: { reason: 'wazuh_not_configured' } });
    const { rows } = await bare.owner.query<{ id: string }>(`select id from leases where status = 'active'`);
    const lease = rows[0]?.id ?? v7();
    const { masterKey } = bare.config;
    if (!masterKey) throw new Error('no master key');
    for (const secret of [
      JSON.stringify({ username: wazuh.login.user, password: wazuh.login.password }),
      `${wazuh.login.user}:${wazuh.login.password}`,
    ]) {
      await bare.owner.query('update leases set secret_sealed = $2 where id = $1', [
        lease,
        seal(masterKey, secret, `lease:${lease}`),
      ]);
      expect((await look('manager/status')).status).toBe(200);
    }
    await bare.owner.query('update leases set secret_sealed = $2 where id = $1', [
      lease,
      seal(masterKey, 'wazuh-wui:wrong', `lease:${lease}`),
    ]);
    expect(await look('manager/status')).toMatchObject({
      status: 502,
      body: { error: expect.stringContaining('does not let us in') },
    });
  });
});

test('a server that the CA does not know is not spoken to; a tenant has no Wazuh of another', async () => {
  const { WAZUH_CA_FILE: _none, ...unknown } = settings();
  const wary = await startServer(unknown);
  try {
    const of = await waitingAgent(wary);
    await lend(wary, of, { resource: 'Wazuh manager API' });
    const before = wazuh.calls.length;
    const answer = await wary.call('GET', `/api/agents/${of.agent}/wazuh/manager/status`);
    expect([answer.status, answer.body.error]).toEqual([502, expect.stringMatching(/self-signed certificate/)]);
    expect(wazuh.calls).toHaveLength(before);
    await wary.owner.query(`update tenants set slug = 'other' where slug = 'local'`);
    expect(await wary.call('GET', `/api/agents/${of.agent}/wazuh/manager/status`)).toMatchObject({
      status: 502,
      body: { reason: 'wazuh_not_configured' },
    });
  } finally {
    await wary.close();
  }
});
