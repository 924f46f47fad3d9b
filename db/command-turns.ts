import { z } from 'zod';
import { InstantSchema } from '../domain/common.schema';
import type { Read } from './tx';

/** A turn of the model behind a command, as the command told of it. */
export interface SeenTurn {
  /** Told of again, it is the same turn. */
  key: string;
  model: string | null;
  /** Since what it said before; null: nobody watched then. */
  durationMs: number | null;
  stopReason: string | null;
  hasToolUse: boolean;
  tokensIn: number;
  tokensOut: number;
}

/** Those that are new of a launch, and more of those that stand; of one launch there are no more than `most`. */
export const recordTurns = (
  tx: Read,
  p: { id: string; runId: string },
  turns: readonly SeenTurn[],
  most: number,
): Promise<unknown> =>
  tx.query(
    `with s as (
       select * from rows from (jsonb_to_recordset($4) as (key text, model text, "durationMs" float8, "stopReason" text, "hasToolUse" boolean,
         "tokensIn" int, "tokensOut" int)) with ordinality
     ), there as (
       select key from command_turns where process_id = $1
     ), fresh as (
       select key from s where key not in (select key from there) order by ordinality
       limit greatest(0, $5::int - (select count(*) from there))
     )
     insert into command_turns as t (process_id, key, tenant_id, run_id, model, duration_ms, stop_reason, has_tool_use, tokens_in, tokens_out)
     select $1, key, $2, $3, model, "durationMs", "stopReason", "hasToolUse", "tokensIn", "tokensOut" from s
     where key in (select key from fresh union all select key from there) order by ordinality
     on conflict (process_id, key) do update set model = coalesce(excluded.model, t.model),
       ended_at = case when excluded.duration_ms > 0 then now() else t.ended_at end,
       duration_ms = coalesce(t.duration_ms + excluded.duration_ms, t.duration_ms), stop_reason = coalesce(excluded.stop_reason, t.stop_reason),
       has_tool_use = t.has_tool_use or excluded.has_tool_use, tokens_in = greatest(t.tokens_in, excluded.tokens_in),
       tokens_out = greatest(t.tokens_out, excluded.tokens_out)`,
    [p.id, tx.tenantId, p.runId, JSON.stringify(turns), most],
  );

const Row = z.object({
  runId: z.string(),
  /** From 0, of its run. */
  turn: z.int(),
  model: z.string().nullable(),
  endedAt: InstantSchema,
  durationMs: z.number().nullable(),
  stopReason: z.string().nullable(),
  hasToolUse: z.boolean(),
  tokensIn: z.int(),
  tokensOut: z.int(),
});
export type CommandTurn = z.output<typeof Row>;

/** The newest of some runs, newest first. */
export async function newestCommandTurns(tx: Read, runIds: readonly string[], most: number): Promise<CommandTurn[]> {
  const { rows } = await tx.query(
    `select run_id as "runId", (row_number() over (partition by run_id order by number))::int - 1 as turn, model, ended_at as "endedAt",
       duration_ms as "durationMs", stop_reason as "stopReason", has_tool_use as "hasToolUse", tokens_in as "tokensIn", tokens_out as "tokensOut"
     from command_turns where run_id = any($1) order by number desc limit $2`,
    [runIds, most],
  );
  return rows.map((r) => Row.parse(r));
}
