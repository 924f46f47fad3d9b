/** One of something for each owner in this process (a store, a kernel): made at first use, gone with its owner. */
export function perOwner<K extends object, T>(make: (owner: K) => T): (owner: K) => T {
  const made = new WeakMap<K, T>();
  return (owner) => {
    const known = made.get(owner);
    if (known !== undefined) return known;
    const one = make(owner);
    made.set(owner, one);
    return one;
  };
}

/** For work that many ask for at once: one run per key at a time, and at most one in `ms`; all who ask get its answer. */
export function atMostEvery<T>(ms: number): (key: string, work: () => Promise<T>) => Promise<T> {
  const runs = new Map<string, { at: number; over: boolean; answer: Promise<T> }>();
  return (key, work) => {
    const now = performance.now();
    for (const [old, run] of runs) if (run.over && now - run.at >= ms) runs.delete(old);
    const known = runs.get(key);
    if (known) return known.answer;
    const run = { at: now, over: false, answer: work() };
    const end = (): void => void (run.over = true);
    run.answer.then(end, end);
    runs.set(key, run);
    return run.answer;
  };
}
