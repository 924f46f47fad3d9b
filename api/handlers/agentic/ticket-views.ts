import type { AccessView, LeaseView } from '../../../db/access-queries';
import type { Checkpoint } from '../../../db/checkpoints';
import type { LogLine, RunEntry, RunView } from '../../../db/run-queries';
import type { SteeringView } from '../../../db/steering-queries';
import type { TicketView } from '../../../db/ticket-queries';
import { wireRaci, wireScope } from '../../../domain/access';
import { driftOf } from '../../../domain/provider-merge';
import { activeStatuses, isEnded, runStatuses, type RunStatus } from '../../../domain/run';
import { updateOf } from '../../../domain/steering';
import type { Attachment, Note } from '../../../domain/ticket';
import type { taskStatuses } from '../../contracts/agentic/ticket-shapes';
import type { Ctx } from '../../kernel';

// The domain as this door's wire has it.

/** What the original calls a ticket that no provider knows. */
const refOf = (ref: string | null, number: number): string => ref ?? `LOCAL-${number}`;

/** A note that the provider does not take is given up: people see to it. */
const givenUp = ({ notesGivenUp }: Pick<TicketView, 'notesGivenUp'>) =>
  (notesGivenUp ?? []).map(({ number, body, refusal }) => ({
    field: `note ${number}`,
    local: body,
    provider: null,
    reason: refusal,
  }));

const providerView = ({ pulled, ...t }: TicketView) => ({
  provider_class: t.remoteClass,
  provider_url: t.externalUrl,
  provider_last_error: t.syncError,
  provider_next_try_at: t.syncNextTryAt,
  provider_drift: [...(pulled === null ? [] : driftOf(t, pulled)), ...givenUp(t)],
  provider_payload_summary: pulled && {
    title: pulled.title, status: pulled.status, priority: pulled.priority, impact: pulled.impact, urgency: pulled.urgency,
    assignee: pulled.assignee, assignee_team: pulled.assigneeTeam, requester_name: pulled.requesterName,
    requester_email: pulled.requesterEmail,
  },
  synced_at: t.syncedAt,
  impact: pulled?.impact ?? null,
  urgency: pulled?.urgency ?? null,
}); // prettier-ignore

export const ticketView = (t: TicketView) => ({
  id: t.number,
  title: t.title,
  description: t.description,
  ticket_class: t.ticketClass,
  itop_class: t.ticketClass,
  itop_ref: refOf(t.providerRef, t.number),
  status: t.status,
  priority: t.priority,
  assignee: t.assignee,
  assignee_team: t.assigneeTeam,
  owning_group: t.owningGroup,
  agent_id: t.runNumber,
  agent_status: t.runStatus,
  agent_model: t.runModel,
  agent_started: t.runStartedAt,
  provider: t.provider,
  provider_ref: t.providerRef,
  provider_sync_status: t.providerSyncStatus,
  ...providerView(t),
  external_url: t.externalUrl,
  parent_ticket_id: t.parentNumber,
  requester_name: t.requesterName,
  requester_email: t.requesterEmail,
  affected_user_name: t.affectedUserName,
  affected_user_email: t.affectedUserEmail,
  security_classification: t.securityClassification,
  access_scope: t.accessScope,
  created_by: t.createdByLabel ?? t.createdBy.name,
  created_at: t.createdAt,
  updated_at: t.updatedAt,
});

export const noteView = (n: Note, ticket: number) => ({
  id: n.number,
  ticket_id: ticket,
  source: n.source,
  author: n.author,
  actor: n.actor.name,
  body: n.body,
  visibility: n.visibility,
  external_ref: n.externalRef,
  created_at: n.createdAt,
});

export const attachmentView = (a: Attachment, ticket: number, noteNumbers: ReadonlyMap<string, number>) => ({
  id: a.number,
  ticket_id: ticket,
  note_id: a.noteId === null ? null : (noteNumbers.get(a.noteId) ?? null),
  filename: a.filename,
  content_type: a.contentType,
  detected_type: a.detectedType,
  storage_ref: a.storageRef,
  sha256: a.sha256,
  size_bytes: a.sizeBytes,
  metadata: a.metadata,
  stored: a.stored,
  download_url: a.stored ? `/api/tickets/${ticket}/attachments/${a.number}` : null,
  created_at: a.createdAt,
});

export const steeringView = (s: SteeringView) => ({
  ...updateOf(s),
  metadata: { visibility: s.visibility, external_ref: s.externalRef, delivery: 'non_interrupting' as const },
  delivered_at: s.deliveredAt,
  acknowledged_at: s.acknowledgedAt,
});

/** A run is one task of an agent here, so the task's status follows from the run's. */
const taskStatus = (status: RunStatus): (typeof taskStatuses)[number] => {
  const names = { spawned: 'queued', finished: 'completed', terminated: 'stopped' } as const;
  return status === 'spawned' || status === 'finished' || status === 'terminated' ? names[status] : status;
};

export const runStatusesOf = (wanted: (typeof taskStatuses)[number]): RunStatus[] =>
  runStatuses.filter((s) => taskStatus(s) === wanted);

const seconds = (from: string, to: string | null): number =>
  Math.max(0, Math.floor(((to === null ? Date.now() : Date.parse(to)) - Date.parse(from)) / 1000));

export function agentView(ctx: Ctx, r: RunView) {
  const running = seconds(r.startedAt ?? r.createdAt, r.finishedAt);
  const waited = Math.min(running, Math.floor(r.gateWaitSeconds));
  return {
    id: r.number,
    ticket_id: r.ticketNumber,
    ticket_title: r.ticketTitle,
    ticket_status: r.ticketStatus,
    ticket_itop_ref: refOf(r.ticketRef, r.ticketNumber),
    model: r.model,
    selected_model: r.model,
    harness: r.harness,
    runtime_profile_id: r.profileId,
    runtime_config: { ...r.runtime },
    status: r.status,
    started_at: r.startedAt,
    finished_at: r.finishedAt,
    heartbeat: r.heartbeat,
    error_message: r.error,
    attempts: r.attempts,
    assigned_by: r.spawnedBy.name,
    last_task_id: r.taskNumber,
    current_task_id: isEnded(r) ? null : r.taskNumber,
    task_status: taskStatus(r.status),
    task_type: r.taskType,
    task_progress_pct: r.progress,
    task_error_message: r.error,
    task_work_dir: r.workDir,
    idle_seconds: activeStatuses.includes(r.status) ? seconds(r.heartbeat, null) : 0,
    running_seconds: running,
    task_working_seconds: running - waited,
    gate_wait_seconds: waited,
    workflow_url: ctx.kernel.temporal.link({ kind: 'agentRun', tenantId: r.tenantId, id: r.id }),
  };
}

export const taskView = (r: RunView, checkpoints: readonly Checkpoint[]) => ({
  id: r.taskNumber,
  agent_id: r.number,
  ticket_id: r.ticketNumber,
  task_type: r.taskType,
  prompt: r.prompt,
  status: taskStatus(r.status),
  output: r.result,
  error_message: r.error,
  checkpoints: checkpoints.map(({ at, ...c }) => ({ ...c, timestamp: at })),
  progress_pct: r.progress,
  work_dir: r.workDir,
  pid: r.pid,
  created_at: r.createdAt,
  started_at: r.startedAt,
  completed_at: r.finishedAt,
});

export const auditView = (e: RunEntry) => ({
  id: e.seq,
  action: e.kind,
  actor: e.actor.name,
  target: `${e.subjectKind}:${e.subjectId}`,
  decision: e.decision,
  reason: e.reason,
  details: e.body,
  created_at: e.at,
});

/** One line, whatever the text holds. */
export const logLine = ({ at, kind, tool, decision, why }: LogLine): string =>
  [at, kind, tool ?? '-', decision, why?.replace(/\s+/g, ' ') ?? ''].join(' ').trimEnd();

export const accessView = (ctx: Ctx, a: AccessView) => ({
  id: a.number,
  parent_ticket_id: a.ticketNumber,
  access_ticket_id: a.childNumber,
  access_ticket_title: a.childTitle,
  access_ticket_status: a.childStatus,
  access_ticket_provider: a.childProvider,
  access_ticket_provider_ref: a.childProviderRef,
  agent_id: a.runNumber,
  change_id: a.gateNumber,
  change_status: a.gateStatus,
  change_result: a.gateResult,
  approved_by: a.decidedBy?.name ?? null,
  approved_at: a.decidedAt,
  requester: a.requester.name,
  on_behalf_of: a.onBehalfOf?.name ?? null,
  account_ref: a.accountRef,
  resource: a.resource,
  permission: a.permission,
  reason: a.reason,
  assignment_group: a.assignmentGroup,
  access_raci: a.raci && wireRaci(a.raci),
  risk_level: a.riskLevel,
  lease_request: a.lease && wireScope(a.lease),
  status: a.status,
  lease_status: a.leaseStatus,
  lease_expires_at: a.leaseExpiresAt,
  approval_actor: a.approvalActor?.name ?? null,
  grant_evidence: a.evidence,
  created_at: a.createdAt,
  updated_at: a.updatedAt,
  workflow_url: ctx.kernel.temporal.link({ kind: 'accessRequest', tenantId: a.tenantId, id: a.id }),
});

export const leaseView = (l: LeaseView) => ({
  id: l.number,
  system: l.system,
  resource_type: l.resourceType,
  resource_id: l.resourceId,
  action: l.action,
  credential_ref: l.credentialRef,
  lease_status: l.status,
  granted_by: l.grantedBy?.name ?? null,
  expires_at: l.expiresAt,
  created_at: l.createdAt,
});
