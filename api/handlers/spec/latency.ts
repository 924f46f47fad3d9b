import { registry } from '../../metrics';

interface Bucket {
  le: number;
  count: number;
}

/** The value below which that share of the observations lies, as far as the buckets tell. */
function quantile(buckets: readonly Bucket[], share: number): number | null {
  const total = buckets.at(-1)?.count ?? 0;
  if (!total) return null;
  const rank = share * total;
  let below: Bucket = { le: 0, count: 0 };
  for (const bucket of buckets) {
    if (bucket.count >= rank) {
      if (!Number.isFinite(bucket.le)) return below.le;
      const within = (rank - below.count) / Math.max(1, bucket.count - below.count);
      return below.le + within * (bucket.le - below.le);
    }
    below = bucket;
  }
  return below.le;
}

const inMs = (seconds: number | null): number | null => (seconds === null ? null : Math.round(seconds * 10_000) / 10);

/** How long requests took since this process started, out of its own metrics. */
export async function latency() {
  const metric = await registry.getSingleMetric('wheelhouse_http_request_duration_seconds')?.get();
  const counts = new Map<number, number>();
  for (const value of metric?.values ?? []) {
    if (!('metricName' in value) || !String(value.metricName).endsWith('_bucket')) continue;
    const le = value.labels['le'] === '+Inf' ? Infinity : Number(value.labels['le']);
    counts.set(le, (counts.get(le) ?? 0) + value.value);
  }
  const buckets = [...counts].map(([le, count]) => ({ le, count })).sort((a, b) => a.le - b.le);
  return {
    window_seconds: Math.round(process.uptime()),
    p50_ms: inMs(quantile(buckets, 0.5)),
    p95_ms: inMs(quantile(buckets, 0.95)),
    p99_ms: inMs(quantile(buckets, 0.99)),
    request_count: buckets.at(-1)?.count ?? 0,
    computed_at: new Date().toISOString(),
  };
}
