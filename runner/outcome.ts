import type { CommandOutcome } from '../domain/agent-process';
import type { Checkpoint } from './checkpoint';
import type { Exit, Limit } from './state';

export type Wait = Extract<CommandOutcome, { is: 'waiting' }>['for'];

export interface End {
  /** Null: its supervisor was lost, or its machine. */
  exit: Exit | null;
  /** Why, when it is. */
  lost: string | null;
  checkpoint: Checkpoint | null;
  /** The last that it said as its result. */
  text: string | null;
  saidFailed: boolean;
  /** Of its log. */
  tail: string;
}

const waits: [RegExp, Wait][] = [
  [/access/, 'awaiting_access'],
  [/approval/, 'pending_approval'],
  [/user|requester/, 'awaiting_user_response'],
];
const waiting = /^(waiting_for_|awaiting_|pending_approval|pending_access|blocked|access_denied|needs_access)/;

/** What an agent may write as its status when it waits. */
export const waitWords = ['waiting_for_approval', 'waiting_for_access', 'waiting_for_user', 'blocked'] as const;

/** What a checkpoint says it waits for; null: it waits for nothing. One that is complete waits no more. */
export function waitOf({ step, status, progress }: Pick<Checkpoint, 'step' | 'status' | 'progress'>): Wait | null {
  if (progress >= 100) return null;
  const word = [status, step.toLowerCase()].find((w) => waiting.test(w));
  if (word === undefined) return null;
  return waits.find(([form]) => form.test(word))?.[1] ?? 'blocked';
}

/** `done` below 100 is still under way. */
export const isDone = ({ status, progress }: Pick<Checkpoint, 'status' | 'progress'>): boolean =>
  (status === 'done' || status === 'completed') && progress >= 100;

const passing = /\b(429|5\d\d)\b|overloaded|rate.?limit/i;
const lineWith = (text: string): string | null =>
  text.split('\n').findLast((l) => passing.test(l) && !l.startsWith('[runner]'))?.trim().slice(0, 300) ?? null; // prettier-ignore

const lastWords = (tail: string): string =>
  tail.trimEnd().split('\n').filter((l) => !l.startsWith('[runner]')).slice(-3).join(' | ').slice(-500); // prettier-ignore

const resultOf = ({ text, checkpoint, tail }: End): string => text ?? checkpoint?.output ?? lastWords(tail);

/** How a run goes on from the end of its command. `most` says of each limit what was gone beyond. */
export function outcomeOf(end: End, most: Record<Limit, string>, retryMs: number): CommandOutcome {
  const { exit, checkpoint } = end;
  const wait = checkpoint && waitOf(checkpoint);
  const asAsked = !exit || exit.limit === null || exit.limit === 'stop';
  if (wait && asAsked) return { is: 'waiting', for: wait, why: checkpoint.output ?? checkpoint.step };
  if (checkpoint && isDone(checkpoint)) return { is: 'finished', result: resultOf(end) };
  if (!exit) return { is: 'failed', error: end.lost ?? 'it is gone' };
  if (exit.error !== null) return { is: 'failed', error: `the command could not be run: ${exit.error}` };
  if (exit.limit === 'stop') return { is: 'stopped', why: most.stop };
  if (exit.limit !== null) return { is: 'failed', error: most[exit.limit] };
  if (exit.code === 0 && !end.saidFailed) return { is: 'finished', result: resultOf(end) };
  const trouble = lineWith(end.tail);
  if (trouble !== null) return { is: 'again', why: trouble, afterMs: retryMs };
  const how = exit.signal === null ? `exit code ${exit.code}` : `signal ${exit.signal}`;
  const words = end.text ?? lastWords(end.tail);
  return { is: 'failed', error: `the command ended with ${how}${words ? `: ${words}` : ''}` };
}
