import { setTimeout as delay } from 'node:timers/promises';
import { allProcesses, beganWith, type Process, type ProcessId } from './proc';

/** What every process of a launch has in its environment: also one that left the group, or lost its parent. */
export const markOf = (processId: string): string => `AGENT_PROCESS_ID=${processId}`;

/** All that came of one command. */
export class Group {
  /** Whether a process carries the mark, by pid and start: it never changes. */
  private marked = new Map<string, boolean>();

  /** @param leader null when it never became known: then the mark alone tells */
  constructor(
    private readonly leader: ProcessId | null,
    private readonly mark: string,
  ) {}

  /** Those that run. Never a stranger that has one of their numbers by now. */
  members(): Process[] {
    const all = allProcesses().filter((p) => p.state !== 'Z' && p.pid !== process.pid);
    const marked = new Map<string, boolean>();
    const { leader } = this;
    const holder = leader && all.find((p) => p.pid === leader.pid);
    // A number is not given again while a group or session has it; where its holder is another one, both are a stranger's.
    const ours = leader && (!holder || holder.started === leader.started) ? leader : null;
    const found = all.filter((p) => {
      const key = `${p.pid}:${p.started}`;
      const mark = this.marked.get(key) ?? beganWith(p.pid, this.mark);
      marked.set(key, mark);
      if (mark) return true;
      return ours !== null && p.started >= ours.started && (p.group === ours.pid || p.session === ours.pid);
    });
    this.marked = marked;
    return found;
  }

  /** Answers whom it reached. */
  signal(signal: NodeJS.Signals): Process[] {
    return this.members().filter(({ pid }) => {
      try {
        return process.kill(pid, signal);
      } catch (e) {
        if ((e as NodeJS.ErrnoException).code === 'ESRCH') return false; // it ended at this moment
        throw e;
      }
    });
  }

  /**
   * Asks all of them to end, and after `graceMs` makes them. Those that are started meanwhile are found as well.
   * @throws Error naming who is left after five seconds of that
   */
  async end(graceMs: number): Promise<void> {
    const from = performance.now();
    let asked = false;
    for (;;) {
      const left = this.members();
      const waited = performance.now() - from;
      if (left.length === 0) return;
      if (waited > graceMs + 5_000) throw new Error(`not to be ended: ${left.map((p) => p.pid).join(', ')}`);
      if (!asked) this.signal('SIGTERM');
      else if (waited >= graceMs) this.signal('SIGKILL');
      asked = true;
      await delay(25);
    }
  }
}
