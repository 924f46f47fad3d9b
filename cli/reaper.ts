import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../config';

/** The watcher that ends our programs when this process dies without ending them: see bin/reaper.cjs. */
export class Reaper {
  private readonly process = fork(join(root, 'bin/reaper.cjs'), { detached: true, stdio: 'ignore' });

  constructor() {
    // It must not keep this process from ending.
    this.process.unref();
    this.process.channel?.unref();
  }

  /**
   * Ends the program with the signal, should this process die; a negative pid is a process group, as kill(2) has it. Answers
   * what to call once the program has ended.
   */
  watch({ pid }: Pick<ChildProcess, 'pid'>, signal: NodeJS.Signals): () => void {
    if (pid === undefined) return () => undefined;
    this.send({ started: { pid, signal } });
    return () => this.send({ ended: pid });
  }

  folder(folder: string): { release: () => void } {
    this.send({ folder });
    return { release: () => this.send({ kept: folder }) };
  }

  close(): void {
    if (this.process.connected) this.process.disconnect();
  }

  private send(message: object): void {
    if (this.process.connected) this.process.send(message);
  }
}
