import { gates } from '../../db/gates';
import type { Read } from '../../db/tx';
import type { Gate } from '../../domain/gate';
import { canonical } from '../../log/canonical';

/**
 * Whether this transition is the one that stands at its version. A local activity commits before history does, so after
 * a crash a workflow may come with another transition for a version that is taken: then the row decides.
 */
export async function stands(tx: Read, subjectId: string, version: number, transition: string): Promise<boolean> {
  const { rows } = await tx.query('select 1 from log where subject_id = $1 and version = $2 and transition = $3', [
    subjectId,
    version,
    transition,
  ]);
  return rows.length > 0;
}

/** What happened by this transition is written already, at whatever version. */
export async function writtenBefore(tx: Read, subjectId: string, transition: string): Promise<boolean> {
  const { rows } = await tx.query('select 1 from log where subject_id = $1 and transition = $2', [
    subjectId,
    transition,
  ]);
  return rows.length > 0;
}

const decision = (g: Gate): string => canonical([g.version, g.status, g.decidedBy, g.decisionReason, g.result]);

/**
 * What the row of a gate says, when a workflow was told otherwise: whoever reaches Temporal may send a message that a gate
 * moved, and only its row says what people decided. Null: it was told the truth, or leans on no gate.
 */
export async function otherwise(tx: Read, told: Gate | undefined): Promise<{ gate: Gate | null } | null> {
  if (!told) return null;
  const gate = await gates.byId(tx, told.id);
  return gate && decision(gate) === decision(told) ? null : { gate };
}
