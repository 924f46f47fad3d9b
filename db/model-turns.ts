import type { ModelTurn, Spending } from '../domain/model-turn';
import { ModelTurnSchema } from '../domain/model-turn.schema';
import { entity } from './entity';
import type { Read } from './tx';

export const modelTurns = entity('model_turns', ModelTurnSchema, [], ['calls', 'reasoning']);

/** Those that stand, one a turn, in order: what a model said, and that it was not asked. */
export const standingTurns = (tx: Read, runId: string): Promise<ModelTurn[]> =>
  modelTurns.list(tx, `where run_id = $1 and state in ('answered', 'refused') order by turn`, [runId]);

/** All attempts at one turn, in order. */
export const attemptsAt = (tx: Read, runId: string, turn: number): Promise<ModelTurn[]> =>
  modelTurns.list(tx, 'where run_id = $1 and turn = $2 order by attempt', [runId, turn]);

/** The newest attempts of some runs, newest first. */
export const newestAttempts = (tx: Read, runIds: readonly string[], most: number): Promise<ModelTurn[]> =>
  modelTurns.list(tx, 'where run_id = any($1) order by started_at desc, turn desc, attempt desc limit $2', [
    runIds,
    most,
  ]);

/** Until the transaction ends: two who reserve take turns. */
export const holdRun = (tx: Read, runId: string): Promise<unknown> =>
  tx.query('select from runs where id = $1 for update', [runId]);

/** What a run has spent, and what is set aside for it. */
export async function spentBy(tx: Read, runId: string): Promise<Spending> {
  const { rows } = await tx.query<{ tokens: number; micros: number }>(
    `select coalesce(sum(tokens_in::bigint + tokens_out), 0)::bigint as tokens, coalesce(sum(cost_micros), 0)::bigint as micros
     from model_turns where run_id = $1 and state <> 'refused'`,
    [runId],
  );
  const [row] = rows;
  return { tokens: row?.tokens ?? 0, costMicros: row?.micros ?? 0 };
}

/** What all runs of a profile have spent today (UTC), and what is set aside for them. Holds it, as a run's is held. */
export async function spentToday(tx: Read, profileId: string): Promise<Spending> {
  await tx.query(`select pg_advisory_xact_lock(hashtextextended('budget:' || $1 || ':' || $2, 0))`, [
    tx.tenantId,
    profileId,
  ]);
  return spentByProfile(tx, profileId);
}

/** The same to look at. */
export async function spentByProfile(tx: Read, profileId: string): Promise<Spending> {
  const { rows } = await tx.query<{ tokens: number; micros: number }>(
    `select coalesce(sum(tokens_in::bigint + tokens_out), 0)::bigint as tokens, coalesce(sum(cost_micros), 0)::bigint as micros
     from model_turns where profile_id = $1 and state <> 'refused'
       and started_at >= date_trunc('day', now() at time zone 'utc') at time zone 'utc'`,
    [profileId],
  );
  const [row] = rows;
  return { tokens: row?.tokens ?? 0, costMicros: row?.micros ?? 0 };
}

/** What a run has spent, and what of that is only set aside. */
export async function spendingOf(tx: Read, runId: string): Promise<{ spent: Spending; reserved: Spending }> {
  const { rows } = await tx.query<{ reserved: boolean; tokens: number; micros: number }>(
    `select state = 'reserved' as reserved, sum(tokens_in::bigint + tokens_out)::bigint as tokens, sum(cost_micros)::bigint as micros
     from model_turns where run_id = $1 and state <> 'refused' group by 1`,
    [runId],
  );
  const of = (wanted: boolean): Spending => {
    const row = rows.find((r) => r.reserved === wanted);
    return { tokens: row?.tokens ?? 0, costMicros: row?.micros ?? 0 };
  };
  return { spent: of(false), reserved: of(true) };
}

type Settlement = Pick<
  ModelTurn,
  | 'state' | 'text' | 'calls' | 'reasoning' | 'stopReason' | 'tokensIn' | 'tokensOut' | 'costMicros' | 'estimated' | 'error' | 'durationMs'
>; // prettier-ignore

/** Once: null when it is settled already, by whoever came after. */
export async function settleTurn(tx: Read, id: string, s: Settlement): Promise<ModelTurn | null> {
  const { rows } = await tx.query(
    `update model_turns set state = $2, text = $3, calls = $4, stop_reason = $5, tokens_in = $6, tokens_out = $7,
       cost_micros = $8, estimated = $9, error = $10, duration_ms = $11, reasoning = $12
     where id = $1 and state = 'reserved' returning ${modelTurns.columns()}`,
    [
      id, s.state, s.text, JSON.stringify(s.calls), s.stopReason, s.tokensIn, s.tokensOut, s.costMicros, s.estimated, s.error,
      s.durationMs, JSON.stringify(s.reasoning),
    ],
  ); // prettier-ignore
  return rows[0] ? modelTurns.parse(rows[0]) : null;
}
