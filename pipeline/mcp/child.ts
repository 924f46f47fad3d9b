import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { ReadBuffer, serializeMessage } from '@modelcontextprotocol/sdk/shared/stdio.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';

/** A program that the operator of the installation allows to be run. Its environment is this, and nothing else. */
export interface Program {
  command: string;
  args: string[];
  cwd: string;
  env: Record<string, string>;
}

/** Ends process groups should this process die. */
export interface Watcher {
  /** Gives what to call once the group has ended. */
  watch(groupId: number): () => void;
  close(): void;
}

/** How long it has to end by itself when nobody writes to it any more, and when it is told to. */
const graceMs = { stdin: 500, term: 2_000 };
/** As much of what it writes to stderr as people are told. */
const mostWords = 500;

/** Signals the whole group. Gone already is as good. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(-pid, name);
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code !== 'ESRCH') throw e;
  }
}

/**
 * A tool server as a child process: one message a line, in a process group of its own, which is ended with it. What it
 * writes unasked is bounded: a server that floods is closed.
 */
export class ChildTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  private readonly buffer: ReadBuffer;
  private child: ChildProcessWithoutNullStreams | null = null;
  private ended: Promise<void> = Promise.resolve();
  private received = 0;
  private words = '';

  constructor(
    private readonly program: Program,
    private readonly watcher: Watcher,
    private readonly maxBytes: number,
  ) {
    this.buffer = new ReadBuffer({ maxBufferSize: maxBytes });
  }

  /** What it last wrote to stderr. */
  get lastWords(): string {
    return this.words.trim();
  }

  get pid(): number | null {
    return this.child?.pid ?? null;
  }

  async start(): Promise<void> {
    const { command, args, cwd, env } = this.program;
    const child = spawn(command, args, { cwd, env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
    await once(child, 'spawn'); // rejects with what kept it from being started
    child.on('error', (e) => this.onerror?.(e));
    const { pid } = child;
    if (pid === undefined) throw new Error(`${command} was not started`);
    const unwatch = this.watcher.watch(pid);
    this.child = child;
    child.stdout.on('data', (chunk: Buffer) => this.take(chunk));
    child.stderr.on('data', (chunk: Buffer) => (this.words = (this.words + chunk.toString()).slice(-mostWords)));
    // It went away while it was written to: its end says so.
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.on('error', (e) => this.onerror?.(e));
    this.ended = once(child, 'exit').then(async () => {
      const closed = once(child, 'close');
      signal(pid, 'SIGKILL'); // whatever it started
      unwatch();
      // What it wrote last is read to its end, unless somebody who left the group holds the pipe.
      const given = new AbortController();
      await Promise.race([closed, delay(graceMs.stdin, undefined, { signal: given.signal, ref: false })]);
      given.abort();
      this.onclose?.();
    });
    this.ended.catch((e: unknown) => this.onerror?.(e instanceof Error ? e : new Error(String(e))));
  }

  private take(chunk: Buffer): void {
    this.received += chunk.length;
    try {
      if (this.received > this.maxBytes) throw new Error(`it wrote more than ${this.maxBytes} bytes`);
      this.buffer.append(chunk);
    } catch (e) {
      this.onerror?.(e as Error);
      this.kill();
      return;
    }
    for (;;) {
      try {
        const message = this.buffer.readMessage();
        if (message === null) return;
        this.onmessage?.(message);
      } catch (e) {
        this.onerror?.(e instanceof Error ? e : new Error(String(e))); // a line that is no message
      }
    }
  }

  async send(message: JSONRPCMessage): Promise<void> {
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) throw new Error('the tool server has ended');
    if ('method' in message && 'id' in message) this.received = 0; // it was asked something, and may answer
    await new Promise<void>((resolve, reject) =>
      child.stdin.write(serializeMessage(message), (e) => (e ? reject(e) : resolve())),
    );
  }

  private kill(): void {
    if (this.child?.pid !== undefined && this.child.exitCode === null && this.child.signalCode === null)
      signal(this.child.pid, 'SIGKILL');
  }

  /** Asks it to end, tells it to, and ends it, with whatever it started. Resolves when it has ended. */
  async close(): Promise<void> {
    const { child } = this;
    if (child?.pid === undefined) return;
    const within = async (ms: number): Promise<boolean> => {
      const given = new AbortController();
      const late = delay(ms, false, { signal: given.signal }).catch(() => false); // called off: it has ended
      const over = await Promise.race([this.ended.then(() => true), late]);
      given.abort();
      return over;
    };
    child.stdin.end();
    if (await within(graceMs.stdin)) return;
    signal(child.pid, 'SIGTERM');
    if (await within(graceMs.term)) return;
    this.kill();
    await this.ended;
  }
}
