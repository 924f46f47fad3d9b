import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Server } from '../harness';
import { stubWazuh } from '../stub-wazuh';

/** A Wazuh that speaks its protocol over HTTPS, and what a server needs to know of it; there from `beforeAll` on. */
export function wazuhHere() {
  const here = {} as { wazuh: Awaited<ReturnType<typeof stubWazuh>>; settings: () => Record<string, string> };
  let folder: string;
  beforeAll(async () => {
    const wazuh = await stubWazuh();
    folder = mkdtempSync(join(tmpdir(), 'wheelhouse-wazuh-'));
    writeFileSync(join(folder, 'ca.pem'), wazuh.cert);
    const settings = () => ({
      WAZUH_API_URL: wazuh.url, WAZUH_API_USER: wazuh.login.user, WAZUH_API_PASSWORD: wazuh.login.password,
      WAZUH_INDEXER_URL: wazuh.url, WAZUH_INDEXER_USER: wazuh.indexerLogin.user, WAZUH_INDEXER_PASSWORD: wazuh.indexerLogin.password,
      WAZUH_CA_FILE: join(folder, 'ca.pem'), WAZUH_TIMEOUT_MS: '600',
    }); // prettier-ignore
    Object.assign(here, { wazuh, settings });
  });
  afterAll(async () => {
    await here.wazuh.close();
    rmSync(folder, { recursive: true, force: true });
  });
  afterEach(() => here.wazuh.heals());
  return here;
}

/** Asked for, approved, completed: as people lend it. */
export async function lend(s: Server, of: { ticket: number; agent: number }, body: object): Promise<void> {
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
