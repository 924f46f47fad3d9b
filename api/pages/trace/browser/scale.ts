interface Span {
  from: number;
  to: number;
}

export interface Scale {
  /** Where on the timeline a moment is, 0..1; in ms since the epoch. */
  at(ms: number): number;
  /** The moment at a place. */
  moment(place: number): number;
  from: number;
  /** Places where nothing happened for so long that it is drawn short, with how long it was. */
  breaks: { place: number; ms: number }[];
}

/** Overlapping spans made one, in order. */
function merged(spans: readonly Span[]): Span[] {
  const result: Span[] = [];
  for (const { from, to } of spans.toSorted((a, b) => a.from - b.from)) {
    const last = result.at(-1);
    if (last && from <= last.to) last.to = Math.max(last.to, to);
    else result.push({ from, to });
  }
  return result;
}

/**
 * Time as it is, except for rests: a pause of over a second that is longer than all work together (an investigation that
 * was resumed the next day) takes a twentieth of the line, so that the work can still be seen.
 */
export function scaleOf(spans: readonly Span[]): Scale {
  const work = merged(spans.filter(({ from, to }) => Number.isFinite(from) && Number.isFinite(to)));
  const busy = work.reduce((sum, { from, to }) => sum + to - from, 0);
  const rests = (gap: number): boolean => gap > 1000 && gap > busy;
  const gaps = work.map(({ from }, i) => (i === 0 ? 0 : from - (work[i - 1]?.to ?? from)));
  const drawn = gaps.reduce((sum, gap) => sum + (rests(gap) ? 0 : gap), busy) || 1;
  const rest = drawn / 20;
  // Knots of a line that rises: moments, and how far along each is drawn.
  const times: number[] = [];
  const places: number[] = [];
  const breaks: { along: number; ms: number }[] = [];
  let along = 0;
  for (const [i, { from, to }] of work.entries()) {
    const gap = gaps[i] ?? 0;
    if (rests(gap)) breaks.push({ along: along + rest / 2, ms: gap });
    along += rests(gap) ? rest : gap;
    times.push(from, to);
    places.push(along, (along += to - from));
  }
  const total = along || 1;
  const between = (x: number, xs: readonly number[], ys: readonly number[]): number => {
    let low = 0;
    for (let high = xs.length - 1; low < high;) {
      const middle = (low + high + 1) >> 1;
      if ((xs[middle] ?? 0) <= x) low = middle;
      else high = middle - 1;
    }
    const [x0, x1, y0, y1] = [xs[low] ?? 0, xs[low + 1], ys[low] ?? 0, ys[low + 1]];
    if (x1 === undefined || y1 === undefined || x1 === x0) return y0;
    return y0 + (y1 - y0) * Math.min(1, Math.max(0, (x - x0) / (x1 - x0)));
  };
  return {
    at: (ms) => between(ms, times, places) / total,
    moment: (place) => between(place * total, places, times),
    from: times[0] ?? 0,
    breaks: breaks.map(({ along: place, ms }) => ({ place: place / total, ms })),
  };
}
