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
/** OPA's result set of each entrypoint; or why there is none. */
export type Evaluated = { results: readonly unknown[] } | { error: string };
export interface Reply {
  id: number;
  /** Of each input, of each policy. */
  answers: readonly Evaluated[];
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
const restMs = 5_000;
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
  ended: boolean;
}

/**
 * A thread for policies that others than this project wrote. WebAssembly cannot be interrupted where it runs, and Rego without
 * recursion still takes as long as it likes (three nested loops over a range), so it runs where a thread can be ended. It
 * is asked one question at a time: the time of one is not another's, and one who asks slow ones waits behind those who do not. Begun at the first question, and again after it was ended.
 */
export function createEvaluator(file: string, onError: (error: Error) => void): Evaluator {
  const waiting = createTurns<Waiting>();
  const resting = new Map<string, number>();
  let running: Running | null = null;
  let asked: { id: number; one: Waiting; since: number; timer: NodeJS.Timeout } | null = null;
  let ids = 0;

  const failed = (one: Waiting, error: string): void =>
    one.resolve(one.inputs.flatMap(() => one.policies.map(() => ({ error }))));
  /** What was asked is over, and its time counts. */
  const over = (): typeof asked => {
    const was = asked;
    asked = null;
    if (!was) return null;
    clearTimeout(was.timer);
    waiting.took(was.one.owner, performance.now() - was.since);
    return was;
  };
  const end = (why: string | null): void => {
    const was = over();
    if (was) {
      failed(was.one, why ?? 'the thread of the policies has ended');
    }
    next();
  };
  const drop = async (one: Running): Promise<void> => {
    one.ended = true;
    if (running === one) running = null;
    await one.thread.terminate();
  };
  const begin = (): Running => {
    const thread = new Worker(file, { resourceLimits: heapMb, stdout: true, stderr: true });
    const begun: Running = { thread, ended: false };
    thread.unref();
    thread.on('message', ({ id, answers }: Reply) => {
      if (asked?.id !== id) return;
      over()?.one.resolve(answers);
      next();
      if (asked === null) thread.unref(); // nobody waits: the process may end
    });
    thread.on('error', (error) => {
      onError(error);
      begun.ended = true;
      if (running === begun) running = null;
      end(error.message);
    });
    return begun;
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
    const since = performance.now();
    if (since - one.since > patience * one.ms) {
      failed(one, 'waited too long for other calls of its tenant');
      return next();
    }
    running ??= begin();
    const id = (ids += 1);
    running.thread.ref();
    asked = { id, one, since, timer: setTimeout(late, one.ms, id) };
    running.thread.postMessage({ id, inputs: one.inputs, policies: one.policies } satisfies Question);
  };

  return {
    ask(owner, policies, inputs, ms = evaluationMs) {
      const now = performance.now();
      for (const [key, until] of resting) if (until <= now) resting.delete(key);
      return new Promise((resolve) => {
        const one = { owner, since: now, policies, inputs, ms, resolve };
        if (policies.some(({ key }) => resting.has(key))) return failed(one, 'took too long a moment ago, and rests');
        waiting.add(one);
        next();
      });
    },
    async close() {
      const last = running;
      if (last) await drop(last);
      end('the thread of the policies is closed');
    },
  };
}
