import { z } from 'zod';
import { accessStatuses } from '../../../domain/access';
import { gateStatuses } from '../../../domain/gate';
import { runStatuses, taskTypes } from '../../../domain/run';
import { steeringStatuses, ticketStatuses } from '../../../domain/ticket';
import { Instant } from '../shapes';

const text = z.string().nullable();
const id = z.int().nullable();
const object = z.record(z.string(), z.unknown());

export const TicketShape = z.object({
  id: z.int(),
  title: z.string(),
  description: z.string(),
  ticket_class: z.string(),
  itop_class: z.string().describe('The same as ticket_class'),
  itop_ref: z.string(),
  status: z.enum(ticketStatuses),
  priority: text,
  assignee: text,
  assignee_team: text,
  owning_group: text,
  agent_id: id,
  agent_status: z.enum(runStatuses).nullable(),
  agent_model: text,
  agent_started: Instant.nullable(),
  provider: z.string(),
  provider_ref: text,
  provider_sync_status: z.string(),
  provider_class: text,
  provider_url: text.describe('The same as external_url'),
  provider_last_error: text.describe('What kept it from being told to the provider, or looked at there'),
  provider_next_try_at: Instant.nullable(),
  provider_drift: z
    .array(z.object({ field: z.string(), local: text, provider: text, reason: text.optional() }))
    .describe(
      'Where it says another thing than the provider did when it was last looked at; notes that it refused, and why',
    ),
  provider_payload_summary: object.nullable().describe('What the provider said then'),
  synced_at: Instant.nullable(),
  impact: text,
  urgency: text,
  external_url: text,
  parent_ticket_id: id,
  requester_name: text,
  requester_email: text,
  affected_user_name: text,
  affected_user_email: text,
  security_classification: z.string(),
  access_scope: object,
  created_by: z.string(),
  created_at: Instant,
  updated_at: Instant,
});

export const NoteShape = z.object({
  id: z.int(),
  ticket_id: z.int(),
  source: z.string(),
  author: z.string().describe('A label; `actor` is who was authenticated'),
  actor: z.string(),
  body: z.string(),
  visibility: z.string(),
  external_ref: text,
  created_at: Instant,
});

export const AttachmentShape = z.object({
  id: z.int(),
  ticket_id: z.int(),
  note_id: id,
  filename: z.string(),
  content_type: text.describe('What the uploader says that it is'),
  detected_type: text.describe('What its first bytes say'),
  storage_ref: text,
  sha256: text,
  size_bytes: z.int().nullable(),
  metadata: object,
  stored: z.boolean().describe('Its bytes are in this server; false: only this metadata is'),
  download_url: text.describe('Where its bytes are; null when they are not here'),
  created_at: Instant,
});

export const SteeringShape = z.object({
  id: z.int(),
  ticket_id: z.int(),
  agent_id: z.int(),
  task_id: z.int(),
  note_id: id,
  source: z.string(),
  author: z.string(),
  body: z.string(),
  status: z.enum(steeringStatuses),
  metadata: z.object({ visibility: text, external_ref: text, delivery: z.literal('non_interrupting') }),
  created_at: Instant,
  delivered_at: Instant.nullable(),
  acknowledged_at: Instant.nullable(),
});

export const taskStatuses = [
  'queued', 'running', 'pending_approval', 'awaiting_access', 'awaiting_user_response', 'blocked', 'completed', 'failed', 'stopped',
] as const; // prettier-ignore

export const TaskShape = z.object({
  id: z.int(),
  agent_id: z.int(),
  ticket_id: z.int(),
  task_type: z.enum(taskTypes),
  prompt: text,
  status: z.enum(taskStatuses),
  output: text,
  error_message: text,
  checkpoints: z.array(z.object({ step: z.string(), status: z.string(), output: text, timestamp: Instant })),
  progress_pct: z.int(),
  work_dir: text.describe('Of a command, on the machine where it was launched last'),
  pid: id.describe('While its command runs'),
  created_at: Instant,
  started_at: Instant.nullable(),
  completed_at: Instant.nullable(),
});

export const AgentShape = z.object({
  id: z.int(),
  ticket_id: z.int(),
  ticket_title: z.string(),
  ticket_status: z.enum(ticketStatuses),
  ticket_itop_ref: z.string(),
  model: text,
  selected_model: text,
  harness: z.string(),
  runtime_profile_id: text,
  runtime_config: object,
  status: z.enum(runStatuses),
  started_at: Instant.nullable(),
  finished_at: Instant.nullable(),
  heartbeat: Instant,
  error_message: text,
  attempts: z.int(),
  assigned_by: z.string(),
  last_task_id: z.int(),
  current_task_id: id,
  task_status: z.enum(taskStatuses),
  task_type: z.enum(taskTypes),
  task_progress_pct: z.int(),
  task_error_message: text,
  task_work_dir: text,
  idle_seconds: z.int(),
  running_seconds: z.int(),
  task_working_seconds: z.int().describe('Without the time that people took to decide'),
  gate_wait_seconds: z.int(),
  workflow_url: text.describe('The run in the Temporal UI'),
});

export const ScopeShape = z.object({
  system: z.string(),
  resource_type: z.string(),
  resource_id: z.string(),
  action: z.string(),
});

export const AccessShape = z.object({
  id: z.int(),
  parent_ticket_id: z.int(),
  access_ticket_id: z.int(),
  access_ticket_title: z.string(),
  access_ticket_status: z.enum(ticketStatuses),
  access_ticket_provider: z.string(),
  access_ticket_provider_ref: text,
  agent_id: id,
  change_id: id,
  change_status: z.enum(gateStatuses).nullable(),
  change_result: text,
  approved_by: text,
  approved_at: Instant.nullable(),
  requester: z.string(),
  on_behalf_of: text,
  account_ref: text,
  resource: z.string(),
  permission: z.string(),
  reason: text,
  assignment_group: z.string(),
  access_raci: z
    .object({
      responsible: z.string(),
      accountable: z.string(),
      consulted: z.array(z.string()),
      informed: z.array(z.string()),
      rule_id: z.int().nullable(),
    }) // prettier-ignore
    .nullable(),
  risk_level: z.string(),
  lease_request: ScopeShape.nullable(),
  status: z.enum(accessStatuses),
  lease_status: text.describe(
    'pending, active, revoking (may be alive at the provider until it confirms), revoked or expired; null while none was asked for',
  ),
  lease_expires_at: Instant.nullable(),
  approval_actor: text,
  grant_evidence: text,
  created_at: Instant,
  updated_at: Instant,
  workflow_url: text,
});

export const LeaseShape = z.object({
  id: z.int(),
  system: z.string(),
  resource_type: z.string(),
  resource_id: z.string(),
  action: z.string(),
  credential_ref: z.string().describe('A name for the secret, never the secret'),
  lease_status: z.string(),
  granted_by: text,
  expires_at: Instant.nullable().describe('Null: with its agent'),
  created_at: Instant,
});
