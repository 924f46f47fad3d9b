import { setTimeout as pause } from 'node:timers/promises';
import type { Client as Temporal } from '@temporalio/client';
import type { Operation, Outcome, Status } from '../history/model';
import type { Random } from '../random';
import type { Opened } from './open';

/** Where a gate can be reached: every door there is, and Temporal itself. */
export interface Doors {
  urls: string[];
  /** Keys of the one who asks and of one who may decide. */
  requester: string;
  approver: string;
  temporal: Temporal;
  ttlMs: number;
}
export type Call = 'approve' | 'reject' | 'complete' | 'read';
/** A gate and its workflow. */
export type Gate = Opened & { workflowId: string };

const statuses: readonly string[] = ['pending', 'approved', 'rejected', 'completed', 'expired'] satisfies Status[];
const statusIn = (answer: unknown): Status | null => {
  const said = (answer as { status?: unknown } | null)?.status;
  return typeof said === 'string' && statuses.includes(said) ? (said as Status) : null;
};

export const request = async (url: string, token: string, method: 'GET' | 'POST' | 'DELETE', body?: object) => {
  const res = await fetch(url, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(30_000),
  });
  const text = await res.text();
  return { status: res.status, body: text ? (JSON.parse(text) as unknown) : null, text };
};

const outcomeOf = (call: Call, status: number, body: object): Outcome | null => {
  if (status === 200 && call === 'approve' && 'already_approved' in body) return 'already';
  if (status === 200) return 'already_voted' in body ? 'again' : 'ok';
  if (status === 409) return 'refused';
  if (status === 403) return 'denied';
  return status === 503 ? 'unknown' : null;
};

/** What callers of one gate did and heard, as it happens. */
export function listen(doors: Doors, random: Random, gate: Gate) {
  const history: Operation[] = [];
  const strange: string[] = [];
  const base = { returned: Infinity, outcome: 'unknown', status: null } as const;
  const handle = doors.temporal.workflow.getHandle(gate.workflowId);

  /** Answers the HTTP status; null: no answer, what it did is not known. `voter`: whose key it is, where it is a vote. */
  const http = async (caller: string, call: Call, token: string, voter?: string): Promise<number | null> => {
    const path = `${random.pick(doors.urls)}/api/changes/${gate.number}`;
    const op = { caller, act: call, call: performance.now(), ...base, ...(voter !== undefined && { voter }) };
    const index = history.push(op) - 1;
    const body = { result: `by ${caller}`, reason: caller };
    const answer = await (
      call === 'read' ? request(`${path}/status`, token, 'GET') : request(`${path}/${call}`, token, 'POST', body)
    ).catch(() => null);
    if (answer === null) return null;
    const said = answer.body as object;
    const outcome = answer.status === 401 ? 'denied' : outcomeOf(call, answer.status, said);
    if (outcome === null)
      strange.push(`${caller} ${call} of ${gate.number}: ${answer.status} ${answer.text.slice(0, 300)}`);
    if (outcome === null || outcome === 'unknown') return answer.status;
    const status = call === 'read' || outcome === 'refused' ? statusIn(said) : null;
    history[index] = {
      ...op, returned: performance.now(), outcome, status,
      ...(voter !== undefined && { decides: !('missing' in said) }),
      // Who shows no key that is good is nobody.
      ...(answer.status === 401 && { voter: 'nobody' }),
    }; // prettier-ignore
    return answer.status;
  };
  /** No answer comes back: it takes effect at some time, or never. */
  const message = async (act: 'approve' | 'reject' | 'withdraw', send: () => Promise<unknown>): Promise<void> => {
    history.push({ caller: 'operator', act, call: performance.now(), ...base });
    await send().catch((e: unknown) => {
      if (!(e instanceof Error && e.name === 'WorkflowNotFoundError')) throw e; // it has ended already
    });
  };
  const id = `operator-${gate.number}`;

  return {
    history,
    strange,
    http,
    /** What somebody with access to Temporal may do. */
    operators: [
      () => message('approve', () => handle.signal('approve', { id, actor: 'ops', reason: 'by hand' })),
      () => message('reject', () => handle.signal('reject', { id, actor: 'ops', reason: 'by hand' })),
      () => message('withdraw', () => handle.signal('withdraw', { id, reason: 'over' })),
      () => message('withdraw', () => handle.cancel()),
      () => http('reader-2', 'read', doors.requester),
    ],
    /** At once; a quarter around the deadline, so that the timer is one of the callers; some are left to it. */
    together: async (callers: readonly (() => Promise<unknown>)[], always: number): Promise<void> => {
      const plan = random.below(16);
      const chosen = plan === 0 ? [] : callers.filter((_, i) => i >= always || random.below(4) > 0);
      const around = plan >= 12 ? doors.ttlMs - 150 : 0;
      await Promise.all(
        chosen.map(async (call) => {
          const due = gate.at + around + random.below(around > 0 ? 300 : 40);
          if (due > performance.now()) await pause(due - performance.now());
          await call();
        }),
      );
      await http('reader-3', 'read', doors.requester);
      history.push({ caller: 'time', act: 'deadline', call: gate.notBefore + doors.ttlMs, ...base });
      history.forEach(({ act, call, outcome }, index) => {
        if (act === 'approve' && (outcome === 'ok' || outcome === 'unknown'))
          history.push({ caller: 'time', act: 'lapse', of: index, call: call + doors.ttlMs, ...base });
      });
    },
  };
}
