import { Worker } from 'node:worker_threads';
import { createTurns } from './turns';

/** A compiled policy, as the thread is to be asked. */
export interface Loaded {
  /** The same for the same module. */
  key: string;
  module: WebAssembly.Module;
  entrypoints: readonly string[];
}
export interface Question {
  id: number;
  /** JSON. */
  inputs: readonly string[];
  policies: readonly Loaded[];
}
/**
 * OPA's result set of each entrypoint; or why there is none. `unasked`: that says nothing of the policy, which was not asked, or
 * together with other inputs, one of which may be what failed.
 */
export type Evaluated = { results: readonly unknown[] } | { error: string; unasked?: true };
export interface Reply {
  id: number;
  /** Of each input, of each policy. */
  answers: readonly Evaluated[];
}
/** What the thread says first, once it can be asked. */
export interface Ready {
  ready: true;
}

export interface Evaluator {
  /**
   * What each policy says of each input. Never rejects: what fails, takes longer than `ms` for all of them together, or waits too
   * long for other questions of the same owner, has an error for an answer.
   * @param owner whose policies they are: owners take turns by the time that theirs take
   */
  ask(
    owner: string,
    policies: readonly Loaded[],
    inputs: readonly string[],
    ms?: number,
  ): Promise<readonly Evaluated[]>;
  close(): Promise<void>;
}

/**
 * How long all policies of a tenant may take for one call. A usual one takes some ten microseconds; the rest is for a machine
 * that is short of time.
 */
export const evaluationMs = 250;
/** What took longer is not asked again for so long: it costs the others no more than a twentieth of the thread's time. */
const usualRestMs = 5_000;
/** What waited so many times as long as it may take waits for its own owner's: whoever asks is told instead of held. */
const patience = 20;
const heapMb = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 16 };

interface Waiting extends Omit<Question, 'id'> {
  owner: string;
  since: number;
  ms: number;
  resolve(answers: readonly Evaluated[]): void;
}
interface Running {
  thread: Worker;
  ready: boolean;
  ended: boolean;
}
interface Asked {
  id: number;
  one: Waiting;
  since: number;
  timer?: NodeJS.Timeout;
}
/** How long a thread may take to begin: no policy's time. */
const startMs = 10_000;

/**
 * A thread for policies that others than this project wrote. WebAssembly cannot be interrupted where it runs, and Rego without
 * recursion still takes as long as it likes (three nested loops over a range), so it runs where a thread can be ended. It
 * is asked one question at a time: the time of one is not another's, and one who asks slow ones waits behind those who do not. Begun at the first question, and again after it was ended.
 */
export function createEvaluator(file: string, onError: (error: Error) => void, restMs = usualRestMs): Evaluator {
  const waiting = createTurns<Waiting>();
  const resting = new Map<string, number>();
  let running: Running | null = null;
  let asked: Asked | null = null;
  let closed = false;
  let ids = 0;

  const failed = (one: Waiting, error: string, unasked: boolean): void =>
    one.resolve(one.inputs.flatMap(() => one.policies.map(() => ({ error, ...(unasked && { unasked }) }))));
  /** What was asked is over, and its time counts. */
  const over = (): Asked | null => {
    const was = asked;
    asked = null;
    if (!was) return null;
    clearTimeout(was.timer);
    waiting.took(was.one.owner, performance.now() - was.since);
    return was;
  };
  const end = (why: string | null): void => {
    const was = over();
    if (was) failed(was.one, why ?? 'the thread of the policies has ended', was.one.inputs.length > 1);
    next();
  };
  const drop = async (one: Running): Promise<void> => {
    one.ended = true;
    if (running === one) running = null;
    await one.thread.terminate();
  };
  const begin = (): Running => {
    const thread = new Worker(file, { resourceLimits: heapMb, stdout: true, stderr: true });
    const begun: Running = { thread, ready: false, ended: false };
    thread.unref();
    thread.on('message', (said: Reply | Ready) => {
      if ('ready' in said) {
        begun.ready = true;
        if (asked && running === begun) time(asked);
        return;
      }
      if (asked?.id !== said.id) return;
      over()?.one.resolve(said.answers);
      next();
      if (asked === null) thread.unref(); // nobody waits: the process may end
    });
    thread.on('error', (error) => {
      onError(error);
      begun.ended = true;
      if (running !== begun) return; // what is asked now is asked of another
      running = null;
      end(error.message);
    });
    return begun;
  };
  /** Begins to count the time of what was asked. */
  const time = (of: Asked, ms = of.one.ms): void => {
    clearTimeout(of.timer);
    of.since = performance.now();
    of.timer = setTimeout(late, ms, of.id);
  };
  const late = (id: number): void => {
    if (asked?.id !== id) return;
    const { policies, ms } = asked.one;
    for (const { key } of policies) resting.set(key, performance.now() + restMs);
    if (running) drop(running).catch(onError);
    onError(new Error(`policies took longer than ${ms} ms: ${policies.map((p) => p.key).join(', ')}`));
    end(`took longer than ${ms} ms`);
  };
  const next = (): void => {
    if (asked !== null) return;
    const one = waiting.next();
    if (!one) return;
    if (closed || performance.now() - one.since > patience * one.ms) {
      failed(one, closed ? 'the thread of the policies is closed' : 'waited too long for its turn', true);
      return next();
    }
    running ??= begin();
    const id = (ids += 1);
    running.thread.ref();
    asked = { id, one, since: 0 };
    time(asked, running.ready ? one.ms : startMs);
    running.thread.postMessage({ id, inputs: one.inputs, policies: one.policies } satisfies Question);
  };

  return {
    ask(owner, policies, inputs, ms = evaluationMs) {
      const now = performance.now();
      for (const [key, until] of resting) if (until <= now) resting.delete(key);
      return new Promise((resolve) => {
        const one = { owner, since: now, policies, inputs, ms, resolve };
        if (policies.some(({ key }) => resting.has(key)))
          return failed(one, 'took too long a moment ago, and rests', true);
        waiting.add(one);
        next();
      });
    },
    async close() {
      closed = true;
      const last = running;
      if (last) await drop(last);
      end('the thread of the policies is closed');
    },
  };
}
