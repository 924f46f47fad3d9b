import type { RaciRule } from './raci';

/** What a new tenant begins with: groups and rules as most operations have them, to be changed as it has its own. */

export const usualGroups = [
  'Security Operations', 'Identity & Access', 'Infrastructure', 'Network', 'Endpoint Support', 'Email', 'DevSecOps',
  'Business Applications', 'Compliance & Audit', 'Change Advisory Board', 'Platform', 'Cloud', 'Database',
  'Procurement & Vendor Management', 'Executive Support', 'Service Desk',
] as const; // prettier-ignore
type Group = (typeof usualGroups)[number];

export type UsualRule = Pick<
  RaciRule,
  | 'name' | 'intent' | 'keywords' | 'ticketClass' | 'priority' | 'assignmentGroup' | 'responsible' | 'accountable' | 'consulted'
  | 'informed' | 'approvalRequired' | 'approvalAction' | 'riskLevel' | 'knowledgeTags' | 'autoAssignAgent' | 'autoAgentPrompt'
>; // prettier-ignore

const rule = (
  name: string,
  intent: string,
  group: Group,
  keywords: string[],
  more: Partial<UsualRule> & { accountable?: string } = {},
): UsualRule => ({
  name, intent, keywords, ticketClass: 'UserRequest', priority: 'P3', assignmentGroup: group, responsible: group,
  accountable: 'Service Owner', consulted: [], informed: [], approvalRequired: false, approvalAction: null, riskLevel: 'medium',
  knowledgeTags: [], autoAssignAgent: false, autoAgentPrompt: null, ...more,
}); // prettier-ignore

const access = (name: string, what: string, keywords: string[]): UsualRule =>
  rule(name, `access-${what}`, 'Identity & Access', keywords, {
    accountable: 'Data Owner', approvalRequired: true, approvalAction: `grant_${what}_access`, knowledgeTags: ['access'],
  }); // prettier-ignore

/** One of them sets agents to work; people say so of the others. */
export const usualRules: readonly UsualRule[] = [
  rule('Phishing report', 'phishing', 'Security Operations', [
    'phishing', 'phish', 'report phish', 'suspicious email', 'suspicious mail', 'suspicious link', 'credential harvest',
  ], {
    ticketClass: 'Incident', priority: 'P2', accountable: 'Security Lead', consulted: ['Email'], informed: ['Service Desk'],
    approvalRequired: true, approvalAction: 'quarantine_messages', riskLevel: 'high', knowledgeTags: ['phishing', 'email-security'],
    autoAssignAgent: true,
    autoAgentPrompt: 'Look at the sender, the links and who else had the mail, from what is on record. Never follow a link. Propose what to do.',
  }),
  rule('EDR or SIEM alert', 'edr-alert', 'Security Operations', [
    'edr', 'siem alert', 'sysmon', 'wazuh alert', 'endpoint detection', 'malware', 'intrusion',
  ], { ticketClass: 'Incident', priority: 'P1', accountable: 'Security Lead', riskLevel: 'high', knowledgeTags: ['edr'] }),
  rule('Account locked or MFA', 'account', 'Identity & Access', [
    'account locked', 'locked out', 'password reset', 'mfa', 'authenticator', 'cannot log in', 'cannot sign in',
  ], { ticketClass: 'Incident', accountable: 'Identity Owner', knowledgeTags: ['identity'] }),
  access('Access request', 'request', ['access request', 'request access', 'grant access', 'permission', 'account access']),
  access('Repository access', 'repository', ['repository access', 'gitlab', 'git access', 'repo access', 'merge rights']),
  access('SIEM access', 'siem', ['siem access', 'wazuh access', 'alert index']),
  access('Mailbox access', 'mailbox', ['shared mailbox', 'mailbox access', 'delegate access']),
  rule('VPN or network', 'network', 'Network', ['vpn', 'wifi', 'wireless', 'dns', 'network', 'firewall'], {
    ticketClass: 'Incident', knowledgeTags: ['network'],
  }),
  rule('Service outage', 'outage', 'Infrastructure', ['outage', 'unavailable', 'is down', 'service down', 'cannot reach'], {
    ticketClass: 'Incident', priority: 'P1', accountable: 'Operations Lead', consulted: ['Platform', 'Network'],
    informed: ['Service Desk', 'Executive Support'], riskLevel: 'high', knowledgeTags: ['outage'],
  }),
  rule('Endpoint support', 'endpoint', 'Endpoint Support', ['laptop', 'printer', 'workstation', 'blue screen', 'docking station'], {
    ticketClass: 'Incident', priority: 'P4', riskLevel: 'low',
  }),
  rule('Deployment or code change', 'change', 'DevSecOps', ['deploy', 'deployment', 'release', 'rollback', 'pipeline', 'code change'], {
    ticketClass: 'NormalChange', accountable: 'Change Advisory Board', consulted: ['Platform'], approvalRequired: true,
    approvalAction: 'deploy_change', riskLevel: 'high', knowledgeTags: ['change'],
  }),
  rule('Audit evidence', 'audit', 'Compliance & Audit', ['audit evidence', 'auditor', 'compliance', 'control evidence'], {
    accountable: 'Compliance Lead', knowledgeTags: ['audit'],
  }),
  rule('General request', 'general', 'Service Desk', [], { riskLevel: 'low' }),
]; // prettier-ignore
