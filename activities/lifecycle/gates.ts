import { gates, movedOtherwise, moveStatement } from '../../db/gates';
import { writeNote } from '../../db/notes';
import { tenantPolicy, type TenantPolicy } from '../../db/policies';
import { Forbidden, isRefusal } from '../../domain/errors';
import { fourEyes } from '../../domain/four-eyes';
import type { Gate } from '../../domain/gate';
import { aboutGate, gateEntry, gateNote, type GateTransition } from '../../domain/gate-record';
import { sameActor } from '../../domain/principal';
import { readAssertion } from '../../log/assertion';
import type { Deps } from '../deps';
import { writtenBefore, stands } from './record';

export interface Recorded {
  /** The row, when it is not just what was to be written. */
  stands: Gate | null;
  /** What stands at that version is this transition. */
  applied: boolean;
}

export const gateActivities = ({ store, keyring }: Pick<Deps, 'store' | 'keyring'>) => {
  /** As last read; the transaction that leans on one of them checks it. */
  const policies = new Map<string, TenantPolicy>();

  /** @throws Forbidden when the proof is another's, or nobody's where somebody must be proven. */
  const prove = (gate: Gate, t: GateTransition, policy: TenantPolicy): void => {
    if (t.event === 'open' || t.event === 'expire') return;
    if (t.proof === null) {
      if (!policy.operatorSignals)
        throw new Forbidden('decisions by Signal are switched off here', { reason: 'unproven' });
      if (t.by.id !== null || t.by.kind !== 'operator')
        throw new Forbidden('only an operator decides without proof', { reason: 'unproven' });
      if (t.event === 'approve' && gate.digest !== null)
        throw new Forbidden('an approval that is sealed to a call is given by somebody proven', { reason: 'sealed' });
      return;
    }
    const said = readAssertion(keyring, t.proof);
    const same =
      said !== null && said.tenantId === gate.tenantId && said.gateId === gate.id && said.verdict === t.event &&
      said.digest === gate.digest && sameActor(said.by, t.by); // prettier-ignore
    if (!same) throw new Forbidden('the proof of who decides does not fit this change', { reason: 'bad_proof' });
  };

  /** What a decision has to pass. Answers the exception from four eyes that it used. @throws Forbidden */
  const authorise = (gate: Gate, t: GateTransition, policy: TenantPolicy): 'agent_only' | null => {
    prove(gate, t, policy);
    return t.event === 'approve' ? fourEyes(gate, t.by, policy.fourEyes) : null;
  };

  const writeRefusal = (gate: Gate, t: Pick<GateTransition, 'event' | 'by' | 'transition'>, reason: string) =>
    store.write(gate.tenantId, async (tx) => {
      if (await writtenBefore(tx, gate.id, t.transition)) return;
      const row = await gates.byId(tx, gate.id); // `gate` may be what was refused to it
      tx.log({
        ...aboutGate(gate, t),
        kind: 'gate.decision_refused',
        decision: 'deny',
        reason,
        body: { change_id: gate.number, event: t.event, status: (row ?? gate).status },
      });
    });

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

  const recordStepByStep = (next: Gate, t: GateTransition): Promise<Recorded> =>
    store.write(next.tenantId, async (tx) => {
      const policy = await tenantPolicy(tx);
      policies.set(next.tenantId, policy);
      const exception = authorise(next, t, policy);
      const written = await (t.event === 'open' ? gates.insert(tx, next) : gates.move(tx, next));
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
        if (isRefusal(e)) await writeRefusal(next, t, e.message);
        throw e;
      }
    },

    /** A decision that could not be applied; a repeat of the same signal writes nothing. */
    recordGateRefusal: (
      gate: Gate,
      t: Pick<GateTransition, 'event' | 'by' | 'transition'>,
      reason: string,
    ): Promise<void> => writeRefusal(gate, t, reason),
  };
};
