import { v7 } from 'uuid';
import { seal } from '../../log/keys';
import { startServer, type Server } from '../harness';
import { lend, wazuhHere } from './wazuh-here';
import { waitingAgent } from './working';

// Installations that know less of Wazuh than all: each is a server of its own.

const here = wazuhHere();
let wazuh: typeof here.wazuh;
let settings: typeof here.settings;
beforeAll(() => void ({ wazuh, settings } = here));

describe('an installation without logins of its own', () => {
  let bare: Server;
  beforeAll(async () => {
    const { WAZUH_API_URL = '', WAZUH_CA_FILE = '' } = settings();
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
