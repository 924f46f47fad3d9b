import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { lastLines } from '../../cli/log-file';
import type { Reaper } from '../../cli/reaper';
import type { Program } from '../../cli/supervise';

/** One process of the installation. Nothing starts it again but `start`. */
export interface Part {
  readonly name: string;
  /** Null while it does not run. */
  readonly pid: number | null;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** Asks it to end in an orderly way; resolves when it is gone. */
  stop(): Promise<void>;
  /** With the same ports and state; resolves when it is ready, at once when it runs. @throws Error with the end of its log */
  start(): Promise<void>;
}

const READY_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 15_000;

/** `over`: aborted when the proof is done, so that nothing is started any more. */
export function partOf(program: Program, reaper: Reaper, over: AbortSignal): Part {
  let child: ChildProcess | null = null;
  let gone: Promise<unknown> = Promise.resolve();
  let starting: Promise<void> | null = null;

  const launch = async (): Promise<void> => {
    await program.prepare();
    const log = openSync(program.logFile, 'a', 0o600);
    const launched = spawn(program.command, program.args, {
      env: program.env,
      stdio: ['ignore', log, log, program.ipc ? 'ipc' : 'ignore'],
      detached: true,
      ...program.user,
    });
    closeSync(log);
    child = launched;
    const forget = reaper.watch(launched, 'SIGKILL');
    const ended = once(launched, 'exit');
    gone = ended.finally(() => {
      forget();
      if (child === launched) child = null;
    });
    const abandoned = new AbortController();
    const late = setTimeout(() => launched.kill('SIGKILL'), READY_WITHIN_MS);
    try {
      await Promise.race([
        program.ready(launched, abandoned.signal),
        ended.then(([code, signal]) => Promise.reject(new Error(`it ended (${String(signal ?? code)})`))),
      ]);
    } finally {
      clearTimeout(late);
      abandoned.abort();
    }
  };
  /** What it needs may be away for now, and a killed Postgres leaves processes that it has to outlast. */
  const start = async (): Promise<void> => {
    const deadline = Date.now() + READY_WITHIN_MS;
    for (;;) {
      try {
        return await launch();
      } catch (e) {
        if (over.aborted || Date.now() > deadline) {
          const why = e instanceof Error ? e.message : String(e);
          throw new Error(`${program.name} does not start: ${why}. ${lastLines(program.logFile, 10)}`, { cause: e });
        }
        await pause(100);
      }
    }
  };
  return {
    name: program.name,
    get pid() {
      return child?.pid ?? null;
    },
    async kill() {
      child?.kill('SIGKILL');
      await gone;
    },
    async stop() {
      child?.kill(program.stopSignal);
      const timer = setTimeout(() => child?.kill('SIGKILL'), STOP_WITHIN_MS);
      await gone;
      clearTimeout(timer);
    },
    start() {
      if (starting) return starting;
      if (child) return Promise.resolve();
      starting = start().finally(() => (starting = null));
      return starting;
    },
  };
}
