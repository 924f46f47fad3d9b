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

/**
 * For look-ups that many ask for at once: one goes out at a time, and the next takes all who came meanwhile. Nobody gets an
 * answer to a question that was put before theirs.
 */
export function together<K, V>(look: (keys: K[]) => Promise<Map<K, V>>): (key: K) => Promise<V | undefined> {
  let under: Promise<unknown> = Promise.resolve();
  let next: { keys: Set<K>; answer: Promise<Map<K, V>> } | null = null;
  return async (key) => {
    if (next === null) {
      const keys = new Set<K>();
      const answer = under.then(() => {
        next = null;
        return look([...keys]);
      });
      under = answer.catch(() => undefined); // those who asked are told
      next = { keys, answer };
    }
    next.keys.add(key);
    return (await next.answer).get(key);
  };
}
