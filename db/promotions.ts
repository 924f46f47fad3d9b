import { z } from 'zod';
import { partNames, type OutcomeOf, type PartName, type PartOutcome } from '../domain/promotion';
import type { Read } from './tx';

const action = z.enum(['created', 'updated']);
const Outcome = z.discriminatedUnion('part', [
  z.object({ part: z.literal('article'), id: z.uuid(), number: z.int(), action, workflowKey: z.string() }),
  z.object({
    part: z.literal('skills'),
    skills: z.array(z.object({ id: z.uuid(), number: z.int(), name: z.string(), action })),
  }),
  z.object({
    part: z.literal('blueprint'),
    id: z.uuid(),
    number: z.int(),
    action,
    workflowKey: z.string(),
    version: z.int(),
  }),
  z.object({ part: z.literal('close'), postmortem: z.int(), ticket: z.int().nullable(), status: z.string() }),
]) satisfies z.ZodType<PartOutcome>;

const Row = z.object({
  part: z.enum(partNames),
  outcome: Outcome,
  /** The execution that made it. */
  promotion: z.string(),
  undo: z.unknown(),
});
export type PartRow = z.output<typeof Row>;

/** What has been made of a postmortem so far, by whichever promotion. */
export async function promotionParts(tx: Read, postmortemId: string): Promise<PartRow[]> {
  const { rows } = await tx.query(
    'select part, outcome, promotion, undo from promotion_parts where postmortem_id = $1 order by created_at',
    [postmortemId],
  );
  return rows.map((r) => Row.parse(r));
}

/** The outcome of one part among them. */
export const outcomeOf = <P extends PartName>(parts: readonly PartRow[], part: P): OutcomeOf<P> | null =>
  (parts.find((p) => p.part === part)?.outcome ?? null) as OutcomeOf<P> | null;

export async function insertPart(tx: Read, postmortemId: string, row: PartRow): Promise<void> {
  await tx.query(
    `insert into promotion_parts (tenant_id, postmortem_id, part, outcome, promotion, undo) values ($1, $2, $3, $4, $5, $6)`,
    [tx.tenantId, postmortemId, row.part, row.outcome, row.promotion, JSON.stringify(row.undo)],
  );
}

export async function deletePart(tx: Read, postmortemId: string, part: PartName): Promise<void> {
  await tx.query('delete from promotion_parts where postmortem_id = $1 and part = $2', [postmortemId, part]);
}
