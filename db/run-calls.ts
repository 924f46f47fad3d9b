import { z } from 'zod';
import { JsonObject } from '../domain/common.schema';
import { Conflict } from '../domain/errors';
import type { Read } from './tx';

const Row = z.object({
  id: z.uuid(),
  runId: z.uuid(),
  tool: z.string(),
  args: JsonObject,
  why: z.string().nullable(),
  gateId: z.uuid().nullable(),
  /** The credential that asked for it; null: it was asked for before that was written down. */
  keyId: z.uuid().nullable(),
  step: z.int().nullable(),
  seal: z.string().nullable(),
});
/** A tool call that an agent elsewhere asked for. */
export type RunCall = z.output<typeof Row>;

/** As it is asked for; a repeat changes nothing. */
export const insertCall = (tx: Read, c: Omit<RunCall, 'step' | 'seal'>): Promise<unknown> =>
  tx.query(
    `insert into run_calls (id, tenant_id, run_id, tool, args, why, gate_id, key_id) values ($1, $2, $3, $4, $5, $6, $7, $8)
     on conflict (id) do nothing`,
    [c.id, tx.tenantId, c.runId, c.tool, JSON.stringify(c.args), c.why, c.gateId, c.keyId],
  );

export async function callById(tx: Read, id: string): Promise<RunCall | null> {
  const { rows } = await tx.query(
    `select id, run_id as "runId", tool, args, why, gate_id as "gateId", key_id as "keyId", step, seal from run_calls where id = $1`,
    [id],
  );
  return rows[0] ? Row.parse(rows[0]) : null;
}

/**
 * The step that it has, or has from now on: `step`, unless the ledger or a call is further. What was asked for with a key that
 * is over by now, and not begun with, is another's to do; a key that is good stays so until the transaction ends.
 * @throws Conflict
 */
export async function placeCall(tx: Read, { id, runId, step: placed, keyId }: RunCall, step: number): Promise<number> {
  if (placed !== null) return placed;
  if (keyId !== null) {
    const { rowCount } = await tx.query(
      `select from api_keys where id = $1 and revoked_at is null and (expires_at is null or expires_at > clock_timestamp()) for share`,
      [keyId],
    );
    if (!rowCount)
      throw new Conflict('the key that asked for it is over, and it was not begun with: claim the task again', { reason: 'fenced' });
  }
  const { rows } = await tx.query<{ step: number }>(
    `update run_calls set step = coalesce(step, greatest($2,
       (select coalesce(max(step) + 1, 0) from executions where owner_id = $3),
       (select coalesce(max(step) + 1, 0) from run_calls where run_id = $3))) where id = $1 returning step`,
    [id, step, runId],
  );
  if (!rows[0]) throw new Error(`no call ${id}`);
  return rows[0].step;
} // prettier-ignore

export const sealCall = (tx: Read, id: string, seal: string): Promise<unknown> =>
  tx.query('update run_calls set seal = $2 where id = $1', [id, seal]);
