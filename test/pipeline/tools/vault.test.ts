import fc from 'fast-check';
import { v7 } from 'uuid';
import { accessRequests } from '../../../db/access';
import { system } from '../../../domain/principal';
import type { Run } from '../../../domain/run';
import { matchesGlob, vaultCheck } from '../../../pipeline/tools/vault';
import { openHouse, type House } from '../../house';
import { use } from './context';

let house: House;

beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house.close());

/** A lease as the grant activity leaves it. */
async function lease(
  run: Run,
  scope: { system: string; type: string; id: string; action: string },
  over: { status?: string; seconds?: number } = {},
) {
  const at = new Date().toISOString();
  const access = {
    id: v7(), tenantId: run.tenantId, number: 0, ticketId: run.ticketId, accessTicketId: run.ticketId, runId: run.id, agentId: run.agentId, gateId: v7(),
    resource: scope.system, permission: 'read', accountRef: null, reason: null, assignmentGroup: 'IAM', raci: null, syncProvider: null, label: null, riskLevel: 'low', lease: null, leaseId: null,
    status: 'granted' as const, requester: system, onBehalfOf: null, approvalActor: null, evidence: null, createdAt: at, updatedAt: at, version: 1,
  }; // prettier-ignore
  await house.store.write(run.tenantId, async (tx) => {
    await accessRequests.insert(tx, access);
    await tx.query(
      `insert into leases (id, tenant_id, access_request_id, run_id, system, resource_type, resource_id, action, credential_ref, secret_sealed, status, expires_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, case when $10 = 'active' then 'a secret'::bytea end, $10, now() + make_interval(secs => $11))`,
      [
        v7(),
        run.tenantId,
        access.id,
        run.id,
        scope.system,
        scope.type,
        scope.id,
        scope.action,
        `<vault:${scope.id}>`,
        over.status ?? 'active',
        over.seconds ?? 60,
      ],
    );
  });
}

const ask = (run: Run, scope: string) => {
  const [system, resource_type, resource_id, action] = scope.split('/');
  return use<Record<string, unknown>>(house, vaultCheck, run, { system, resource_type, resource_id, action });
};
const newRun = async () => house.run(await house.ticket());

describe('vault.check', () => {
  test('allows what an active lease of the run covers, and shows no secret', async () => {
    const run = await newRun();
    await lease(run, { system: 'wazuh', type: 'alert_index', id: 'wazuh-alerts-*', action: 'read' });
    await lease(run, { system: 'gitlab', type: 'project', id: '*', action: '*' });
    const allowed = await ask(run, 'wazuh/alert_index/wazuh-alerts-2025.11/read');
    expect(allowed).toEqual({
      allow: true,
      lease_id: expect.any(Number) as unknown,
      credential_ref: '<vault:wazuh-alerts-*>',
      secret_values_returned: false,
    });
    expect(JSON.stringify(allowed)).not.toContain('a secret');
    expect(await ask(run, 'gitlab/project/demo/write')).toMatchObject({ allow: true });
  });

  test.each([
    ['wazuh/alert_index/other-alerts/read', 'another resource'],
    ['wazuh/api/wazuh-alerts-1/read', 'another type'],
    ['siem/alert_index/wazuh-alerts-1/read', 'another system'],
    ['wazuh/alert_index/wazuh-alerts-1/write', 'another action'],
    ['wazuh/alert_index/*/read', 'everything'],
  ])('%s is not covered: %s', async (scope) => {
    const run = await newRun();
    await lease(run, { system: 'wazuh', type: 'alert_index', id: 'wazuh-alerts-?', action: 'read' });
    expect(await ask(run, scope)).toEqual({
      allow: false,
      lease_id: null,
      credential_ref: null,
      secret_values_returned: false,
    });
  });

  test('neither an ended nor an expired lease allows anything, nor one of another run', async () => {
    const [run, other] = [await newRun(), await newRun()];
    const scope = { system: 'wazuh', type: 'api', id: 'wazuh.manager', action: 'read' };
    await lease(run, scope, { status: 'revoked' });
    await lease(run, scope, { seconds: -1 });
    await lease(other, scope);
    expect(await ask(run, 'wazuh/api/wazuh.manager/read')).toMatchObject({ allow: false });
  });

  test('takes the narrowest lease', async () => {
    const run = await newRun();
    for (const id of ['wazuh.manager', '*']) await lease(run, { system: 'wazuh', type: 'api', id, action: 'read' });
    expect(await ask(run, 'wazuh/api/wazuh.manager/read')).toMatchObject({ credential_ref: '<vault:wazuh.manager>' });
  });

  test.each([
    [{}],
    [{ system: 'a', resource_type: 'b', resource_id: '', action: 'c' }],
    [{ system: 'a', resource_type: 'b', resource_id: 'x\u0000', action: 'c' }],
  ])('%j are no arguments', (args) => expect(vaultCheck.args.safeParse(args).success).toBe(false));
});

describe('a glob', () => {
  test('matches as the regular expression that it stands for', () => {
    const regular = new Map([
      ['*', '.*'],
      ['?', '.'],
      ['.', '\\.'],
    ]);
    const part = fc.constantFrom('a', 'b', '*', '?', '.');
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 8 });
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), text, (parts, value) => {
        const pattern = new RegExp(`^${parts.map((p) => regular.get(p) ?? p).join('')}$`);
        return matchesGlob(parts.join(''), value) === pattern.test(value);
      }),
      { numRuns: 2_000 },
    );
  });

  test('takes no exponential time', () => {
    const started = performance.now();
    expect(matchesGlob('*a'.repeat(100), 'a'.repeat(199) + 'b')).toBe(false);
    expect(performance.now() - started).toBeLessThan(500);
  });
});
