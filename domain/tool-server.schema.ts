import { z } from 'zod';
import { InstantSchema } from './common.schema';
import { toolStatuses, toolTypes } from './tool-server';

const Choice = z.object({
  effect: z.enum(['read', 'external']).optional(),
  content: z.enum(['prose', 'instruction']).optional(),
  repeatable: z.boolean().optional(),
  enabled: z.boolean().optional(),
  digest: z.string().nullable(),
});

export const TransportSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('stdio'), command: z.string() }),
  z.object({ kind: z.literal('http'), url: z.string() }),
]);

export const SettingsSchema = z.object({
  transport: TransportSchema,
  timeoutMs: z.int(),
  trustAnnotations: z.boolean(),
  leases: z
    .array(z.object({ system: z.string(), resourceType: z.string(), resourceId: z.string(), action: z.string() }))
    .default([]),
  tools: z.record(z.string(), Choice),
});

export const ToolSchema = z.object({
  id: z.uuid(),
  tenantId: z.uuid(),
  number: z.int(),
  name: z.string(),
  type: z.enum(toolTypes),
  description: z.string(),
  enabled: z.boolean(),
  /** Of a tool server; null for a part of the installation. */
  settings: SettingsSchema.nullable(),
  /** Grows with every change of what it takes to speak to it. */
  revision: z.int(),
  status: z.enum(toolStatuses),
  lastCheck: InstantSchema.nullable(),
  responseTimeMs: z.number().nullable(),
  lastError: z.string().nullable(),
  createdAt: InstantSchema,
  updatedAt: InstantSchema,
  deletedAt: InstantSchema.nullable(),
});
export type ToolRow = z.output<typeof ToolSchema>;

export const AnnotationsSchema = z.object({
  readOnlyHint: z.boolean().optional(),
  destructiveHint: z.boolean().optional(),
  idempotentHint: z.boolean().optional(),
  openWorldHint: z.boolean().optional(),
});

export const ListedSchema = z.object({
  name: z.string(),
  description: z.string(),
  inputSchema: z.record(z.string(), z.unknown()),
  outputSchema: z.record(z.string(), z.unknown()).nullable(),
  annotations: AnnotationsSchema,
  digest: z.string(),
  problem: z.string().nullable(),
});
