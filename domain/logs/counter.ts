import { detach, excerpt } from './text';
import type { Values } from './types';

/**
 * Counts of values within bounded memory. When twice the capacity is reached, the rarer half is forgotten: from then
 * on counts are lower bounds, and `exact` says so. What is frequent survives, whenever it appears.
 */
export class Counter {
  /** Boxes, so that counting a known value looks it up once. */
  private readonly counts = new Map<string, { count: number }>();
  private forgotten = 0;

  constructor(private readonly capacity: number) {}

  add(value: string, by = 1): void {
    const known = this.counts.get(value);
    if (known !== undefined) {
      known.count += by;
      return;
    }
    this.counts.set(detach(value), { count: by });
    if (this.counts.size >= this.capacity * 2) this.forget();
  }

  get size(): number {
    return this.counts.size;
  }

  entries(): [string, number][] {
    return [...this.counts].map(([value, { count }]): [string, number] => [value, count]).sort(byCount);
  }

  values(limit: number): Values {
    const top = this.entries()
      .slice(0, limit)
      .map(([value, count]) => ({ value: excerpt(value, 100), count }));
    return { distinct: this.counts.size + this.forgotten, exact: this.forgotten === 0, top };
  }

  /** The rarest values go first, in doubling steps; a pass over a full table frees half of it or more. */
  private forget(): void {
    for (let least = 1; this.counts.size > this.capacity; least *= 2) {
      for (const [value, { count }] of this.counts) {
        if (count > least) continue;
        this.counts.delete(value);
        this.forgotten += 1;
      }
    }
  }
}

/** Most frequent first; equals in the order of their value, so that the same file always gives the same report. */
function byCount(a: [string, number], b: [string, number]): number {
  return b[1] - a[1] || (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0);
}
