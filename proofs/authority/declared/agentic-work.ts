import { acting, at, filter, none, offset, resource, run, ticket, type Declared } from '../declaration';

const place = { 'query.offset': at('offset', 'ignored') }; // a place in the log that the path names
/** Of the configuration that every tenant begins with: one of another tenant goes by its name alone. */
const profile = at('profile', 'ignored');
const rule = at('rule', 'ignored'); // Wazuh's number, which is nobody's here
const leaseless = {
  statuses: [403],
  why: 'no run of this world has a lease for Wazuh; test/api/wazuh has those that do',
};
const remote: Declared = {
  ids: { 'path.task_id': at('task') },
  own: {
    statuses: [409],
    why: 'the task of this world is worked on here; test/api/remote has those that are elsewhere',
  },
};

export const agenticWork: Readonly<Record<string, Declared>> = {
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
  dashboardStats: none,
  dashboardAudit: { ids: { ...filter, 'query.agent_id': at('run', 'empty') } },
};
