import { aggregates } from '../../api/aggregates/table';
import type { Scope } from '../../domain/scopes';

// What every operation answers to an id that is not the caller's. A path, query or body field that names something and is
// not in this table fails the test, and so does an operation that is not.

/** What an id names; the world (world.ts) has one of each in each tenant. */
export type Noun =
  | 'ticket' | 'run' | 'task' | 'event' | 'note' | 'change' | 'postmortem' | 'attachment' | 'site' | 'deployment'
  | 'approvers' | 'approval' | 'raci' | 'blueprint' | 'pipeline' | 'article' | 'skill' | 'agent' | 'key' | 'secret' | 'execution' | 'receipt' | 'tenant'
  | 'transaction' | 'investigation' | 'recommendation' | 'place'
  | 'registered' | 'signal' | 'reported' | 'alert' | 'seq' | 'offset' | 'cursor' | 'slug' | 'page' | 'asset' | 'provider' | 'profile' | 'external' | 'rule' | 'kept' | 'tool' | 'server' | 'user' | 'day' | 'root' | 'permission'; // prettier-ignore

/** A credential that is bound to a ticket sees no other, nor what belongs to another. */
export const ofTicket: ReadonlySet<Noun> = new Set([
  'ticket',
  'run',
  'task',
  'event',
  'note',
  'change',
  'postmortem',
  'attachment',
  'site',
  'deployment',
]);

/**
 * What happens to a foreign id, and to one that names nothing, in the same words:
 * `missing` 404 · `empty` 200 with nothing in it · `refused` 403 · `unknown` 401 ·
 * `ignored` it names nothing of ours, the caller's own tenant is all that the call touches · `public` for everybody to see.
 */
export type Outcome = 'missing' | 'empty' | 'refused' | 'unknown' | 'ignored' | 'public';
export interface Place {
  noun: Noun;
  foreign: Outcome;
}

export interface Declared {
  /** By place: `path.ticket_id`, `query.offset`, `body.lease_request.resource_id`, `header.Last-Event-ID`. */
  ids: Readonly<Record<string, Place>>;
  /** What the call comes to for whoever may make it; its status, or 409 where the thing has moved on, unless given. */
  own?: { statuses: readonly number[]; why: string };
  /** Who may not make it whatever their scopes say: 403. */
  only?: 'people' | 'users';
  /** A place that asks for a scope besides, except of the agent that it names. */
  besides?: { place: string; scope: Scope };
  /** A place that may be filled in place of another, and asks for a scope besides. */
  either?: { place: string; of: string; scope: Scope };
  /** What has to be made anew before each round, because the call uses it up. */
  fresh?:
    | 'change'
    | 'approved'
    | 'postmortem'
    | 'reviewed'
    | 'registered'
    | 'recommendation'
    | 'skill'
    | 'pipeline'
    | 'kept'
    | 'server'
    | 'user';
}

const at = (noun: Noun, foreign: Outcome = 'missing'): Place => ({ noun, foreign });
const ticket = { 'path.ticket_id': at('ticket') };
const registered = { 'path.id': at('registered') };
const run = { 'path.agent_id': at('run') };
const change = { 'path.change_id': at('change') };
const postmortem = { 'path.id': at('postmortem') };
const offset = { 'query.offset': at('offset', 'empty') };
const place = { 'query.offset': at('offset', 'ignored') }; // a place in the log that the path names
const cursor = { 'query.cursor': at('cursor', 'ignored') }; // a time and an id: a place in anybody's list
const filter = { 'query.ticket_id': at('ticket', 'empty') };
const tenant = { 'path.tenant_id': at('tenant', 'refused') };
const investigation = { 'path.investigation_id': at('investigation') };
const resource = at('external', 'ignored');
/** Of the configuration that every tenant begins with: one of another tenant goes by its name alone. */
const profile = at('profile', 'ignored');
const rule = at('rule', 'ignored'); // Wazuh's number, which is nobody's here
const leaseless = {
  statuses: [403],
  why: 'no run of this world has a lease for Wazuh; test/api/wazuh has those that do',
};
const called = {
  statuses: [200, 403],
  why: 'a run calls by its own steps, an agent as itself alone; what is granted is test/api/execute’s',
};
const none: Declared = { ids: {} };
const remote: Declared = {
  ids: { 'path.task_id': at('task') },
  own: {
    statuses: [409],
    why: 'the task of this world is worked on here; test/api/remote has those that are elsewhere',
  },
};
const acting = { place: 'body.agent_id', scope: 'agents:act' } as const;

export const declared: Readonly<Record<string, Declared>> = {
  listRegistry: { ids: cursor },
  registerAgent: none,
  getRegistered: { ids: registered },
  updateRegistered: { ids: registered },
  deleteRegistered: {
    ids: registered,
    own: { statuses: [204, 404], why: 'whoever comes second finds it gone' },
    fresh: 'registered',
  },
  testRun: { ids: registered, fresh: 'registered' },
  defineAgent: { ids: registered, fresh: 'registered' },
  listSignals: { ids: cursor },
  sendSignal: none,
  actOnSignal: { ids: { 'path.id': at('signal') } },
  listTickets: { ids: offset },
  createTicket: none,
  getTicket: { ids: ticket },
  getTicketContext: { ids: ticket },
  setTicketStatus: { ids: ticket },
  postTicket: { ids: ticket },
  putTicket: { ids: ticket },
  patchTicket: { ids: ticket },
  assignTicket: { ids: ticket },
  syncTicket: { ids: ticket },
  pushTicket: {
    ids: ticket,
    own: { statuses: [200, 502], why: 'this installation has no provider to be told; test/api/providers has one' },
  },
  listProviders: none,
  syncProvider: { ids: { 'path.provider': at('provider', 'ignored') } },
  syncAllTickets: none,
  syncProviderTicket: {
    ids: { 'path.provider': at('provider', 'ignored') },
    own: { statuses: [400], why: 'the example is the number of no ticket there; test/api/providers brings one' },
  },
  addNote: { ids: { ...ticket, 'body.agent_id': at('run') } },
  addAttachment: { ids: { ...ticket, 'body.note_id': at('note') } },
  listAttachments: { ids: { ...ticket, ...offset } },
  downloadAttachment: { ids: { ...ticket, 'path.attachment_id': at('attachment') } },
  requestInfo: { ids: ticket },
  userResponse: { ids: ticket, only: 'people' },
  assignAgent: {
    ids: { ...ticket, 'body.profile_id': profile },
    own: { statuses: [409], why: 'the ticket of this world has its agent; test/api/agents assigns' },
  },
  unassignAgent: { ids: ticket },
  listAgents: { ids: { ...offset, ...filter } },
  listActiveAgents: none,
  agentStats: none,
  listTasks: { ids: { ...offset, ...filter, 'query.agent_id': at('run', 'empty') } },
  listModels: none,
  getRuntime: none,
  setRuntime: {
    ids: { 'body.profiles.id': resource, 'body.route_assignments.profile_id': resource },
    own: { statuses: [400], why: 'profiles are a list, and the example is one of them; test/api/runtime sets it' },
  },
  spawnAgent: {
    ids: { 'body.ticket_id': at('ticket'), 'body.profile_id': profile },
    own: { statuses: [409], why: 'the ticket of this world has its agent; test/api/agent-work spawns' },
  },
  createFromPrompt: { ids: { 'body.profile_id': profile } },
  spawnPostmortem: { ids: ticket },
  spawnWorkflowBuild: { ids: ticket },
  wakeAgent: { ids: run },
  restartAgent: { ids: run },
  updateAgent: {
    ids: run,
    own: { statuses: [409], why: 'that of this world waits for people; test/api/agent-work has those that work' },
  },
  getAgent: { ids: run },
  runnerHealth: none,
  listProcesses: none,
  claimTask: none,
  heartbeatTask: remote,
  checkpointTask: remote,
  completeTask: remote,
  failTask: remote,
  callTool: {
    ids: { ...run, 'body.change_id': at('change') },
    own: { statuses: [403, 409], why: 'only an agent that is elsewhere calls: test/api/remote-calls has some' },
  },
  getTaskLogs: { ids: { 'path.task_id': at('task'), ...place } },
  getAgentLogs: { ids: { ...run, ...place } },
  listSteering: { ids: { ...run, ...offset } },
  acknowledgeSteering: { ids: { ...run, 'path.event_id': at('event') } },
  stopAgent: { ids: run },
  listAccessRequests: { ids: ticket },
  requestAccess: {
    ids: { ...ticket, 'body.agent_id': at('run'), 'body.lease_request.resource_id': resource },
    besides: acting,
  },
  listLeases: { ids: run },
  checkLease: {
    ids: { ...run, 'body.resource_id': resource },
    own: { statuses: [403], why: 'no lease covers the example: that is the answer, and it is written down' },
  },
  wazuhStatus: { ids: run, own: leaseless },
  wazuhRule: { ids: { ...run, 'path.rule_id': rule }, own: leaseless },
  wazuhAlerts: { ids: { ...run, 'query.rule_id': rule }, own: leaseless },
  listSecrets: { ids: offset },
  putSecret: { ids: { 'body.resource_id': resource } },
  deleteSecret: {
    ids: { 'path.secret_id': at('kept') },
    own: { statuses: [200, 404], why: 'whoever comes second finds it gone' },
    fresh: 'kept',
  },
  listChanges: { ids: { ...offset, ...filter, 'query.agent_id': at('run', 'empty') } },
  listPendingChanges: none,
  changeStats: none,
  getChange: { ids: change },
  getChangeStatus: { ids: change },
  requestChange: { ids: { 'body.ticket_id': at('ticket'), 'body.agent_id': at('run') }, besides: acting },
  approveChange: { ids: change, fresh: 'change' },
  rejectChange: { ids: change, fresh: 'change' },
  completeChange: {
    ids: { ...change, 'body.agent_id': at('external', 'ignored') }, // a label, kept nowhere
    fresh: 'approved',
  },
  dashboardStats: none,
  dashboardAudit: { ids: { ...filter, 'query.agent_id': at('run', 'empty') } },
  listApproverGroups: { ids: {}, only: 'people' },
  saveApproverGroup: none,
  deleteApproverGroup: { ids: { 'path.id': at('approvers') } },
  listApprovalRules: { ids: {}, only: 'people' },
  saveApprovalRule: none,
  deleteApprovalRule: { ids: { 'path.id': at('approval') } },
  getRaci: none,
  createRaciGroup: none,
  updateRaciGroup: { ids: { 'path.id': at('approvers') } },
  deleteRaciGroup: { ids: { 'path.id': at('approvers') } },
  createRaciRule: none,
  updateRaciRule: { ids: { 'path.id': at('raci') } },
  deleteRaciRule: { ids: { 'path.id': at('raci') } },
  deployStaticSite: {
    ids: {
      ...run,
      'body.change_id': at('change'),
      'body.slug': at('slug', 'ignored'),
      'body.attachment_id': at('attachment', 'ignored'),
    }, // the change is asked about first
    own: {
      statuses: [403],
      why: 'the change of this world allows no deployment; test/api/publishing has those that do',
    },
  },
  published: {
    ids: { 'path.slug': at('slug', 'public'), 'path.path': at('page', 'public') },
    own: { statuses: [404], why: 'nothing is published in this world; test/api/publishing does' },
  },
  listDeployments: { ids: { 'path.slug': at('site'), ...offset } },
  rollbackDeployment: { ids: { 'path.slug': at('site'), 'body.deployment_id': at('deployment') }, only: 'people' },
  listPostmortems: { ids: { ...offset, ...filter } },
  getEvidence: { ids: ticket },
  getPostmortem: { ids: postmortem },
  synthesizePostmortem: { ids: { ...ticket, 'body.agent_id': at('run'), 'body.task_id': at('task') } },
  createPostmortem: {
    ids: { 'body.ticket_id': at('ticket'), 'body.agent_id': at('run'), 'body.task_id': at('task') },
  },
  updatePostmortem: { ids: postmortem, fresh: 'postmortem' },
  reviewPostmortem: { ids: postmortem, only: 'people', fresh: 'postmortem' },
  promotePostmortem: { ids: postmortem, only: 'people', fresh: 'reviewed' },
  listWorkflows: { ids: offset },
  getWorkflow: { ids: { 'path.id': at('blueprint') } },
  createWorkflow: { ids: { 'body.skill_ids': at('skill') } },
  updateWorkflow: { ids: { 'path.id': at('blueprint'), 'body.skill_ids': at('skill') } },
  runWorkflow: {
    ids: {
      'path.id': at('blueprint'),
      'body.ticket_id': at('ticket'),
      'body.agent_id': at('run'),
      'body.task_id': at('task'),
    },
    own: { statuses: [200, 409], why: 'the workflow of this world is a draft until somebody here reviewed it' },
  },
  completeWorkflowRun: {
    ids: { 'path.run_id': at('pipeline') },
    own: { statuses: [200, 409], why: 'whoever comes second finds it over' },
    fresh: 'pipeline',
  },
  reviewWorkflow: { ids: { 'path.id': at('blueprint') }, only: 'people' },
  listKnowledge: { ids: offset },
  getKnowledge: { ids: { 'path.id': at('article') } },
  listSkills: none,
  createKnowledge: none,
  updateKnowledge: { ids: { 'path.id': at('article') } },
  getSkill: { ids: { 'path.id': at('skill') } },
  createSkill: none,
  updateSkill: { ids: { 'path.id': at('skill') } },
  deleteSkill: {
    ids: { 'path.id': at('skill') },
    own: { statuses: [200, 404], why: 'whoever comes second finds it gone' },
    fresh: 'skill',
  },
  renderSkill: { ids: { 'path.id': at('skill') }, fresh: 'skill' },
  listAgentSkills: { ids: run },
  listTools: none,
  toolStatus: none,
  getTool: { ids: { 'path.id': at('tool') } },
  toolHistory: { ids: { 'path.id': at('tool') } },
  checkTool: { ids: { 'path.id': at('tool') } },
  checkAllTools: none,
  createToolServer: { ids: { 'body.leases.resource_id': resource } },
  updateToolServer: { ids: { 'path.id': at('server'), 'body.leases.resource_id': resource } },
  deleteToolServer: {
    ids: { 'path.id': at('server') },
    own: { statuses: [200, 404], why: 'whoever comes second finds it gone' },
    fresh: 'server',
  },
  setupStatus: none,
  fleetDashboard: none,
  listFleetRuns: { ids: cursor },
  reportRun: { ids: { 'body.eve_id': resource } },
  updateReportedRun: { ids: { 'path.id': at('reported') } },
  listMetrics: { ids: cursor },
  recordMetrics: none,
  listToolCalls: { ids: { ...cursor, 'query.run_id': at('external', 'empty') } },
  recordToolCalls: { ids: { 'body.run_id': resource } },
  listReportRuns: { ids: cursor },
  recordReportRuns: none,
  listAlertRules: { ids: cursor },
  createAlertRule: none,
  listAlerts: { ids: cursor },
  acknowledgeAlert: { ids: { 'path.id': at('alert') } },
  login: {
    ids: { 'header.X-Tenant-ID': at('tenant', 'unknown') },
    own: { statuses: [401], why: 'the example is nobody; test/api/aegis logs in' },
  },
  me: { ids: {}, only: 'users' },
  agentLogin: {
    ids: { 'header.X-Tenant-ID': at('tenant', 'unknown'), 'body.agent_id': at('agent', 'unknown') },
    own: { statuses: [401], why: 'the example is no secret of anybody; test/api/identity logs in' },
  },
  acceptInvitation: {
    ids: { 'header.X-Tenant-ID': at('tenant', 'unknown') },
    own: { statuses: [401], why: 'the example is no invitation; test/api/identity has some' },
  },
  jwks: none,
  introspectToken: none,
  refreshToken: { ids: {}, own: { statuses: [403], why: 'keys are no sessions; test/api/identity has tokens' } },
  logout: { ids: {}, own: { statuses: [403], why: 'keys are no sessions; test/api/identity has tokens' } },
  revokeToken: {
    ids: { 'query.agent_id': at('agent') },
  },
  ssoProviders: { ids: { 'query.tenant_id': at('tenant', 'public') } },
  startSso: {
    ids: { 'path.provider': at('provider', 'public'), 'query.tenant_id': at('tenant', 'public') },
    own: { statuses: [404], why: 'the provider of this world is of tickets; test/api/sso logs in' },
  },
  ssoCallback: {
    ids: { 'path.provider': at('provider', 'public') },
    own: { statuses: [404], why: 'the provider of this world is of tickets; test/api/sso logs in' },
  },
  getSsoConfig: none,
  saveSsoConfig: { ids: { 'body.client_id': resource, 'body.entity_id': resource } },
  testSsoConfig: none,
  createUser: { ids: { 'body.tenant_id': at('tenant', 'refused'), 'body.org_id': at('tenant', 'ignored') } },
  provisionCredentials: { ids: { 'body.agent_id': at('agent') } },
  listUsers: none,
  inviteUser: none,
  updateUser: { ids: { 'path.user_id': at('user') } },
  deactivateUser: { ids: { 'path.user_id': at('user') }, fresh: 'user' },
  putTenant: {
    ids: { 'body.tenant_id': at('external', 'ignored'), 'body.org_id': resource },
    own: {
      statuses: [422],
      why: 'the world names no tenant that is not there; test/api/identity makes and changes them',
    },
  },
  getTenant: { ids: { 'path.tenant_id': at('tenant') } },
  listAuditLogs: { ids: { ...offset, 'query.agent_id': at('agent', 'empty') } },
  searchAuditLogs: { ids: { 'body.agent_id': at('agent', 'empty'), 'body.offset': at('offset', 'empty') } },
  explainAuditLog: { ids: { 'path.audit_id': at('execution') } },
  listAuditNotes: { ids: { 'path.audit_id': at('execution') } },
  addAuditNote: { ids: { 'path.audit_id': at('execution') } },
  exportAuditLogs: { ids: { 'query.agent_id': at('agent', 'empty') } },
  createAuditExport: { ids: { 'body.agent_id': at('agent', 'empty') } },
  summariseAuditLogs: { ids: { 'query.agent_id': at('agent', 'empty') } },
  verifyAuditLogs: none,
  ...Object.fromEntries(
    Object.entries(aggregates).map(([name, { of }]): [string, Declared] => [
      name,
      {
        ids:
          of === 'agent' ? { 'path.id': at('agent') } : of === 'any' ? { 'query.agent_id': at('agent', 'empty') } : {},
      },
    ]),
  ),
  receiptKey: none,
  getReceipt: { ids: { 'path.execution_id': at('execution') } },
  verifyReceipt: { ids: { 'body.receipt': at('receipt', 'refused') } },
  transparencyKey: none,
  transparencyKeys: none,
  listRoots: none,
  getRoot: { ids: { 'path.date': at('day', 'ignored') } },
  getInclusion: { ids: { 'path.execution_id': at('execution') } },
  checkConsistency: none,
  verifyRoot: { ids: { 'body.receipt': at('root', 'refused') } },
  computeRoot: none,
  getCheckpoint: { ids: {}, own: { statuses: [404], why: 'no day of this world is over' } },
  cosignCheckpoint: {
    ids: {},
    own: { statuses: [422], why: 'the example is no signature line; test/api/transparency has one' },
  },
  listApiKeys: none,
  ingestTransactions: {
    ids: { 'body.transaction_id': resource, 'body.customer_id': resource, 'body.terminal_id': resource },
  },
  ingestDisputes: { ids: { 'body.transaction_id': resource } },
  createApiKey: { ids: { 'body.agent_id': at('agent') } },
  revokeApiKey: { ids: { 'path.key_id': at('key') } },
  validateApiKey: { ids: { 'body.api_key': at('secret', 'unknown') } },
  riskSummary: none,
  riskTimeline: { ids: { 'query.agent_id': at('agent', 'empty') } },
  topThreats: none,
  decisionSummary: none,
  decisionHistory: none,
  getSignalWeights: none,
  listTenants: { ids: { 'query.offset': at('offset', 'ignored') } },
  getAnyTenant: { ids: { 'path.tenant_id': at('tenant', 'public') } },
  getQuota: none,
  reportReconciliation: { ids: { 'body.tenant_id': at('tenant') } },
  uploadPolicy: none,
  activatePolicy: none,
  listPolicies: { ids: offset },
  testPolicy: none,
  simulatePolicy: { ids: { 'body.agent_id': at('agent') } },
  setSignalWeights: none,
  listDoorAgents: { ids: { 'query.owner_id': resource } },
  summariseDoorAgents: none,
  getDoorAgent: { ids: { 'path.agent_id': at('agent') } },
  profileDoorAgent: { ids: { 'path.agent_id': at('agent') } },
  createDoorAgent: { ids: { 'body.owner_id': resource } },
  updateDoorAgent: { ids: { 'path.agent_id': at('agent') } },
  deleteDoorAgent: {
    ids: { 'path.agent_id': at('registered') },
    own: { statuses: [200, 404], why: 'whoever comes second finds it gone' },
    fresh: 'registered',
  },
  listPermissions: { ids: { 'path.agent_id': at('agent') } },
  grantPermission: { ids: { 'path.agent_id': at('agent') } },
  revokePermission: {
    ids: { 'path.agent_id': at('agent'), 'path.permission_id': at('permission') },
    own: { statuses: [200, 404], why: 'whoever comes second finds it gone' },
  },
  registryTools: none,
  execute: { ids: { 'body.agent_id': at('agent', 'refused') }, own: called },
  executeTool: { ids: { 'body.agent_id': at('agent', 'refused'), 'path.tool_name': resource }, own: called },
  getKillSwitch: { ids: tenant },
  setKillSwitch: { ids: tenant },
  releaseKillSwitch: { ids: tenant },
  eventStream: { ids: { 'query.agent_id': at('agent'), 'header.Last-Event-ID': at('seq', 'ignored') } },
  listInvestigations: { ids: { ...offset, 'query.transaction_id': at('transaction', 'empty') } },
  runInvestigation: {
    ids: { 'body.transaction_id': at('transaction'), 'body.ticket_id': at('ticket') },
    either: { place: 'body.ticket_id', of: 'body.transaction_id', scope: 'tickets:read' },
  },
  getInvestigation: { ids: investigation },
  resumeInvestigation: {
    ids: investigation,
    own: { statuses: [409], why: 'that of this world is completed; test/api/resume has those that are not' },
  },
  getRuleDraft: { ids: investigation },
  getTrace: { ids: investigation },
  getTransactionInsights: { ids: { 'path.transaction_id': at('transaction') } },
  // A cursor says a place in a list, and the list is the caller's.
  listRecommendations: { ids: { 'query.cursor': at('place', 'ignored') } },
  acknowledgeRecommendation: { ids: { 'path.recommendation_id': at('recommendation') }, fresh: 'recommendation' },
  health: none,
  opsAgentHealth: none,
  ready: none,
  live: none,
  orchestrationHealth: none,
  systemHealth: none,
  status: none,
  metrics: none,
  opsAgentMetrics: {
    ids: {},
    own: { statuses: [401], why: 'asked without the metrics token; test/api/health has it' },
  },
  openApiDocument: none,
  swaggerPage: none,
  redocPage: none,
  docsAsset: { ids: { 'path.asset': at('asset', 'public') } },
};
