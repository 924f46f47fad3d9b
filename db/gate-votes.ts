import { z } from 'zod';
import { ActorSchema, InstantSchema } from '../domain/common.schema';
import { verdicts, type Gate } from '../domain/gate';
import type { GateCall } from '../domain/quorum';
import { entity } from './entity';
import { gates } from './gates';
import { prepared } from './prepared';
import type { Read } from './tx';

/** What one person said about a gate that has a rule. Never changed. */
export const GateVote = z.object({
  id: z.uuid(),
  tenantId: z.uuid(),
  gateId: z.uuid(),
  voterId: z.uuid(),
  voter: ActorSchema,
  verdict: z.enum(verdicts),
  label: z.string().nullable(),
  reason: z.string().nullable(),
  digest: z.string().nullable(),
  proof: z.string(),
  transition: z.string(),
  votedAt: InstantSchema,
});
export type GateVote = z.output<typeof GateVote>;

export const gateVotes = entity('gate_votes', GateVote, []);

/** In the order in which they came; uuids of version 7 break ties. */
export const votesOf = (tx: Read, gateId: string): Promise<GateVote[]> =>
  gateVotes.list(tx, 'where gate_id = $1 order by voted_at, id', [gateId]);

/** The row, held until the transaction ends: what the votes come to is settled by one at a time. */
export async function lockGate(tx: Read, id: string): Promise<Gate | null> {
  const [gate] = await gates.list(tx, 'where id = $1 for update', [id]);
  return gate ?? null;
}

/** From here to the end of the transaction this gate may be decided: its votes are counted. */
export const countedHere = (tx: Read, gateId: string): Promise<unknown> =>
  tx.query(`select set_config('app.counted', $1, true)`, [gateId]);

export interface Called {
  kind: GateCall['kind'];
  n: number;
  at: string;
}

export async function callsMade(tx: Read, gateId: string): Promise<Called[]> {
  const { rows } = await prepared<{ kind: GateCall['kind']; n: number; at: Date }>(
    tx,
    'select kind, n, called_at as at from gate_calls where gate_id = $1 order by called_at, kind, n',
    [gateId],
  );
  return rows.map(({ kind, n, at }) => ({ kind, n, at: InstantSchema.parse(at) }));
}

/** False: it was made before. */
export async function makeCall(tx: Read, gateId: string, { kind, n }: GateCall, at: string): Promise<boolean> {
  const { rowCount } = await tx.query(
    `insert into gate_calls (tenant_id, gate_id, kind, n, called_at) values ($1, $2, $3, $4, $5) on conflict do nothing`,
    [tx.tenantId, gateId, kind, n, at],
  );
  return rowCount === 1;
}
