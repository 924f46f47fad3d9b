/** How what comes at the same time is carried out as one piece. */
export interface Grouping<I> {
  /** Two that share one of these never go together. */
  keysOf(item: I): readonly (string | null)[];
  /** Of one piece. */
  most: number;
  /** Pieces under way at a time. */
  atOnce: number;
}

interface Waiting<I, O> {
  item: I;
  resolve(value: O): void;
  reject(error: unknown): void;
}

/**
 * Carries out together what came while an earlier piece was under way; what comes alone goes at once. A piece that fails is
 * carried out again, each item alone, so that none fails by another's fault: `work` must be safe to repeat.
 */
export function grouped<I, O>(work: (items: readonly I[]) => Promise<readonly O[]>, g: Grouping<I>) {
  let waiting: Waiting<I, O>[] = [];
  let under = 0;

  const next = (): Waiting<I, O>[] => {
    const taken = new Set<string>();
    const piece: Waiting<I, O>[] = [];
    const left: Waiting<I, O>[] = [];
    for (const w of waiting) {
      const keys = g.keysOf(w.item).filter((key) => key !== null);
      if (piece.length >= g.most || keys.some((key) => taken.has(key))) left.push(w);
      else piece.push(w);
      for (const key of keys) taken.add(key); // also of one that is left: the order of those that share a key stays
    }
    waiting = left;
    return piece;
  };
  const carryOut = async (piece: readonly Waiting<I, O>[]): Promise<void> => {
    try {
      const results = await work(piece.map((w) => w.item));
      piece.forEach((w, i) => w.resolve(results[i] as O));
    } catch (error) {
      if (piece.length === 1) piece[0]?.reject(error);
      else for (const w of piece) await carryOut([w]);
    }
  };
  const start = (): void => {
    while (under < g.atOnce && waiting.length > 0) {
      under += 1;
      void carryOut(next()).finally(() => {
        under -= 1;
        start();
      });
    }
  };
  return (item: I): Promise<O> =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      // At the end of this turn, so that those who ask in it go together.
      if (waiting.length === 1) queueMicrotask(start);
    });
}
