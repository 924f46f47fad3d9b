/** Each width divides the next, so that buckets can be merged without asking the lines again. */
const WIDTHS = [1, 5, 10, 30, 60, 300, 600, 1800, 3600, 10_800, 21_600, 43_200, 86_400];
const MAX_BUCKETS = 512;
const GAPS_KEPT = 20;

export interface Silence {
  from: number;
  to: number;
}

/**
 * Events over time, in buckets that grow with the span of the log: at most 512 of them, whatever its length. All counts
 * use the same width, so that a burst can be told exactly by template.
 */
export class Timeline {
  readonly records = new Map<number, number>();
  readonly failures = new Map<number, number>();
  /** When the first failure of a bucket was, to the millisecond. */
  private readonly firstFailures = new Map<number, number>();
  width = 1;
  first: number | null = null;
  last: number | null = null;
  outOfOrder = 0;
  private previous: number | null = null;
  private silences: Silence[] = [];
  private shortest = 0;

  /** `followers` are all other histograms that must be merged when the width grows. */
  constructor(private readonly followers: () => Iterable<{ buckets: Map<number, number> }>) {}

  /** Places a record; returns the bucket. */
  add(ms: number, events: number, failing: boolean): number {
    this.first = this.first === null ? ms : Math.min(this.first, ms);
    this.last = this.last === null ? ms : Math.max(this.last, ms);
    while (this.span() > MAX_BUCKETS) this.widen();
    this.follow(ms);
    const bucket = this.bucketOf(ms);
    count(this.records, bucket, events);
    if (failing) {
      count(this.failures, bucket, events);
      keepEarliest(this.firstFailures, bucket, ms);
    }
    return bucket;
  }

  bucketOf(ms: number): number {
    return Math.floor(ms / (this.width * 1000));
  }

  firstFailureIn(bucket: number): number {
    return this.firstFailures.get(bucket) ?? bucket * this.width * 1000;
  }

  /** The longest silences between one record and the next. */
  gaps(): Silence[] {
    return [...this.silences].sort((a, b) => b.to - b.from - (a.to - a.from));
  }

  private span(): number {
    return this.bucketOf(this.last ?? 0) - this.bucketOf(this.first ?? 0) + 1;
  }

  private follow(ms: number): void {
    if (this.previous !== null) {
      const silence = ms - this.previous;
      if (silence < 0) this.outOfOrder += 1;
      else if (silence > this.shortest) this.keep({ from: this.previous, to: ms });
    }
    this.previous = ms;
  }

  private keep(silence: Silence): void {
    this.silences.push(silence);
    if (this.silences.length < GAPS_KEPT * 2) return;
    this.silences = this.gaps().slice(0, GAPS_KEPT);
    const least = this.silences.at(-1);
    this.shortest = least === undefined ? 0 : least.to - least.from;
  }

  private widen(): void {
    const next = WIDTHS.find((width) => width > this.width) ?? this.width * 2;
    const factor = next / this.width;
    this.width = next;
    merge(this.records, factor);
    merge(this.failures, factor);
    const starts = [...this.firstFailures];
    this.firstFailures.clear();
    for (const [bucket, ms] of starts) keepEarliest(this.firstFailures, Math.floor(bucket / factor), ms);
    for (const follower of this.followers()) merge(follower.buckets, factor);
  }
}

export function count(buckets: Map<number, number>, bucket: number, events: number): void {
  buckets.set(bucket, (buckets.get(bucket) ?? 0) + events);
}

function keepEarliest(times: Map<number, number>, bucket: number, ms: number): void {
  times.set(bucket, Math.min(times.get(bucket) ?? ms, ms));
}

function merge(buckets: Map<number, number>, factor: number): void {
  const old = [...buckets];
  buckets.clear();
  for (const [bucket, events] of old) count(buckets, Math.floor(bucket / factor), events);
}
