import { z } from 'zod';
import { accessStatuses, type AccessRequest } from './access';
import { ActorSchema, InstantSchema } from './common.schema';
import type { LeaseScope } from './harness';

export const LeaseScopeSchema = z.object({
  system: z.string().min(1).max(100),
  resourceType: z.string().min(1).max(100),
  resourceId: z.string().min(1).max(200),
  action: z.string().min(1).max(50),
}) satisfies z.ZodType<LeaseScope>;

export const AccessRequestSchema = z.object({
  id: z.uuid(),
  tenantId: z.uuid(),
  number: z.int(),
  ticketId: z.uuid(),
  accessTicketId: z.uuid(),
  runId: z.uuid().nullable(),
  agentId: z.uuid().nullable(),
  gateId: z.uuid(),
  resource: z.string(),
  permission: z.string(),
  accountRef: z.string().nullable(),
  reason: z.string().nullable(),
  assignmentGroup: z.string(),
  riskLevel: z.string(),
  lease: LeaseScopeSchema.nullable(),
  leaseId: z.uuid().nullable(),
  status: z.enum(accessStatuses),
  requester: ActorSchema,
  onBehalfOf: ActorSchema.nullable(),
  approvalActor: ActorSchema.nullable(),
  evidence: z.string().nullable(),
  createdAt: InstantSchema,
  updatedAt: InstantSchema,
  version: z.int(),
}) satisfies z.ZodType<AccessRequest>;
