import { v5 } from 'uuid';
import {
  callsMade, countedHere, gateVotes, lockGate, makeCall, votesOf, type GateVote,
} from '../../db/gate-votes'; // prettier-ignore
import { gates } from '../../db/gates';
import { writeNote } from '../../db/notes';
import { tenantPolicy } from '../../db/policies';
import type { Write } from '../../db/tx';
import { Conflict, Forbidden, isRefusal } from '../../domain/errors';
import { fourEyes } from '../../domain/four-eyes';
import { step, type Gate, type Verdict } from '../../domain/gate';
import { aboutGate, gateEntry, gateNote, noteOn, type GateTransition } from '../../domain/gate-record';
import { sameActor, system } from '../../domain/principal';
import { approvers, tally, type GateCall, type GateRule, type Tally } from '../../domain/quorum';
import type { Deps } from '../deps';
import { prove, writeRefusal } from './deciding';

/** What somebody says about a gate that has a rule. */
export interface Ballot extends Omit<GateTransition, 'event'> {
  verdict: Verdict;
  label: string | null;
  reason: string | null;
  at: string;
}
export interface VoteCounted {
  /** The row as it stands by now. */
  stands: Gate;
  /** Null: the gate was over already. `again`: they had said the same before. */
  vote: 'counted' | 'again' | null;
}

type Ruled = Gate & { rule: GateRule };

const spoken = (votes: readonly GateVote[]) =>
  votes.map(({ voterId, voter, verdict }) => ({ by: { id: voterId, name: voter.name }, verdict }));
const lacks = ({ missing }: Tally): string =>
  missing.map((m) => `${m.need} (${m.have} so far; ${m.from.join(', ') || 'nobody'} can)`).join(', ');

/** Decides the gate when its votes say so. Answers the row as it stands then. */
async function settle(
  tx: Write,
  gate: Ruled,
  votes: readonly GateVote[],
  found: Tally,
  t: { correlationId: string | null; at: string },
): Promise<Gate> {
  if (found.outcome === 'pending') return gate;
  const event = found.outcome === 'approved' ? 'approve' : 'reject';
  const last = votes.filter((v) => v.verdict === event).at(-1);
  // A rule that nobody could meet from the beginning is nobody's rejection: the deadline ends it.
  if (!last) return gate;
  const { voter: by, label, reason } = last;
  await countedHere(tx, gate.id);
  const moved = await gates.move(tx, step(gate, { type: event, by, label, reason }, t.at));
  if (!moved) throw new Error(`gate ${gate.id} moved while its row was held`);
  const transition: GateTransition = {
    event,
    by,
    transition: 'decided',
    proof: null,
    correlationId: t.correlationId,
  };
  const note = gateNote(moved, transition);
  if (note) await writeNote(tx, note);
  const entry = gateEntry(moved, transition, null);
  const said = votes.map((v) => ({ by: v.voter.name, id: v.voterId, verdict: v.verdict }));
  tx.log({ ...entry, body: { ...entry.body, quorum: gate.rule.text, votes: said } });
  return moved;
}

export const voteActivities = ({ store, keyring }: Pick<Deps, 'store' | 'keyring'>) => {
  const held = async (tx: Write, id: string): Promise<Ruled> => {
    const gate = await lockGate(tx, id);
    if (!gate?.rule) throw new Error(`gate ${id} is not decided by votes`);
    return { ...gate, rule: gate.rule };
  };

  const cast = async (tx: Write, gate: Ruled, b: Ballot): Promise<VoteCounted> => {
    const policy = await tenantPolicy(tx);
    prove(keyring, gate, { event: b.verdict, by: b.by, proof: b.proof }, policy);
    const exception = b.verdict === 'approve' ? fourEyes(gate, b.by, policy.fourEyes) : null;
    const votes = await votesOf(tx, gate.id);
    const mine = votes.find((v) => sameActor(v.voter, b.by));
    if (mine?.transition === b.transition) return { stands: gate, vote: 'counted' };
    if (gate.status !== 'pending') return { stands: gate, vote: null };
    if (mine?.verdict === b.verdict) return { stands: gate, vote: 'again' };
    if (mine)
      throw new Conflict(`you have voted to ${mine.verdict} already, and nobody votes twice`, { status: gate.status });
    const escalated = (await callsMade(tx, gate.id)).some((c) => c.kind === 'escalate');
    const may = approvers(gate.rule, escalated);
    const { by, proof } = b;
    if (by.id === null || proof === null || !may.some((p) => p.id === by.id))
      throw new Forbidden(`who decides on this change: ${gate.rule.text}`, {
        reason: 'not_an_approver',
        can_decide: may.map((p) => p.name),
      });
    const vote: GateVote = {
      id: v5(`vote:${by.id}`, gate.id), tenantId: gate.tenantId, gateId: gate.id, voterId: by.id, voter: by, verdict: b.verdict,
      label: b.label, reason: b.reason, digest: gate.digest, proof, transition: b.transition, votedAt: b.at,
    }; // prettier-ignore
    if (!(await gateVotes.insert(tx, vote))) throw new Error(`a second vote of ${by.id} on gate ${gate.id}`);
    const now = [...votes, vote];
    const found = tally(gate.rule, spoken(now), escalated);
    tx.log({
      ...aboutGate(gate, b),
      kind: 'gate.voted',
      decision: b.verdict === 'approve' ? 'allow' : 'deny',
      reason: b.reason,
      body: {
        change_id: gate.number, verdict: b.verdict, vote: now.length, digest: gate.digest, quorum: gate.rule.text, label: b.label,
        outcome: found.outcome, ...(exception && { four_eyes: exception }),
      },
    }); // prettier-ignore
    const why = b.reason ? `: ${b.reason}` : '';
    const left = found.outcome === 'pending' ? ` Needed: ${lacks(found)}.` : '';
    const said = `vote to ${b.verdict} by ${by.name}${why}.${left}`;
    const note = noteOn(gate, by, `vote:${by.id}`, said);
    if (note) await writeNote(tx, note);
    return { stands: await settle(tx, gate, now, found, b), vote: 'counted' };
  };

  return {
    /**
     * One vote of one person, with what follows from it, in one transaction over the row that is held. The same again
     * changes nothing.
     * @throws Forbidden for who may not vote, Conflict for who has voted otherwise; written down first
     */
    async recordVote(gate: Gate, b: Ballot): Promise<VoteCounted> {
      try {
        return await store.write(gate.tenantId, async (tx) => cast(tx, await held(tx, gate.id), b));
      } catch (e) {
        if (isRefusal(e) && !(e instanceof Conflict))
          await writeRefusal(store, gate, { event: b.verdict, by: b.by, transition: b.transition }, e.message);
        throw e;
      }
    },

    /** A reminder, or an escalation, once, and what follows from it. Of a gate that is over: nothing. Answers the row. */
    recordCall: (gate: Gate, call: GateCall, at: string): Promise<Gate> =>
      store.write(gate.tenantId, async (tx) => {
        const row = await held(tx, gate.id);
        if (row.status !== 'pending' || !(await makeCall(tx, row.id, call, at))) return row;
        const votes = await votesOf(tx, row.id);
        const escalated = (await callsMade(tx, row.id)).some((c) => c.kind === 'escalate');
        const found = tally(row.rule, spoken(votes), escalated);
        const transition = `${call.kind}:${call.n}`;
        const names = found.open.map((p) => p.name);
        tx.log({
          ...aboutGate(row, { by: system, transition }),
          kind: call.kind === 'remind' ? 'gate.reminded' : 'gate.escalated',
          reason: row.reason,
          body: {
            change_id: row.number, n: call.n, action: row.action, target: row.target, can_decide: names, expires_at: row.expiresAt,
            quorum: row.rule.text, ...(call.kind === 'escalate' && { to: row.rule.escalate?.text ?? null }),
          },
        }); // prettier-ignore
        const said =
          call.kind === 'remind'
            ? `waits for ${names.join(', ') || 'nobody who could decide'}. Needed: ${lacks(found)}.`
            : `is escalated: ${row.rule.escalate?.text ?? ''} is enough as well.`;
        const note = noteOn(row, system, transition, said);
        if (note) await writeNote(tx, note);
        return settle(tx, row, votes, found, { correlationId: null, at });
      }),
  };
};
