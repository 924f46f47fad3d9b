import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, linkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { Group, markOf } from './group';
import { LogWriter } from './log-writer';
import { processOf, self } from './proc';
import { filesOf, take, writeWhole, type Exit, type Limit, type Spec, type Started } from './state';

// A program of its own: it starts one command, writes its log, holds it to its limits and says how it ended. It outlives the
// worker that started it, so that another one finds the command, and ends it when none comes. Node and this folder alone.

const tickMs = 200;
/** For what is left when the command itself has ended. */
const leftoverGraceMs = 1_000;
/** For the last bytes of its streams, when nobody has them open any more. */
const drainMs = 2_000;

/** Ends the command when it goes beyond what it may. */
class Watch {
  readonly from = performance.now();
  lastOutput = performance.now();
  peakBytes = 0;
  limit: Limit | null = null;
  private seen = { mtimeMs: 0, at: performance.now() };
  private ending: Promise<void> | null = null;

  constructor(
    private readonly spec: Spec,
    private readonly group: Group,
    private readonly log: LogWriter,
  ) {}

  end(limit: Limit): Promise<void> {
    if (!this.ending) this.log.say(`[runner] ended: ${limit}`);
    this.limit ??= limit;
    return (this.ending ??= this.group.end(this.spec.graceMs));
  }

  look(): void {
    const { spec } = this;
    const now = performance.now();
    const bytes = this.group.members().reduce((sum, p) => sum + p.rssBytes, 0);
    this.peakBytes = Math.max(this.peakBytes, bytes);
    const { mtimeMs } = statSync(filesOf(spec.stateDir).attended);
    if (mtimeMs !== this.seen.mtimeMs) this.seen = { mtimeMs, at: now };
    const beyond: [Limit, boolean][] = [
      ['output', this.log.isFull],
      ['memory', bytes > spec.memoryBytes],
      ['time', spec.timeMs !== null && now - this.from > spec.timeMs],
      ['silence', now - this.lastOutput > spec.silenceMs],
      ['unattended', now - this.seen.at > spec.unattendedMs],
    ];
    const first = beyond.find(([, is]) => is);
    // What cannot be ended is said at the end, by whoever waits for it.
    if (first && !this.ending) this.end(first[0]).catch(() => undefined);
  }

  /** When the command itself is over: whatever it left behind as well. */
  settle = async (): Promise<void> => {
    await this.ending;
    await this.group.end(leftoverGraceMs);
  };
}

function listen(child: ChildProcess, log: LogWriter, watch: Watch): void {
  const streams = [
    [child.stdout, ''],
    [child.stderr, '[stderr] '],
  ] as const;
  for (const [stream, prefix] of streams)
    stream?.on('data', (chunk: Buffer) => {
      watch.lastOutput = performance.now();
      log.take(chunk, prefix);
      if (log.isFull) watch.look(); // before the next tick: a flood is fast
    });
}

/** Nobody has attended to it for so long that it was given up, perhaps by a worker that cannot reach this folder. */
const isLate = (spec: Spec): boolean =>
  Date.now() - statSync(filesOf(spec.stateDir).attended).mtimeMs > spec.unattendedMs;

const unbegun = (log: LogWriter, why: Pick<Exit, 'limit' | 'error'>): Exit => ({
  code: null,
  signal: null,
  outputBytes: log.bytes,
  peakBytes: 0,
  endedAt: new Date().toISOString(),
  ...why,
});

async function supervise(spec: Spec, log: LogWriter): Promise<Exit> {
  if (isLate(spec)) return unbegun(log, { limit: 'unattended', error: null });
  const [program = '', ...args] = spec.argv;
  const child = spawn(program, args, {
    cwd: spec.workDir,
    env: spec.env,
    detached: true, // a session, and a group, of its own
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const closed = once(child, 'close');
  closed.catch(() => undefined); // the same error comes with the exit
  const leader = child.pid === undefined ? null : processOf(child.pid);
  if (!leader) await ended; // it could not be started: this throws why
  if (!leader) throw new Error('it ended before it was seen');
  const { pid, started } = leader;
  const told: Started = { supervisor: self(), leader: { pid, started } };
  const group = new Group(told.leader, markOf(spec.processId));
  try {
    writeWhole(filesOf(spec.stateDir).started, JSON.stringify(told));
  } catch (e) {
    await group.end(spec.graceMs); // nobody would find it
    throw e;
  }
  const watch = new Watch(spec, group, log);
  listen(child, log, watch);
  process.on('SIGTERM', () => void watch.end('stop').catch(() => undefined));
  const timer = setInterval(() => watch.look(), tickMs);
  const [code, signal] = await ended;
  await watch.settle();
  await Promise.race([closed, delay(drainMs, undefined, { ref: false })]);
  clearInterval(timer);
  return {
    code,
    signal,
    limit: watch.limit,
    error: null,
    outputBytes: log.bytes,
    peakBytes: watch.peakBytes,
    endedAt: new Date().toISOString(),
  };
}

async function main(): Promise<void> {
  const spec = JSON.parse(await text(process.stdin)) as Spec;
  process.title = `wheelhouse-runner ${spec.processId}`;
  if (!take(spec.stateDir, self())) return;
  const log = new LogWriter(spec.logFile, spec.outputBytes, spec.title);
  const shown = join(spec.workDir, 'output.log');
  if (!existsSync(shown)) linkSync(spec.logFile, shown);
  const exit = await supervise(spec, log).catch((e: Error) => unbegun(log, { limit: null, error: e.message }));
  log.close();
  writeWhole(filesOf(spec.stateDir).exit, JSON.stringify(exit));
}

// Its standard error goes nowhere: what it cannot say in its folder shows by its absence.
void main().then(
  () => process.exit(0),
  () => process.exit(1),
);
