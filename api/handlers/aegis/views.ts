import type { ApiKey } from '../../../db/api-keys';
import type { KillSwitch } from '../../../db/kill-switch';
import type { Entry } from '../../../domain/log';
import { actionOf } from '../../../log/chain';

// The domain as this door's wire has it.

export const auditRow = (e: Entry) => ({
  id: e.id,
  seq: e.seq,
  tenant_id: e.tenantId,
  agent_id: e.agentId,
  action: actionOf(e.kind),
  tool: e.tool,
  decision: e.decision,
  reason: e.reason,
  metadata_json: e.body,
  request_id: e.requestId,
  event_hash: e.eventHash,
  prev_hash: e.eventPrev,
  timestamp: e.at,
  chain_shard: e.chainShard,
  hash_version: 1 as const,
  actor: e.actor,
});

export const apiKeyRow = (k: ApiKey) => ({
  id: k.id,
  tenant_id: k.tenantId,
  name: k.name,
  key_prefix: k.keyPrefix,
  role: k.role,
  scopes: k.scopes,
  agent_id: k.agentId,
  created_at: k.createdAt,
  expires_at: k.expiresAt,
  is_active: k.isActive,
  last_used_at: k.lastUsedAt,
});

export const killSwitchView = (tenantId: string, k: KillSwitch | null) => {
  const engaged = k?.engaged ?? false;
  return {
    status: engaged ? ('engaged' as const) : ('disengaged' as const),
    engaged,
    tenant_id: tenantId,
    reason: engaged ? (k?.reason ?? null) : null,
    engaged_by: engaged ? (k?.changedBy.name ?? null) : null,
    engaged_at: engaged ? (k?.changedAt ?? null) : null,
  };
};
