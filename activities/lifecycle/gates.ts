import { ruleFor } from '../../db/gate-rules';
import { byVotes, gates, movedOtherwise, moveStatement } from '../../db/gates';
import { writeNote } from '../../db/notes';
import { tenantPolicy, type TenantPolicy } from '../../db/policies';
import type { Write } from '../../db/tx';
import { Forbidden, isRefusal } from '../../domain/errors';
import { fourEyes } from '../../domain/four-eyes';
import type { Gate } from '../../domain/gate';
import { gateEntry, gateNote, type GateTransition } from '../../domain/gate-record';
import type { Deps } from '../deps';
import { prove, writeRefusal } from './deciding';
import { stands } from './record';

export interface Recorded {
  /** The row, when it is not just what was to be written. */
  stands: Gate | null;
  /** What stands at that version is this transition. */
  applied: boolean;
}

export const gateActivities = ({ store, keyring }: Pick<Deps, 'store' | 'keyring'>) => {
  /** As last read; the transaction that leans on one of them checks it. */
  const policies = new Map<string, TenantPolicy>();

  /** What a decision has to pass. Answers the exception from four eyes that it used. @throws Forbidden */
  const authorise = (gate: Gate, t: GateTransition, policy: TenantPolicy): 'agent_only' | null => {
    prove(keyring, gate, t, policy);
    return t.event === 'approve' ? fourEyes(gate, t.by, policy.fourEyes) : null;
  };

  /** The usual way, one round trip. False: nothing is written, and what stands has to be looked at. */
  const moveAtOnce = async (next: Gate, t: GateTransition): Promise<boolean> => {
    const policy = policies.get(next.tenantId);
    if (t.event === 'open' || policy === undefined) return false;
    try {
      const exception = authorise(next, t, policy);
      const statement = moveStatement(next, gateNote(next, t), policy);
      await store.writeAtOnce(next.tenantId, statement, gateEntry(next, t, exception));
      return true;
    } catch (e) {
      // Another policy may allow what this one did not.
      if (e instanceof Forbidden || movedOtherwise(e)) return false;
      throw e;
    }
  };

  /** With the rule that its tenant has for it. */
  const insert = async (tx: Write, first: Gate, policy: TenantPolicy): Promise<Gate | null> =>
    gates.insert(tx, policy.ruled ? { ...first, rule: await ruleFor(tx, first, policy.fourEyes) } : first);

  const recordStepByStep = (next: Gate, t: GateTransition): Promise<Recorded> =>
    store.write(next.tenantId, async (tx) => {
      const policy = await tenantPolicy(tx);
      policies.set(next.tenantId, policy);
      const exception = authorise(next, t, policy);
      const written = await (t.event === 'open' ? insert(tx, next, policy) : gates.move(tx, next));
      if (!written) {
        const row = await gates.byId(tx, next.id);
        if (!row) throw new Error(`no row for gate ${next.id}`);
        return { stands: row, applied: await stands(tx, next.id, next.version, t.transition) };
      }
      const note = gateNote(written, t);
      if (note) await writeNote(tx, note);
      tx.log(gateEntry(written, t, exception));
      return { stands: written, applied: true };
    });

  return {
    /** Row, note and log entry commit together or not at all, and the row decides. @throws Forbidden, written down first */
    async recordGate(next: Gate, t: GateTransition): Promise<Recorded> {
      try {
        return (await moveAtOnce(next, t)) ? { stands: null, applied: true } : await recordStepByStep(next, t);
      } catch (e) {
        const refusal = byVotes(e) ? new Forbidden('this change is decided by votes', { reason: 'quorum' }) : e;
        if (isRefusal(refusal)) await writeRefusal(store, next, t, refusal.message);
        throw refusal;
      }
    },

    /** A decision that could not be applied; a repeat of the same signal writes nothing. */
    recordGateRefusal: (
      gate: Gate,
      t: Pick<GateTransition, 'event' | 'by' | 'transition'>,
      reason: string,
    ): Promise<void> => writeRefusal(store, gate, t, reason),
  };
};
