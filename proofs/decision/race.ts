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
export interface Raced extends Opened {
  history: Operation[];
  /** Answers that no caller may ever get. */
  strange: string[];
}
type Call = 'approve' | 'reject' | 'complete' | 'read';

const statuses: readonly string[] = ['pending', 'approved', 'rejected', 'completed', 'expired'] satisfies Status[];
const statusIn = (answer: unknown): Status | null => {
  const said = (answer as { status?: unknown } | null)?.status;
  return typeof said === 'string' && statuses.includes(said) ? (said as Status) : null;
};

const request = async (url: string, token: string, method: 'GET' | 'POST', body?: object) => {
  const res = await fetch(url, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(30_000),
  });
  const text = await res.text();
  return { status: res.status, body: text ? (JSON.parse(text) as unknown) : null, text };
};

const outcomeOf = (call: Call, status: number, body: unknown): Outcome | null => {
  if (status === 200)
    return call === 'approve' && (body as { already_approved?: true }).already_approved ? 'already' : 'ok';
  if (status === 409) return 'refused';
  if (status === 403) return 'denied';
  return status === 503 ? 'unknown' : null;
};

/**
 * Eight callers on one gate: approvals, a rejection, an approval by the one who asked, a completion, operators' Signals, a
 * withdrawal or a cancellation, a reader; at once, or around its deadline. What each did and heard is the history.
 */
export async function race(doors: Doors, random: Random, gate: Opened & { workflowId: string }): Promise<Raced> {
  const history: Operation[] = [];
  const strange: string[] = [];
  const base = { returned: Infinity, outcome: 'unknown', status: null } as const;
  const approvals: { call: number; index: number }[] = [];

  const note = (op: Operation): number => {
    const index = history.push(op) - 1;
    if (op.act === 'approve') approvals.push({ call: op.call, index });
    return index;
  };
  const http = async (caller: string, call: Call, token: string): Promise<void> => {
    const path = `${random.pick(doors.urls)}/api/changes/${gate.number}`;
    const index = note({ caller, act: call, call: performance.now(), ...base });
    const body = { result: `by ${caller}`, reason: caller };
    const answer = await (
      call === 'read' ? request(`${path}/status`, token, 'GET') : request(`${path}/${call}`, token, 'POST', body)
    ).catch(() => null); // no answer: what it did is not known
    if (answer === null) return;
    const outcome = outcomeOf(call, answer.status, answer.body);
    if (outcome === null)
      strange.push(`${caller} ${call} of ${gate.number}: ${answer.status} ${answer.text.slice(0, 300)}`);
    if (outcome === null || outcome === 'unknown') return;
    const status = call === 'read' || outcome === 'refused' ? statusIn(answer.body) : null;
    history[index] = { ...(history[index] as Operation), returned: performance.now(), outcome, status };
  };
  const handle = doors.temporal.workflow.getHandle(gate.workflowId);
  /** No answer comes back: it takes effect at some time, or never. */
  const message = async (act: 'approve' | 'reject' | 'withdraw', send: () => Promise<unknown>): Promise<void> => {
    note({ caller: 'operator', act, call: performance.now(), ...base });
    await send().catch((e: unknown) => {
      if (!(e instanceof Error && e.name === 'WorkflowNotFoundError')) throw e; // it has ended already
    });
  };
  const id = `operator-${gate.number}`;
  const operators = [
    () => message('approve', () => handle.signal('approve', { id, actor: 'ops', reason: 'by hand' })),
    () => message('reject', () => handle.signal('reject', { id, actor: 'ops', reason: 'by hand' })),
    () => message('withdraw', () => handle.signal('withdraw', { id, reason: 'over' })),
    () => message('withdraw', () => handle.cancel()),
    () => http('reader-2', 'read', doors.requester),
  ];
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
  // At once; a quarter around the deadline, so that the timer is one of the callers; some are left to it.
  const plan = random.below(16);
  const chosen = plan === 0 ? [] : callers.filter((_, i) => i >= 6 || random.below(4) > 0);
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
  for (const { call, index } of approvals)
    history.push({ caller: 'time', act: 'lapse', of: index, call: call + doors.ttlMs, ...base });
  return { ...gate, history, strange };
}
