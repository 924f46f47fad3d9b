/** First and last time of something. */
export class Span {
  first: number | null = null;
  last: number | null = null;

  extend(ms: number | null): void {
    if (ms === null) return;
    this.first = this.first === null ? ms : Math.min(this.first, ms);
    this.last = this.last === null ? ms : Math.max(this.last, ms);
  }
}
