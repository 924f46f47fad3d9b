import { z } from 'zod';
import { InstantSchema } from './common.schema';
import type { RaciRule } from './raci';

export const RaciRuleSchema = z.object({
  id: z.uuid(),
  tenantId: z.uuid(),
  number: z.int(),
  name: z.string(),
  intent: z.string(),
  keywords: z.array(z.string()),
  ticketClass: z.string(),
  priority: z.string(),
  assignmentGroup: z.string(),
  responsible: z.string(),
  accountable: z.string(),
  consulted: z.array(z.string()),
  informed: z.array(z.string()),
  approvalRequired: z.boolean(),
  approvalAction: z.string().nullable(),
  riskLevel: z.string(),
  knowledgeTags: z.array(z.string()),
  autoAssignAgent: z.boolean(),
  autoAgentModel: z.string().nullable(),
  autoAgentPrompt: z.string().nullable(),
  enabled: z.boolean(),
  createdAt: InstantSchema,
  updatedAt: InstantSchema,
}) satisfies z.ZodType<RaciRule>;
