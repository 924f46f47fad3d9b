import type { Spending } from '../domain/model-turn';
import { SynthesisAttemptSchema, type SynthesisAttempt } from '../domain/synthesis-attempt.schema';
import { entity } from './entity';
import type { Read } from './tx';

export const synthesisAttempts = entity('synthesis_attempts', SynthesisAttemptSchema, []);

/** All attempts at one postmortem, in order. */
export const attemptsAtPostmortem = (tx: Read, postmortemId: string): Promise<SynthesisAttempt[]> =>
  synthesisAttempts.list(tx, 'where postmortem_id = $1 order by attempt', [postmortemId]);

/** What the tenant's syntheses have spent today (UTC), and what is set aside for them. Until the transaction ends, two who reserve take turns. */
export async function synthesesToday(tx: Read): Promise<Spending> {
  await tx.query(`select pg_advisory_xact_lock(hashtextextended('syntheses:' || $1, 0))`, [tx.tenantId]);
  const { rows } = await tx.query<{ tokens: number; micros: number }>(
    `select coalesce(sum(tokens_in::bigint + tokens_out), 0)::bigint as tokens, coalesce(sum(cost_micros), 0)::bigint as micros
     from synthesis_attempts where state <> 'refused'
       and started_at >= date_trunc('day', now() at time zone 'utc') at time zone 'utc'`,
  );
  const [row] = rows;
  return { tokens: row?.tokens ?? 0, costMicros: row?.micros ?? 0 };
}

type Settlement = Omit<
  SynthesisAttempt,
  'id' | 'tenantId' | 'postmortemId' | 'attempt' | 'model' | 'promptDigest' | 'startedAt'
>;

/** Once: false when it is settled already, by whoever came after. */
export async function settleAttempt(tx: Read, id: string, s: Settlement): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update synthesis_attempts set state = $2, answer_digest = $3, tokens_in = $4, tokens_out = $5, cost_micros = $6, estimated = $7,
       error = $8, duration_ms = $9 where id = $1 and state = 'reserved'`,
    [id, s.state, s.answerDigest, s.tokensIn, s.tokensOut, s.costMicros, s.estimated, s.error, s.durationMs],
  );
  return rowCount === 1;
}
