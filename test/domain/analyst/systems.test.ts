import { namedSystems } from '../../../domain/analyst/systems';
import { answers, brief, note, play } from './kernel';

const leases = (text: string) =>
  namedSystems(brief({ ticket: { title: text, description: '' } })).map(({ lease }) => lease);

describe('systems that the work names', () => {
  it.each([
    ['alerts in the SIEM', { system: 'wazuh', resourceType: 'api', resourceId: 'wazuh.manager' }],
    [
      'wazuh alert index wazuh-alerts-4.x, please',
      { system: 'wazuh', resourceType: 'alert_index', resourceId: 'wazuh-alerts-4.x' },
    ],
    [
      'look into GitLab project infra/bastion.',
      { system: 'gitlab', resourceType: 'project', resourceId: 'infra/bastion' },
    ],
    ['gitlab is slow', { system: 'gitlab', resourceType: 'project', resourceId: '*' }],
    ['the mailbox of ada@example.org', { system: 'mailcow', resourceType: 'mailbox', resourceId: 'ada@example.org' }],
  ])('%s', (text, lease) => {
    expect(leases(text)).toEqual([{ ...lease, action: 'read' }]);
  });

  it('takes whole words only', () => {
    expect(leases('siemens, gitlabs and mailboxes')).toEqual([]);
  });

  it('asks once for a system, however it is called, and goes on without waiting', () => {
    const at = brief({ prompt: 'Check GitLab.', ticket: { title: 'Wazuh, our SIEM, is loud' } });
    const { requests, calls, report } = play(at, answers({}));
    expect(requests.map(({ lease }) => lease.system)).toEqual(['wazuh', 'gitlab']);
    expect(calls.some(({ tool }) => tool === 'vault.check')).toBe(false);
    expect(report.limits.filter((limit) => /was not consulted: access is pending approval/.test(limit)).length).toBe(2);
  });

  it('asks for what a person names while it runs, not for what the control plane mentions', () => {
    const from = (source: string) =>
      play(brief({ steering: [note('s', 'see the siem', source)] }), answers({})).requests.length;
    expect(from('dashboard')).toBe(1);
    expect(from('access-request')).toBe(0);
  });

  it('checks a lease once it is granted, and says so', () => {
    const at = brief({
      ticket: { title: 'siem' },
      access: [{ system: 'wazuh', status: 'granted', credentialRef: '<vault:x>' }],
    });
    const { calls, requests, report } = play(at, answers({}));
    expect(requests).toEqual([]);
    expect(calls.find(({ tool }) => tool === 'vault.check')?.args).toEqual({
      system: 'wazuh',
      resource_type: 'api',
      resource_id: 'wazuh.manager',
      action: 'read',
    });
    expect(
      report.claims.some(({ statement }) => /Access to siem is granted .* read api wazuh\.manager/.test(statement)),
    ).toBe(true);
    expect(JSON.stringify(report)).not.toContain('<vault:x>');
  });

  it.each(['rejected', 'expired', 'revoked'])('does not ask again when access was %s', (status) => {
    const at = brief({ ticket: { title: 'siem' }, access: [{ system: 'wazuh', status, credentialRef: null }] });
    const { requests, report } = play(at, answers({}));
    expect(requests).toEqual([]);
    expect(report.limits).toContain(`siem was not consulted: access is ${status}.`);
  });
});
