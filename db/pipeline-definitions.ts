import { z } from 'zod';
import { ActorSchema, InstantSchema, JsonObject } from '../domain/common.schema';
import { definitionStatuses, type DefinedStep } from '../domain/pipeline-definition';
import { entity } from './entity';
import { pipelines } from './pipelines';
import type { Pipeline } from '../domain/pipeline';
import type { Read } from './tx';

const Step = z.object({
  name: z.string(),
  agent_type: z.string(),
  order: z.int(),
  payload: JsonObject.optional(),
  retry_attempts: z.int().optional(),
  timeout: z.int().optional(),
}) satisfies z.ZodType<DefinedStep>;

const DefinitionSchema = z.object({
  id: z.uuid(),
  tenantId: z.uuid(),
  number: z.int(),
  name: z.string(),
  description: z.string(),
  status: z.enum(definitionStatuses),
  steps: z.array(Step),
  createdBy: ActorSchema,
  createdAt: InstantSchema,
});
export type PipelineDefinition = z.output<typeof DefinitionSchema>;

export const pipelineDefinitions = entity('pipeline_definitions', DefinitionSchema, ['number', 'createdAt'], ['steps']);

/** Newest first. */
export async function listDefinitions(
  tx: Read,
  limit: number,
  offset: number,
): Promise<{ definitions: PipelineDefinition[]; total: number }> {
  const definitions = await pipelineDefinitions.list(tx, 'order by number desc limit $1 offset $2', [limit, offset]);
  const { rows } = await tx.query<{ total: number }>('select count(*)::int as total from pipeline_definitions');
  return { definitions, total: rows[0]?.total ?? 0 };
}

/** One time that a definition was carried out. */
export async function pipelineOfDefinition(tx: Read, definitionId: string, number: number): Promise<Pipeline | null> {
  const [found] = await pipelines.list(tx, 'where number = $1 and definition_id = $2', [number, definitionId]);
  return found ?? null;
}
