/**
 * What a gate may do, said once more and independently of the code that is judged: pending → one terminal, an approval on
 * the way or not. Nothing here is imported from the product.
 */
export type Status = 'pending' | 'approved' | 'rejected' | 'completed' | 'expired';

export type Act =
  | 'approve'
  | 'reject'
  | 'complete'
  /** What waited for it is over: withdrawn by Signal, cancelled in Temporal. */
  | 'withdraw'
  /** The time to decide is over. */
  | 'deadline'
  /** The time to carry out what `of` approved is over. */
  | 'lapse'
  | 'read';

export type Outcome =
  /** It took effect; of a read: `status` was seen. */
  | 'ok'
  /** Nothing changed: what was asked for stood. */
  | 'already'
  /** Nothing changed: they had voted the same before. */
  | 'again'
  /** The state did not allow it: `status` is what was said to stand, when it was said. */
  | 'refused'
  /** The caller was not allowed to: no effect, whatever stood. */
  | 'denied'
  /** No answer: it took effect at any time after the call, or never. */
  | 'unknown';

/** Whom a gate with votes waits for: so many of each of these people, of whom one may stand in several; by name. */
export interface Quorum {
  parts: readonly { need: number; of: readonly string[] }[];
}

export interface Operation {
  caller: string;
  /** Whose vote it is, by name; unset: nobody's, as an operator's Signal. */
  voter?: string;
  /** Of a vote: it was answered as the one that decided. */
  decides?: boolean;
  act: Act;
  /** Milliseconds of one clock. An unknown one has not returned: Infinity. */
  call: number;
  returned: number;
  outcome: Outcome;
  status: Status | null;
  /** Of a lapse: the index of the approval whose time it ends. */
  of?: number;
}

export interface State {
  status: Status;
  /** Index of the approval that stands or stood. */
  approvedBy: number | null;
  /** `+ann`, `-bob`, in the order of letters. */
  votes: readonly string[];
}

export const initial: State = { status: 'pending', approvedBy: null, votes: [] };

const mayVote = (quorum: Quorum, voter: string | undefined): voter is string =>
  voter !== undefined && quorum.parts.some(({ of }) => of.includes(voter));

/** What votes come to: approved when every part has its number, rejected when one cannot have it any more. */
export function outcomeOf({ parts }: Quorum, votes: readonly string[]): 'pending' | 'approved' | 'rejected' {
  const count = (of: readonly string[], sign: string): number =>
    of.filter((name) => votes.includes(sign + name)).length;
  if (parts.every(({ need, of }) => count(of, '+') >= need)) return 'approved';
  return parts.some(({ need, of }) => of.length - count(of, '-') < need) ? 'rejected' : 'pending';
}

/** Null where it is no vote that counts: of nobody who may, of somebody who has voted, or too late. */
function voted(state: State, { act, voter }: Operation, index: number, quorum: Quorum): State | null {
  if (state.status !== 'pending' || !mayVote(quorum, voter)) return null;
  if (state.votes.some((v) => v.slice(1) === voter)) return null;
  const votes = [...state.votes, `${act === 'approve' ? '+' : '-'}${voter}`].sort();
  const status = outcomeOf(quorum, votes);
  return { status, approvedBy: status === 'approved' ? index : null, votes };
}

/** What the act makes of the state; null where it changes nothing because the state does not allow it. */
function effect(state: State, op: Operation, index: number, quorum: Quorum | null): State | null {
  const { status } = state;
  if (quorum && (op.act === 'approve' || op.act === 'reject')) return voted(state, op, index, quorum);
  if (op.act === 'approve') return status === 'pending' ? { ...state, status: 'approved', approvedBy: index } : null;
  if (op.act === 'reject') return status === 'pending' ? { ...state, status: 'rejected' } : null;
  if (op.act === 'complete') return status === 'approved' ? { ...state, status: 'completed' } : null;
  if (op.act === 'deadline') return status === 'pending' ? { ...state, status: 'expired' } : null;
  if (op.act === 'lapse')
    return status === 'approved' && state.approvedBy === op.of ? { ...state, status: 'expired' } : null;
  if (op.act === 'withdraw')
    return status === 'pending' || status === 'approved' ? { ...state, status: 'expired' } : null;
  return null;
}

const decided = { approve: 'approved', reject: 'rejected' } as const;
/** What they had said before; null: nothing. */
const saidBefore = ({ votes }: State, voter: string | undefined): 'approve' | 'reject' | null => {
  const vote = votes.find((v) => v.slice(1) === voter);
  return vote === undefined ? null : vote.startsWith('+') ? 'approve' : 'reject';
};

/** The state after the operation, had it taken its turn at this point; null when what was answered is impossible there. */
export function after(state: State, op: Operation, index: number, quorum: Quorum | null = null): State | null {
  if (op.act === 'read') return op.outcome !== 'ok' || op.status === state.status ? state : null;
  const { act } = op;
  const isVote = quorum !== null && (act === 'approve' || act === 'reject');
  switch (op.outcome) {
    case 'ok': {
      const next = effect(state, op, index, quorum);
      return isVote && op.decides && next?.status !== decided[act] ? null : next;
    }
    case 'unknown':
      return effect(state, op, index, quorum);
    case 'already':
      return act === 'approve' && state.status === 'approved' ? state : null;
    case 'again':
      return isVote && state.status === 'pending' && saidBefore(state, op.voter) === act ? state : null;
    case 'refused': {
      const said = op.status === null || op.status === state.status;
      // A repeated approval is answered `already`, never refused.
      const allowed = effect(state, op, index, quorum) !== null || (act === 'approve' && state.status === 'approved');
      // While it waits only who has voted otherwise is refused: others are denied, and who says the same again is told so.
      const before = isVote && state.status === 'pending' ? saidBefore(state, op.voter) : null;
      const wrong = isVote && state.status === 'pending' && (before === null || before === act);
      return said && !allowed && !wrong ? state : null;
    }
    case 'denied':
      return isVote && mayVote(quorum, op.voter) ? null : state;
  }
}
