import { investigations } from '../../db/investigations';
import type { Read, Write } from '../../db/tx';
import type { Investigation, InvestigationEvent } from '../../domain/investigation';
import { system, type Actor } from '../../domain/principal';
import type { Deps } from '../deps';
import { conclude } from './conclusion';
import { stands } from './record';

const kinds: Record<'open' | InvestigationEvent['type'], string> = {
  open: 'investigation.opened',
  begin: 'investigation.begun',
  conclude: 'investigation.concluded',
  fail: 'investigation.failed',
  time_out: 'investigation.timed_out',
  interrupt: 'investigation.interrupted',
  resume: 'investigation.resumed',
};

export interface InvestigationTransition {
  event: keyof typeof kinds;
  transition: string;
  /** Who resumed it; else it is whoever started it. */
  by?: Actor;
}

/** Steps are counted as they are recorded, perhaps after the workflow looked: the count never goes back. */
async function counted(tx: Read, next: Investigation): Promise<Investigation> {
  const { rows } = await tx.query<{ steps: number }>('select steps from investigations where id = $1 for update', [
    next.id,
  ]);
  return { ...next, steps: Math.max(next.steps, rows[0]?.steps ?? 0) };
}

async function write(tx: Write, next: Investigation, t: InvestigationTransition): Promise<Investigation | null> {
  if (t.event === 'open') return investigations.insert(tx, next);
  const standing = await counted(tx, next);
  // What it found is written with its end: from the ledger, so a repeat finds the same.
  const { concluded, insert } = await (t.event === 'conclude'
    ? conclude(tx, standing)
    : { concluded: standing, insert: null });
  const written = await investigations.move(tx, concluded);
  if (written) await insert?.();
  return written;
}

export const investigationActivities = ({ store }: Pick<Deps, 'store'>) => {
  const record = (
    next: Investigation,
    t: InvestigationTransition,
  ): Promise<{ investigation: Investigation; applied: boolean }> =>
    store.write(next.tenantId, async (tx) => {
      const written = await write(tx, next, t);
      if (!written) {
        const investigation = await investigations.byId(tx, next.id);
        if (!investigation) throw new Error(`no row for investigation ${next.id}`);
        return { investigation, applied: await stands(tx, next.id, next.version, t.transition) };
      }
      const { id, version, ticketId, transactionId, agentId, status, mode, steps, attempt, severity, confidence } =
        written;
      tx.log({
        kind: kinds[t.event],
        actor: t.by ?? written.startedBy,
        subject: { kind: 'investigation', id },
        version,
        transition: t.transition,
        ticketId,
        agentId,
        decision: t.event === 'fail' ? 'error' : 'allow',
        reason: written.error,
        body: { status, mode, steps, attempt, transaction_id: transactionId, severity, confidence },
      });
      return { investigation: written, applied: true };
    });
  return {
    recordInvestigation: record,

    /** One whose workflow is gone without having said so: it can be resumed from then on. False when its row has moved on. */
    abandonInvestigation: async (it: Investigation): Promise<boolean> => {
      const reason = 'its workflow was terminated';
      const { rows } = await store.read(it.tenantId, (tx) => tx.query<{ at: Date }>('select now() as at'));
      const finishedAt = (rows[0]?.at ?? new Date()).toISOString();
      const { applied } = await record(
        { ...it, status: 'INTERRUPTED', error: reason, finishedAt, version: it.version + 1 },
        { event: 'interrupt', transition: `abandoned:${it.attempt}`, by: system },
      );
      return applied;
    },
  };
};
