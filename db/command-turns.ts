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
    `insert into command_turns as t (process_id, key, tenant_id, run_id, model, duration_ms, stop_reason, has_tool_use, tokens_in, tokens_out)
     select $1, s.key, $2, $3, s.model, s."durationMs", s."stopReason", s."hasToolUse", s."tokensIn", s."tokensOut"
     from rows from (jsonb_to_recordset($4) as (key text, model text, "durationMs" float8, "stopReason" text, "hasToolUse" boolean,
         "tokensIn" int, "tokensOut" int)) with ordinality s
     where exists (select from command_turns where process_id = $1 and key = s.key)
       or s.ordinality <= $5::int - (select count(*) from command_turns where process_id = $1)
     order by s.ordinality
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
