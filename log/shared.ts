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

/** For work that many ask for at once: at most one run per key in `ms`, whose answer all of them get. */
export function atMostEvery<T>(ms: number): (key: string, work: () => Promise<T>) => Promise<T> {
  const runs = new Map<string, { at: number; answer: Promise<T> }>();
  return (key, work) => {
    const now = performance.now();
    for (const [old, run] of runs) if (now - run.at >= ms) runs.delete(old);
    const run = runs.get(key) ?? { at: now, answer: work() };
    runs.set(key, run);
    return run.answer;
  };
}
