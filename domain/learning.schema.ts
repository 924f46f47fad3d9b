import { z } from 'zod';
import { InstantSchema, JsonObject } from './common.schema';
import {
  blueprintStatuses,
  postmortemStatuses,
  type Article,
  type Blueprint,
  type Postmortem,
  type Skill,
  type SkillParameter,
} from './learning';
import { StepPlanSchema } from './pipeline.schema';

const text = z.string().nullable();

export const PostmortemSchema = z.object({
  id: z.uuid(),
  tenantId: z.uuid(),
  number: z.int(),
  ticketId: z.uuid().nullable(),
  runId: z.uuid().nullable(),
  status: z.enum(postmortemStatuses),
  summary: z.string(),
  wentWell: z.string(),
  improvements: z.string(),
  workflowProposal: z.string(),
  documentation: z.string(),
  skillProposals: z.array(z.unknown()),
  testCases: z.array(z.unknown()),
  guardrails: z.array(z.unknown()),
  synthesis: z
    .object({ state: z.enum(['pending', 'done']), by: z.enum(['rules', 'model']), model: text, note: text })
    .nullable(),
  reviewNotes: text,
  createdBy: z.string(),
  reviewedBy: text,
  reviewedAt: InstantSchema.nullable(),
  createdAt: InstantSchema,
  updatedAt: InstantSchema,
  version: z.int(),
}) satisfies z.ZodType<Postmortem>;

export const ArticleSchema = z.object({
  id: z.uuid(),
  tenantId: z.uuid(),
  number: z.int(),
  title: z.string(),
  body: z.string(),
  category: text,
  source: z.string(),
  externalRef: text,
  tags: z.array(z.string()),
  enabled: z.boolean(),
  version: z.int(),
  changedBy: z.string(),
  createdAt: InstantSchema,
  updatedAt: InstantSchema,
}) satisfies z.ZodType<Article>;

export const BlueprintSchema = z.object({
  id: z.uuid(),
  tenantId: z.uuid(),
  number: z.int(),
  name: z.string(),
  workflowKey: z.string(),
  version: z.int(),
  status: z.enum(blueprintStatuses),
  description: z.string(),
  ticketClass: text,
  triggerType: z.string(),
  blueprint: z.string(),
  testPlan: z.string(),
  testResults: z.string(),
  steps: z.array(StepPlanSchema),
  approvalPolicy: JsonObject,
  skillIds: z.array(z.int()),
  createdBy: z.string(),
  reviewedBy: text,
  reviewedAt: InstantSchema.nullable(),
  reviewNotes: text,
  createdAt: InstantSchema,
  updatedAt: InstantSchema,
}) satisfies z.ZodType<Blueprint>;

const ParameterSchema = z.object({
  name: z.string(),
  description: z.string(),
  required: z.boolean(),
  default: text,
}) satisfies z.ZodType<SkillParameter>;

export const SkillSchema = z.object({
  id: z.uuid(),
  tenantId: z.uuid(),
  number: z.int(),
  name: z.string(),
  description: z.string(),
  category: z.string(),
  promptTemplate: z.string(),
  parameters: z.array(ParameterSchema),
  enabled: z.boolean(),
  assignedToAll: z.boolean(),
  version: z.int(),
  latestVersion: z.int(),
  candidateVersion: z.int().nullable(),
  changedBy: z.string(),
  createdAt: InstantSchema,
  updatedAt: InstantSchema,
  deletedAt: InstantSchema.nullable(),
}) satisfies z.ZodType<Skill>;
