import type { Operation } from '../history/model';
import type { Random } from '../random';
import { listen, type Doors, type Gate } from './calls';
import type { Opened } from './open';

export interface Raced extends Opened {
  history: Operation[];
  /** Answers that no caller may ever get. */
  strange: string[];
}

/**
 * Eight callers on one gate: approvals, a rejection, an approval by the one who asked, a completion, operators' Signals, a
 * withdrawal or a cancellation, a reader; at once, or around its deadline. What each did and heard is the history.
 */
export async function race(doors: Doors, random: Random, gate: Gate): Promise<Raced> {
  const { http, operators, together, history, strange } = listen(doors, random, gate);
  const operator = random.pick(operators);
  // What an agent waits for it carries out by itself, mostly: people who say that they did are two callers more to decide.
  const byAgent = gate.run !== null && random.below(4) > 0;
  const callers = [
    () => http('approver-1', 'approve', doors.approver),
    () => http('approver-2', random.pick(['approve', 'reject'] as const), doors.approver),
    () => http('rejecter', 'reject', doors.approver),
    () => http('requester', 'approve', doors.requester),
    () => http('worker-1', byAgent ? 'approve' : 'complete', byAgent ? doors.approver : doors.requester),
    () => http('worker-2', byAgent ? 'reject' : 'complete', doors.approver),
    operator,
    () => http('reader-1', 'read', doors.requester),
  ];
  await together(callers, 6);
  return { ...gate, history, strange };
}
