import fc from 'fast-check';
import { familyOf, namedFamily, slug, statedKey, workflowKey } from '../../domain/workflow-key';

const derive = (ticketClass: string | null, ...texts: string[]) => workflowKey({ explicit: null, ticketClass, texts });

describe('slug', () => {
  test.each([
    ['Incident', 'incident'],
    ['  SSH -- brute/force!  ', 'ssh-brute-force'],
    ['Störung im Café', 'storung-im-cafe'],
    ['---', ''],
    ['журнал', ''],
  ])('%j becomes %j', (text, expected) => expect(slug(text)).toBe(expected));

  test('holds nothing but letters, digits and single hyphens between them', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => /^([a-z0-9]+(-[a-z0-9]+)*)?$/.test(slug(text))));
  });
});

describe('the family', () => {
  test.each([
    ['User reported a phishing mail', 'phishing'],
    ['Suspicious  email in the inbox', 'phishing'],
    ['EDR found a process', 'edr-sysmon'],
    ['Semgrep and phishing', 'phishing'],
    ['Trivy scan failed', 'cicd-security'],
    ['CI/CD pipeline', 'cicd-security'],
    ['access-request for the SIEM', 'access-request'],
    ['IAM role', 'access-request'],
    ['Permissions of the share', 'access-request'],
    ['service_desk call', 'service-intake'],
    ['after the deployment', 'setup-integration'],
    ['tuning of rule 5710', 'false-positive-tuning'],
  ])('of %j is %s', (text, family) => expect(familyOf([text])).toBe(family));

  test('is not found inside other words', () => {
    expect(namedFamily('William and Cedric drove to Miami in a gracious mood')).toBeNull();
  });

  test('is the first four telling words when none is named', () => {
    expect(familyOf(['The SSH logins of the SSH host failed on labsz'])).toBe('ssh-logins-host-failed');
  });

  test('is told by the first text that says something, whatever the others say', () => {
    expect(familyOf(['', 'A test', 'Stuck printers', 'in the basement'])).toBe('stuck-printers');
  });

  test('is general when no word tells anything', () => {
    expect(familyOf(['a test of the ticket', ''])).toBe('general');
    expect(familyOf([])).toBe('general');
  });
});

describe('the key', () => {
  test('is class and family', () => {
    expect(derive('Incident', 'Investigate phishing report')).toBe('incident:phishing');
    expect(derive(null, 'Investigate phishing report')).toBe('global:phishing');
  });

  test('that was chosen counts, each side slugged', () => {
    const chosen = (explicit: string) => workflowKey({ explicit, ticketClass: 'Incident', texts: ['phishing'] });
    expect(chosen('User Request: VPN: Lost Token')).toBe('user-request:vpn-lost-token');
    expect(chosen(':vpn')).toBe('global:vpn');
    expect(chosen('Just One')).toBe('just-one');
    expect(chosen(' :: ')).toBe('incident:phishing');
  });

  test('is at most 160 characters long, however long what it is made of, and stays what it is when slugged again', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 400 }), fc.string({ maxLength: 400 }), (explicit, text) => {
        const key = workflowKey({ explicit, ticketClass: text, texts: [text] });
        expect(key).toMatch(/^[a-z0-9-]+(:[a-z0-9-]+)?$/);
        expect(key.length).toBeLessThanOrEqual(160);
        expect(workflowKey({ explicit: key, ticketClass: null, texts: [] })).toBe(key);
      }),
    );
  });

  test('can be stated in a line of a text', () => {
    expect(statedKey('Applies to logins.\nWorkflow key: incident:auth-failures \nmore')).toBe('incident:auth-failures');
    expect(statedKey('The workflow key: is in the middle')).toBeNull();
  });

  test('of a long text takes no long time', () => {
    const started = performance.now();
    derive('Incident', '- '.repeat(2_000_000), 'a'.repeat(2_000_000));
    expect(performance.now() - started).toBeLessThan(1000);
  });
});
