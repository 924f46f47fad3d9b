import { doorAgents } from './contracts/aegis/agents';
import { apiKeys } from './contracts/aegis/api-keys';
import { audit } from './contracts/aegis/audit';
import { auditAggregates } from './contracts/aegis/audit-aggregates';
import { auditEntries } from './contracts/aegis/audit-entries';
import { auditExport } from './contracts/aegis/audit-export';
import { auth } from './contracts/aegis/auth';
import { admin } from './contracts/aegis/admin';
import { policy } from './contracts/aegis/policy';
import { decision } from './contracts/aegis/decision';
import { events } from './contracts/aegis/events';
import { execution } from './contracts/aegis/execution';
import { killSwitch } from './contracts/aegis/kill-switch';
import { people } from './contracts/aegis/people';
import { sso } from './contracts/aegis/sso';
import { receipts } from './contracts/aegis/receipts';
import { tenants } from './contracts/aegis/tenants';
import { risk } from './contracts/aegis/risk';
import { transparency } from './contracts/aegis/transparency';
import { alertOperations } from './contracts/agent-ops/alerts';
import { dashboard } from './contracts/agent-ops/dashboard';
import { records } from './contracts/agent-ops/records';
import { registry } from './contracts/agent-ops/registry';
import { runs } from './contracts/agent-ops/runs';
import { signals } from './contracts/agent-ops/signals';
import { access } from './contracts/agentic/access';
import { agentEvents } from './contracts/agentic/agent-events';
import { agents } from './contracts/agentic/agents';
import { approvers } from './contracts/agentic/approvers';
import { agentWork } from './contracts/agentic/agent-work';
import { attachments } from './contracts/agentic/attachments';
import { changes } from './contracts/agentic/changes';
import { knowledge } from './contracts/agentic/knowledge';
import { notes } from './contracts/agentic/notes';
import { overview } from './contracts/agentic/overview';
import { postmortems } from './contracts/agentic/postmortems';
import { providers } from './contracts/agentic/providers';
import { publishing } from './contracts/agentic/publishing';
import { remote } from './contracts/agentic/remote';
import { remoteCalls } from './contracts/agentic/remote-calls';
import { runner } from './contracts/agentic/runner';
import { raci } from './contracts/agentic/raci';
import { runtime } from './contracts/agentic/runtime';
import { secrets } from './contracts/agentic/secrets';
import { setup } from './contracts/agentic/setup';
import { skills } from './contracts/agentic/skills';
import { tickets } from './contracts/agentic/tickets';
import { tools } from './contracts/agentic/tools';
import { wazuh } from './contracts/agentic/wazuh';
import { workflows } from './contracts/agentic/workflows';
import { transactions } from './contracts/ops-agent/transactions';
import { investigations } from './contracts/ops-agent/investigations';
import { workAgents } from './contracts/orchestration/agents';
import { pace } from './contracts/orchestration/metrics';
import { tasks } from './contracts/orchestration/tasks';
import { workers } from './contracts/orchestration/workers';
import { pipelineOperations } from './contracts/orchestration/workflows';
import { orchestrationEvents } from './contracts/orchestration/events';
import { oauth } from './contracts/orchestration/oauth';
import { docs } from './contracts/spec/docs';
import { health } from './contracts/spec/health';
import { protectedResource } from './contracts/spec/protected-resource';
import { doorAgentHandlers } from './handlers/aegis/agents';
import { apiKeyHandlers } from './handlers/aegis/api-keys';
import { auditHandlers } from './handlers/aegis/audit';
import { auditAggregateHandlers } from './handlers/aegis/audit-aggregates';
import { auditEntryHandlers } from './handlers/aegis/audit-entries';
import { auditExportHandlers } from './handlers/aegis/audit-export';
import { authHandlers } from './handlers/aegis/auth';
import { decisionHandlers } from './handlers/aegis/decision';
import { eventHandlers } from './handlers/aegis/events';
import { adminHandlers } from './handlers/aegis/admin';
import { policyHandlers } from './handlers/aegis/policy';
import { executionHandlers } from './handlers/aegis/execution';
import { killSwitchHandlers } from './handlers/aegis/kill-switch';
import { peopleHandlers } from './handlers/aegis/people';
import { ssoHandlers } from './handlers/aegis/sso';
import { receiptHandlers } from './handlers/aegis/receipts';
import { tenantHandlers } from './handlers/aegis/tenants';
import { riskHandlers } from './handlers/aegis/risk';
import { transparencyHandlers } from './handlers/aegis/transparency';
import { alertHandlers } from './handlers/agent-ops/alerts';
import { dashboardHandlers } from './handlers/agent-ops/dashboard';
import { recordHandlers } from './handlers/agent-ops/records';
import { registryHandlers } from './handlers/agent-ops/registry';
import { runHandlers } from './handlers/agent-ops/runs';
import { signalHandlers } from './handlers/agent-ops/signals';
import { accessHandlers } from './handlers/agentic/access';
import { feedAgentEvents } from './handlers/agentic/agent-events';
import { agentHandlers } from './handlers/agentic/agents';
import { approverHandlers } from './handlers/agentic/approvers';
import { agentWorkHandlers } from './handlers/agentic/agent-work';
import { attachmentHandlers } from './handlers/agentic/attachments';
import { changeHandlers } from './handlers/agentic/changes';
import { knowledgeHandlers } from './handlers/agentic/knowledge';
import { noteHandlers } from './handlers/agentic/notes';
import { overviewHandlers } from './handlers/agentic/overview';
import { postmortemHandlers } from './handlers/agentic/postmortems';
import { providerHandlers } from './handlers/agentic/providers';
import { publishingHandlers } from './handlers/agentic/publishing';
import { remoteHandlers } from './handlers/agentic/remote';
import { remoteCallHandlers } from './handlers/agentic/remote-calls';
import { runnerHandlers } from './handlers/agentic/runner';
import { raciHandlers } from './handlers/agentic/raci';
import { runtimeHandlers } from './handlers/agentic/runtime';
import { secretHandlers } from './handlers/agentic/secrets';
import { setupHandlers } from './handlers/agentic/setup';
import { skillHandlers } from './handlers/agentic/skills';
import { ticketHandlers } from './handlers/agentic/tickets';
import { toolHandlers } from './handlers/agentic/tools';
import { wazuhHandlers } from './handlers/agentic/wazuh';
import { workflowHandlers } from './handlers/agentic/workflows';
import { transactionHandlers } from './handlers/ops-agent/transactions';
import { investigationHandlers } from './handlers/ops-agent/investigations';
import { workAgentHandlers } from './handlers/orchestration/agents';
import { paceHandlers } from './handlers/orchestration/metrics';
import { taskHandlers } from './handlers/orchestration/tasks';
import { workerHandlers } from './handlers/orchestration/workers';
import { pipelineHandlers } from './handlers/orchestration/workflows';
import { talkOfEvents } from './handlers/orchestration/events';
import { oauthHandlers } from './handlers/orchestration/oauth';
import { docsHandlers } from './handlers/spec/docs';
import { healthHandlers } from './handlers/spec/health';
import { protectedResourceHandlers } from './handlers/spec/protected-resource';
import type { AnyHandler, Mounted } from './http/mount';
import type { FedSocket, MountedSocket } from './http/sockets';
import { openapiDocument } from './openapi';
import type { Operation } from './operation';

type Declared = Record<string, Operation>;

/** Every tag: what is declared, and what carries it out. */
const tags: [declared: Declared, handlers: object][] = [
  [registry, registryHandlers],
  [signals, signalHandlers],
  [tickets, ticketHandlers],
  [notes, noteHandlers],
  [runner, runnerHandlers],
  [remote, remoteHandlers],
  [remoteCalls, remoteCallHandlers],
  [attachments, attachmentHandlers],
  [agents, agentHandlers],
  [agentWork, agentWorkHandlers],
  [runtime, runtimeHandlers],
  [access, accessHandlers],
  [wazuh, wazuhHandlers],
  [secrets, secretHandlers],
  [changes, changeHandlers],
  [approvers, approverHandlers],
  [overview, overviewHandlers],
  [raci, raciHandlers],
  [providers, providerHandlers],
  [publishing, publishingHandlers],
  [postmortems, postmortemHandlers],
  [workflows, workflowHandlers],
  [knowledge, knowledgeHandlers],
  [skills, skillHandlers],
  [tools, toolHandlers],
  [setup, setupHandlers],
  [runs, runHandlers],
  [records, recordHandlers],
  [dashboard, dashboardHandlers],
  [transactions, transactionHandlers],
  [alertOperations, alertHandlers],
  [auth, authHandlers],
  [tenants, tenantHandlers],
  [people, peopleHandlers],
  [sso, ssoHandlers],
  [audit, auditHandlers],
  [auditAggregates, auditAggregateHandlers],
  [auditEntries, auditEntryHandlers],
  [auditExport, auditExportHandlers],
  [receipts, receiptHandlers],
  [transparency, transparencyHandlers],
  [apiKeys, apiKeyHandlers],
  [execution, executionHandlers],
  [doorAgents, doorAgentHandlers],
  [killSwitch, killSwitchHandlers],
  [risk, riskHandlers],
  [decision, decisionHandlers],
  [events, eventHandlers],
  [policy, policyHandlers],
  [admin, adminHandlers],
  [investigations, investigationHandlers],
  [workAgents, workAgentHandlers],
  [pace, paceHandlers],
  [tasks, taskHandlers],
  [workers, workerHandlers],
  [pipelineOperations, pipelineHandlers],
  [oauth, oauthHandlers],
  [health, healthHandlers],
  [docs, docsHandlers(() => openapiDocument(operations, sockets))],
  [
    protectedResource,
    protectedResourceHandlers(() =>
      operations.some(({ op }) => op.route === 'GET /.well-known/oauth-authorization-server'),
    ),
  ],
];

export const operations: readonly Mounted[] = tags.flatMap(([declared, handlers]) =>
  Object.entries(declared).map(([name, op]) => ({
    name,
    op,
    handler: (handlers as Record<string, AnyHandler>)[name] as AnyHandler,
  })),
);

export const sockets: readonly MountedSocket[] = [
  { name: 'agentEvents', socket: agentEvents, serve: feedAgentEvents as FedSocket['serve'] },
  { name: 'orchestrationEvents', socket: orchestrationEvents, talk: talkOfEvents },
];
