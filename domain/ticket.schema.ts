import { z } from 'zod';
import { ActorSchema, InstantSchema, JsonObject } from './common.schema';
import {
  steeringStatuses,
  ticketStatuses,
  type Attachment,
  type Note,
  type SteeringEvent,
  type Ticket,
} from './ticket';

const text = z.string().nullable();

export const TicketSchema = z.object({
  id: z.uuid(),
  tenantId: z.uuid(),
  number: z.int(),
  title: z.string(),
  description: z.string(),
  ticketClass: z.string(),
  status: z.enum(ticketStatuses),
  previousStatus: z.enum(ticketStatuses).nullable(),
  priority: text,
  assignee: text,
  assigneeTeam: text,
  owningGroup: text,
  provider: z.string(),
  providerRef: text,
  providerSyncStatus: z.string(),
  externalUrl: text,
  parentTicketId: z.uuid().nullable(),
  runId: z.uuid().nullable(),
  requesterName: text,
  requesterEmail: text,
  affectedUserName: text,
  affectedUserEmail: text,
  securityClassification: z.string(),
  accessScope: JsonObject,
  createdBy: ActorSchema,
  createdByLabel: text,
  createdAt: InstantSchema,
  updatedAt: InstantSchema,
}) satisfies z.ZodType<Ticket>;

export const NoteSchema = z.object({
  id: z.uuid(),
  tenantId: z.uuid(),
  number: z.int(),
  ticketId: z.uuid(),
  source: z.string(),
  author: z.string(),
  actor: ActorSchema,
  body: z.string(),
  visibility: z.string(),
  externalRef: text,
  createdAt: InstantSchema,
}) satisfies z.ZodType<Note>;

export const AttachmentSchema = z.object({
  id: z.uuid(),
  tenantId: z.uuid(),
  number: z.int(),
  ticketId: z.uuid(),
  noteId: z.uuid().nullable(),
  filename: z.string(),
  contentType: text,
  detectedType: text,
  storageRef: text,
  sha256: text,
  sizeBytes: z.number().nullable(),
  metadata: JsonObject,
  stored: z.boolean(),
  createdAt: InstantSchema,
}) satisfies z.ZodType<Attachment>;

export const SteeringEventSchema = z.object({
  id: z.uuid(),
  tenantId: z.uuid(),
  number: z.int(),
  runId: z.uuid(),
  ticketId: z.uuid(),
  noteId: z.uuid().nullable(),
  source: z.string(),
  author: z.string(),
  body: z.string(),
  status: z.enum(steeringStatuses),
  createdAt: InstantSchema,
  deliveredAt: InstantSchema.nullable(),
  acknowledgedAt: InstantSchema.nullable(),
}) satisfies z.ZodType<SteeringEvent>;
