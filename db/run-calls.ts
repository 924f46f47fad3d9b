import { z } from 'zod';
import { JsonObject } from '../domain/common.schema';
import type { Read } from './tx';

const Row = z.object({
  id: z.uuid(),
  runId: z.uuid(),
  tool: z.string(),
  args: JsonObject,
  why: z.string().nullable(),
  gateId: z.uuid().nullable(),
  step: z.int().nullable(),
  seal: z.string().nullable(),
});
/** A tool call that an agent elsewhere asked for. */
export type RunCall = z.output<typeof Row>;

/** As it is asked for; a repeat changes nothing. */
export const insertCall = (tx: Read, c: Omit<RunCall, 'step' | 'seal'>): Promise<unknown> =>
  tx.query(
    `insert into run_calls (id, tenant_id, run_id, tool, args, why, gate_id) values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (id) do nothing`,
    [c.id, tx.tenantId, c.runId, c.tool, JSON.stringify(c.args), c.why, c.gateId],
  );

export async function callById(tx: Read, id: string): Promise<RunCall | null> {
  const { rows } = await tx.query(
    `select id, run_id as "runId", tool, args, why, gate_id as "gateId", step, seal from run_calls where id = $1`,
    [id],
  );
  return rows[0] ? Row.parse(rows[0]) : null;
}

/** The step that it has, or has from now on. */
export async function placeCall(tx: Read, id: string, step: number): Promise<number> {
  const { rows } = await tx.query<{ step: number }>(
    'update run_calls set step = coalesce(step, $2) where id = $1 returning step',
    [id, step],
  );
  if (!rows[0]) throw new Error(`no call ${id}`);
  return rows[0].step;
}

export const sealCall = (tx: Read, id: string, seal: string): Promise<unknown> =>
  tx.query('update run_calls set seal = $2 where id = $1', [id, seal]);
