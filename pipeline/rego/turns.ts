/** Who waits, and in whose name. */
export interface InLine {
  owner: string;
}

/**
 * A line for each owner, and next is whose have taken the least time: who takes much waits for themselves, and who comes with a
 * moment's work waits for no more than what runs. An owner who comes back after a while has no time saved up.
 */
export function createTurns<T extends InLine>() {
  const lines = new Map<string, T[]>();
  /** ms that each has taken, from the same beginning; of those who are not further than `clock` none is kept. */
  const taken = new Map<string, number>();
  let clock = 0;
  const of = (owner: string): number => Math.max(clock, taken.get(owner) ?? 0);

  return {
    waiting: (owner: string): number => lines.get(owner)?.length ?? 0,
    add(one: T): void {
      const line = lines.get(one.owner);
      if (line) line.push(one);
      else lines.set(one.owner, [one]);
    },
    /** The next of those who are not `busy`, who leaves the line. */
    next(busy: ReadonlySet<string> = new Set()): T | undefined {
      const [owner] = [...lines.keys()].filter((o) => !busy.has(o)).sort((a, b) => of(a) - of(b));
      const line = owner === undefined ? undefined : lines.get(owner);
      if (owner === undefined || !line) return undefined;
      const one = line.shift();
      if (line.length === 0) lines.delete(owner);
      clock = of(owner);
      for (const [o, ms] of taken) if (ms <= clock) taken.delete(o);
      return one;
    },
    took: (owner: string, ms: number): void => void taken.set(owner, of(owner) + ms),
  };
}
