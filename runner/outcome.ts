import type { CommandOutcome } from '../domain/agent-process';
import { storable } from '../domain/storable';
import type { Checkpoint } from './checkpoint';
import { said } from './signals';
import type { Exit, Limit } from './state';

export type Wait = Extract<CommandOutcome, { is: 'waiting' }>['for'];

export interface End {
  /** Null: its supervisor was lost, or its machine. */
  exit: Exit | null;
  /** Why, when it is. */
  lost: string | null;
  /** Why it was asked to end, where that is a failure. */
  because: string | null;
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

/** A number alone is anything: a line, a duration. It has to stand beside what says that it is an answer's. */
const statuses = '(?:429|50\\d|52\\d)';
const passing = new RegExp(
  [
    `(?<![a-z])(?:https?|status|error)(?:[ _-]?code)?(?:/\\d(?:\\.\\d)?)?["')\\]]*\\s*[:=(]?\\s*["'(]?${statuses}\\b(?! ?(?:ms|s|seconds)\\b)`,
    `\\b${statuses}\\b[ :,-]{1,3}(?:too many requests|internal server error|bad gateway|service unavailable|gateway time-?out)`,
    'overloaded|rate.?limit|too many requests',
  ].join('|'),
  'i',
);
/** What a line says went wrong: of an event, its own words about that; what a tool read, or a model wrote, is not trouble. */
function wordsOf(line: string): string[] {
  if (line.startsWith('[runner]')) return [];
  if (!line.startsWith('{')) return [line];
  const heard = said(line);
  return heard.text !== null && (heard.failed || heard.progress === null) ? heard.text.split('\n') : [];
}
/** A tail begins with the line of ours that begins a launch, or in the middle of something. */
const isHalf = (line: string, at: number): boolean => at === 0 && !line.startsWith('[runner]') && line.endsWith('}');
const troubleIn = (tail: string): string | null => {
  const lines = tail.split('\n').filter((line, at) => !isHalf(line, at));
  return lines.flatMap(wordsOf).findLast((l) => passing.test(l))?.trim().slice(0, 300) ?? null; // prettier-ignore
};

const lastWords = (tail: string): string =>
  tail.trimEnd().split('\n').filter((l) => !l.startsWith('[runner]')).slice(-3).join(' | ').slice(-500); // prettier-ignore

/** What a command printed is its result; what it said on standard error beside that is none, unless it said nothing else. */
const printed = (tail: string): string =>
  lastWords(tail.split('\n').filter((l) => !l.startsWith('[stderr]')).join('\n')) || lastWords(tail); // prettier-ignore

/** A checkpoint that is still `queued` is of the launch before, as this one found it. */
const resultOf = ({ text, checkpoint, tail }: End): string =>
  text ?? (checkpoint?.status === 'queued' ? null : checkpoint?.output) ?? printed(tail);

function decided(end: End, most: Record<Limit, string>, retryMs: number): CommandOutcome {
  const { exit, checkpoint } = end;
  const wait = checkpoint && waitOf(checkpoint);
  const asAsked = !exit || exit.limit === null || exit.limit === 'stop';
  if (wait && asAsked) return { is: 'waiting', for: wait, why: checkpoint.output ?? checkpoint.step };
  if (checkpoint && isDone(checkpoint)) return { is: 'finished', result: resultOf(end) };
  if (!exit) return { is: 'failed', error: end.lost ?? 'it is gone' };
  if (exit.error !== null) return { is: 'failed', error: `the command could not be run: ${exit.error}` };
  if (exit.limit === 'stop') return end.because === null ? { is: 'stopped', why: most.stop } : { is: 'failed', error: end.because }; // prettier-ignore
  if (exit.limit !== null) return { is: 'failed', error: most[exit.limit] };
  if (exit.code === 0 && !end.saidFailed) return { is: 'finished', result: resultOf(end) };
  const trouble = troubleIn(end.tail);
  if (trouble !== null) return { is: 'again', why: trouble, afterMs: retryMs };
  const how = exit.signal === null ? `exit code ${exit.code}` : `signal ${exit.signal}`;
  const words = end.text ?? lastWords(end.tail);
  return { is: 'failed', error: `the command ended with ${how}${words ? `: ${words}` : ''}` };
}

/** How a run goes on from the end of its command. `most` says of each limit what was gone beyond. */
export const outcomeOf = (end: End, most: Record<Limit, string>, retryMs: number): CommandOutcome =>
  storable(decided(end, most, retryMs)) as CommandOutcome;
