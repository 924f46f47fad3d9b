import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { lastLines } from './log-file';
import { Reaper } from './reaper';

/** A program that runs beside this process and is started again when it ends by itself. */
export interface Program {
  name: string;
  command: string;
  args: string[];
  env: NodeJS.ProcessEnv;
  /** Whom it runs as, when not as whoever runs this. */
  user: { uid: number; gid: number } | null;
  /** Whether it is one of this project's own, which says by a message that it is ready. */
  ipc: boolean;
  /** What asks it to end in an orderly way. */
  stopSignal: NodeJS.Signals;
  /** Where its output goes. */
  logFile: string;
  /** Called before each start: clears away what a killed predecessor left. */
  prepare: () => Promise<void>;
  /** Resolves once it does its work. Called after each start, and abandoned through the signal when the program ends first. */
  ready: (child: ChildProcess, abandoned: AbortSignal) => Promise<void>;
}

interface Running {
  program: Program;
  child: ChildProcess;
  ended: Promise<string>;
}

const FIRST_STARTS = 3;
const READY_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 10_000;
const LONGEST_PAUSE_MS = 30_000;
/** After this long without a crash the next one counts as the first. */
const HEALTHY_AFTER_MS = 60_000;

/** What is started so writes files that its owner alone can read: a database has everything that was said. */
function privately<T>(start: () => T): T {
  const before = process.umask(0o077);
  try {
    return start();
  } finally {
    process.umask(before);
  }
}

/** Starts programs, keeps them running, and ends all of them: on stop(), and also when this process is killed. */
export class Supervisor {
  private readonly running: Running[] = [];
  private readonly stopping = new AbortController();
  private readonly reaper = new Reaper();

  constructor(private readonly report: (line: string) => void) {}

  /** Aborted when everything is being stopped. */
  get stopped(): AbortSignal {
    return this.stopping.signal;
  }

  /** Resolves when the program is ready. @throws Error with the end of its output when it can't be made to start. */
  async start(program: Program): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const entry = await this.launch(program);
        void this.keep(entry);
        return;
      } catch (error) {
        if (attempt === FIRST_STARTS || this.stopping.signal.aborted) throw error;
        await this.pause(250 * 2 ** attempt);
      }
    }
  }

  /** Removes a folder should this process be killed; after release() it stays. */
  removeWhenKilled(folder: string): { release: () => void } {
    return this.reaper.folder(folder);
  }

  /** Ends everything: this project's own programs first, then what they lean on. */
  async stop(): Promise<void> {
    this.stopping.abort();
    for (const own of [true, false]) {
      await Promise.all(this.running.filter(({ program }) => program.ipc === own).map((entry) => this.end(entry)));
    }
    this.reaper.close();
  }

  private async launch(program: Program): Promise<Running> {
    await program.prepare();
    if (this.stopping.signal.aborted) throw new Error(`${program.name}: stopped before it was started`);
    const log = openSync(program.logFile, 'a', 0o600);
    // Each in a process group of its own: Ctrl-C reaches only the supervisor, which ends the others in order.
    const child = privately(() =>
      spawn(program.command, program.args, {
        env: program.env,
        stdio: ['ignore', log, log, program.ipc ? 'ipc' : 'ignore'],
        detached: true,
        ...program.user,
      }),
    );
    closeSync(log);
    const ended = once(child, 'exit').then(
      ([code, signal]: (number | string | null)[]) => String(signal ?? `code ${code}`),
      (error: Error) => error.message,
    );
    const entry = { program, child, ended };
    this.running.push(entry);
    const forget = this.reaper.watch(child, program.stopSignal);
    void ended.then(() => {
      forget();
      this.running.splice(this.running.indexOf(entry), 1);
    });
    try {
      await this.untilReady(entry);
    } catch (error) {
      await this.end(entry);
      throw error;
    }
    return entry;
  }

  private async untilReady({ program, child, ended }: Running): Promise<void> {
    const abandoned = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<string>((resolve) => {
      timer = setTimeout(() => resolve(`it was not ready after ${READY_WITHIN_MS / 1000} s`), READY_WITHIN_MS);
    });
    const problem = await Promise.race([
      program.ready(child, abandoned.signal).then(() => null, messageOf),
      ended.then((how) => `it ended (${how}) before it was ready`),
      late,
    ]);
    clearTimeout(timer);
    abandoned.abort();
    if (problem !== null)
      throw new Error(`${program.name} could not be started: ${problem}. ${lastLines(program.logFile)}`);
  }

  private async keep(first: Running): Promise<void> {
    const { program } = first;
    let failures = 0;
    for (let current: Running | null = first; current !== null; failures += 1) {
      const since = Date.now();
      const how = await current.ended;
      if (this.stopping.signal.aborted) return;
      if (Date.now() - since > HEALTHY_AFTER_MS) failures = 0;
      this.report(`${program.name} ended (${how}); starting it again. Log: ${program.logFile}`);
      current = await this.again(program, failures);
    }
  }

  /** Answers null when everything is being stopped. */
  private async again(program: Program, failures: number): Promise<Running | null> {
    for (let n = failures; !this.stopping.signal.aborted; n += 1) {
      if (n > 0) await this.pause(Math.min(250 * 2 ** n, LONGEST_PAUSE_MS));
      try {
        const entry = await this.launch(program);
        this.report(`${program.name} runs again.`);
        return entry;
      } catch (error) {
        if (!this.stopping.signal.aborted) this.report(messageOf(error));
      }
    }
    return null;
  }

  /** Shorter when everything is being stopped. */
  private async pause(ms: number): Promise<void> {
    const { signal } = this.stopping;
    await delay(ms, undefined, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }

  private async end({ program, child, ended }: Running): Promise<void> {
    child.kill(program.stopSignal);
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
    await ended;
    clearTimeout(timer);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
