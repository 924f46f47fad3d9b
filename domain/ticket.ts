import type { Actor } from './principal';

export const ticketStatuses = [
  'new', 'assigned', 'in_progress', 'awaiting_user_response', 'pending_approval', 'awaiting_access', 'blocked',
  'resolved', 'closed', 'implemented', 'rejected', 'cancelled',
] as const; // prettier-ignore
export type TicketStatus = (typeof ticketStatuses)[number];

/** Over for people: an agent's own moves never change it again. */
export const closedStatuses: readonly TicketStatus[] = ['resolved', 'closed', 'implemented', 'rejected', 'cancelled'];

/** The unit of work that people see. */
export interface Ticket {
  id: string;
  tenantId: string;
  number: number;
  title: string;
  description: string;
  ticketClass: string;
  status: TicketStatus;
  /** What request-info put aside. */
  previousStatus: TicketStatus | null;
  /** As given, `2` or `P2`; compared by its number. */
  priority: string | null;
  assignee: string | null;
  assigneeTeam: string | null;
  owningGroup: string | null;
  provider: string;
  providerRef: string | null;
  providerSyncStatus: string;
  externalUrl: string | null;
  parentTicketId: string | null;
  runId: string | null;
  requesterName: string | null;
  requesterEmail: string | null;
  affectedUserName: string | null;
  affectedUserEmail: string | null;
  securityClassification: string;
  accessScope: Record<string, unknown>;
  createdBy: Actor;
  createdByLabel: string | null;
  createdAt: string;
  updatedAt: string;
}

export interface Note {
  id: string;
  tenantId: string;
  number: number;
  ticketId: string;
  source: string;
  author: string;
  actor: Actor;
  body: string;
  visibility: string;
  externalRef: string | null;
  createdAt: string;
}

export interface Attachment {
  id: string;
  tenantId: string;
  number: number;
  ticketId: string;
  noteId: string | null;
  filename: string;
  /** What the uploader says that it is. */
  contentType: string | null;
  /** What its first bytes say; null when they say nothing, or are elsewhere. */
  detectedType: string | null;
  storageRef: string | null;
  sha256: string | null;
  sizeBytes: number | null;
  metadata: Record<string, unknown>;
  /** Its bytes are in this server's store, put there by an upload. */
  stored: boolean;
  createdAt: string;
}

export const steeringStatuses = ['pending', 'delivered', 'acknowledged'] as const;
export type SteeringStatus = (typeof steeringStatuses)[number];

/** Something a person said that a run is to see between two steps. */
export interface SteeringEvent {
  id: string;
  tenantId: string;
  number: number;
  runId: string;
  ticketId: string;
  noteId: string | null;
  source: string;
  author: string;
  body: string;
  status: SteeringStatus;
  createdAt: string;
  deliveredAt: string | null;
  acknowledgedAt: string | null;
}

/** Sources whose notes steer; agents and the control plane never do, so no agent steers itself. */
const steeringSources = ['dashboard', 'itop', 'servicenow', 'jira', 'provider', 'requester', 'user-response'];
export const steers = (source: string, author: string): boolean =>
  steeringSources.includes(source) && !/^agent([-_].*)?$/.test(author);

/** 1 is the most urgent; null when there is none. */
export const priorityRank = (priority: string | null): number | null => {
  const digit = /^P?([1-4])$/i.exec(priority ?? '')?.[1];
  return digit ? Number(digit) : null;
};
