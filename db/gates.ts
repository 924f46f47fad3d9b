import type { QueryResultRow } from 'pg';
import { GateSchema } from '../domain/gate.schema';
import type { Gate, GateStatus } from '../domain/gate';
import { entity } from './entity';
import { newNote, type NewNote } from './notes';
import type { TenantPolicy } from './policies';
import { notes } from './tickets';
import type { Read, Statement } from './tx';

export const gates = entity('gates', GateSchema, ['number']);

/** One version on, with its note. Raises when the row stands elsewhere, or when the tenant's policy is not `assumed`. */
export const moveStatement = (next: Gate, note: NewNote | null, assumed: TenantPolicy): Statement => ({
  name: 'move gate',
  text: 'select move_gate($1, $2, $3, $4)',
  values: [
    gates.json(next),
    note && notes.json(newNote(next.tenantId, note)),
    assumed.fourEyes,
    assumed.operatorSignals,
  ],
});
export const movedOtherwise = (e: unknown): boolean =>
  ['WH001', 'WH002'].includes(String((e as { code?: unknown } | null)?.code));

/** A gate that has a rule is decided by its votes alone. */
export const byVotes = (e: unknown): boolean => (e as { code?: unknown } | null)?.code === 'WH003';

/** None when there is no such ticket. */
interface OpenedGate {
  o_number: number;
  /** `ruled`: the tenant has a rule for it that was not looked at, and nothing is written. */
  o_status: GateStatus | 'ruled';
  o_ticket: string;
  /** The id was taken: nothing was written. */
  o_stood: boolean;
}
/** The first row of a gate on the ticket of that number; `only` leaves no other ticket. */
export async function insertOnTicket(
  tx: Read,
  first: Gate,
  ticket: number,
  only: string | null,
  ruleKnown: boolean,
): Promise<OpenedGate | null> {
  const args = [gates.json(first), ticket, only, ruleKnown];
  const { rows } = await tx.query<OpenedGate & QueryResultRow>(
    'select * from open_gate($1, $2, $3, $4)',
    args,
    'open gate',
  );
  return rows[0] ?? null;
}
