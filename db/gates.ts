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

/** None when there is no such ticket. */
interface OpenedGate {
  o_number: number;
  o_status: GateStatus;
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
): Promise<OpenedGate | null> {
  const args = [gates.json(first), ticket, only];
  const { rows } = await tx.query<OpenedGate & QueryResultRow>(
    'select * from open_gate($1, $2, $3)',
    args,
    'open gate',
  );
  return rows[0] ?? null;
}
