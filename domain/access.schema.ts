import { z } from 'zod';
import { accessStatuses, type AccessRaci, type AccessRequest } from './access';
import { ActorSchema, InstantSchema } from './common.schema';
import type { LeaseScope } from './harness';
import { providerNames } from './provider';

export const LeaseScopeSchema = z.object({
  system: z.string().min(1).max(100),
  resourceType: z.string().min(1).max(100),
  resourceId: z.string().min(1).max(200),
  action: z.string().min(1).max(50),
}) satisfies z.ZodType<LeaseScope>;

const AccessRaciSchema = z.object({
  rule: z.int().nullable(),
  responsible: z.string(),
  accountable: z.string(),
  consulted: z.array(z.string()),
  informed: z.array(z.string()),
}) satisfies z.ZodType<AccessRaci>;

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
  raci: AccessRaciSchema.nullable(),
  syncProvider: z.enum(providerNames).nullable(),
  riskLevel: z.string(),
  lease: LeaseScopeSchema.nullable(),
  leaseId: z.uuid().nullable(),
  status: z.enum(accessStatuses),
  requester: ActorSchema,
  label: z.string().nullable(),
  onBehalfOf: ActorSchema.nullable(),
  approvalActor: ActorSchema.nullable(),
  evidence: z.string().nullable(),
  createdAt: InstantSchema,
  updatedAt: InstantSchema,
  version: z.int(),
}) satisfies z.ZodType<AccessRequest>;
