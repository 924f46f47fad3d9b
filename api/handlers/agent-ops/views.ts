import type { Agent, AgentStatus } from '../../../domain/agent';
import type { Signal } from '../../../domain/signal';

// The domain as this door's wire has it.

export const statusView = (status: AgentStatus) => status.toLowerCase() as Lowercase<AgentStatus>;
export const statusOf = (shown: Lowercase<AgentStatus>) => shown.toUpperCase() as AgentStatus;

export const agentView = (a: Agent) => ({
  id: a.id,
  company_id: a.tenantId,
  name: a.name,
  display_name: a.displayName ?? a.name,
  description: a.description,
  agent_type: a.agentType,
  status: statusView(a.status),
  runtime: a.runtime,
  schedule: a.schedule,
  timezone: a.timezone,
  capabilities: a.capabilities,
  configuration: a.configuration,
  model: a.model,
  current_version: a.currentVersion,
  last_run_at: a.lastRunAt,
  last_success_at: a.lastSuccessAt,
  last_failure_at: a.lastFailureAt,
  consecutive_failures: a.consecutiveFailures,
  created_at: a.createdAt,
  updated_at: a.updatedAt,
});

export const signalView = (s: Signal) => ({
  id: s.id,
  for_agent: s.forAgent,
  created_by: s.createdBy,
  signal: s.signal,
  detail: s.detail,
  status: s.status,
  expires_at: s.expiresAt,
  created_at: s.createdAt,
  actioned_by: s.actionedBy,
  actioned_at: s.actionedAt,
  result: s.result,
});
