import { z } from 'zod';
import { InstantSchema, JsonObject } from './common.schema';
import {
  blueprintStatuses,
  postmortemStatuses,
  type Article,
  type Blueprint,
  type Postmortem,
  type Skill,
} from './learning';

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
  approvalPolicy: JsonObject,
  skillIds: z.array(z.int()),
  createdBy: z.string(),
  reviewedBy: text,
  reviewedAt: InstantSchema.nullable(),
  createdAt: InstantSchema,
  updatedAt: InstantSchema,
}) satisfies z.ZodType<Blueprint>;

export const SkillSchema = z.object({
  id: z.uuid(),
  tenantId: z.uuid(),
  number: z.int(),
  name: z.string(),
  description: z.string(),
  category: z.string(),
  promptTemplate: z.string(),
  enabled: z.boolean(),
  assignedToAll: z.boolean(),
  createdAt: InstantSchema,
  updatedAt: InstantSchema,
}) satisfies z.ZodType<Skill>;
