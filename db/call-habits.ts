import { counted, rate, sum, type Asked } from './calls';
import { prepared } from './prepared';
import type { Read } from './tx';

// One agent against what it did before, and against the others.

const four = (n: number): number => Number(n.toFixed(4));

interface Habits {
  [key: string]: number;
  calls: number;
  calls_per_day: number;
  deny_rate: number;
  avg_risk: number;
}
type DriftLevel = 'none' | 'low' | 'medium' | 'high';
export interface Drift {
  agent_id: string;
  /** 0..1: three tenths risk, three tenths refusals, two tenths each volume and tools. */
  drift_score: number;
  drift_level: DriftLevel;
  baseline: Habits;
  recent: Habits;
  /** 0..1 each; 0 where there is no baseline to be far from. */
  metrics: { risk_drift: number; deny_drift: number; volume_drift: number; tool_drift: number };
}

const weights = { risk_drift: 0.3, deny_drift: 0.3, volume_drift: 0.2, tool_drift: 0.2 };
const levelOf = (score: number): DriftLevel => {
  if (score >= 0.5) return 'high';
  if (score >= 0.25) return 'medium';
  return score >= 0.1 ? 'low' : 'none';
};

/** Whole hours, this one with them; `$3` of them are recent, and the days before them are the baseline. */
const start = `date_trunc('hour', now(), 'utc') - ($3::int - 1) * interval '1 hour'`;
const baseline = `${start} - $2::int * interval '24 hours'`;
const tail = 'governed_calls(calls_tallied(), 9223372036854775807)';
const mine = `agent_id = $1::uuid and hour >= ${baseline}`;

/** How far the last hours of an agent are from the days before them. */
export async function agentDrift(tx: Read, agentId: string, days: number, hours: number): Promise<Drift> {
  const [parts, tools] = await Promise.all([
    prepared<{ recent: boolean; calls: number; denied: number; risk: number; scored: number }>(
      tx,
      `select hour >= ${start} as recent, sum(n)::bigint as calls, sum(denied)::bigint as denied, sum(risk)::bigint as risk,
         sum(scored)::bigint as scored
       from (select hour, n, denied, risk, scored from call_hours where ${mine}
         union all select hour, 1, call_denied(decision)::int, coalesce(risk, 0), (risk is not null)::int from ${tail} where ${mine}) c
       group by 1`,
      [agentId, days, hours],
    ),
    prepared<{ before: number; now: number }>(
      tx,
      `select coalesce(sum(n) filter (where hour < ${start}), 0)::bigint as before,
         coalesce(sum(n) filter (where hour >= ${start}), 0)::bigint as now
       from (select hour, tool, n from call_tool_hours where ${mine}
         union all select hour, tool, 1 from ${tail} where ${mine}) c group by tool`,
      [agentId, days, hours],
    ),
  ]);
  const habitsOf = (recent: boolean, span: number): Habits => {
    const found = parts.rows.find((p) => p.recent === recent);
    const { calls, denied, risk, scored } = found ?? { calls: 0, denied: 0, risk: 0, scored: 0 };
    return {
      calls,
      calls_per_day: four(calls / span),
      deny_rate: calls ? four(denied / calls) : 0,
      avg_risk: scored ? four(risk / scored / 1_000_000) : 0,
    };
  };
  const [before, now] = [habitsOf(false, days), habitsOf(true, hours / 24)];
  const both = before.calls > 0 && now.calls > 0;
  const apart = tools.rows.reduce((n, t) => n + Math.abs(t.before / before.calls - t.now / now.calls), 0) / 2;
  const most = Math.max(before.calls_per_day, now.calls_per_day);
  const metrics = {
    risk_drift: both ? four(Math.abs(now.avg_risk - before.avg_risk)) : 0,
    deny_drift: both ? four(Math.abs(now.deny_rate - before.deny_rate)) : 0,
    volume_drift: before.calls ? four(Math.abs(now.calls_per_day - before.calls_per_day) / most) : 0,
    tool_drift: both ? four(Math.min(1, apart)) : 0,
  };
  const score = (Object.keys(weights) as (keyof typeof weights)[]).reduce((n, k) => n + weights[k] * metrics[k], 0);
  const drift_score = four(score);
  return { agent_id: agentId, drift_score, drift_level: levelOf(drift_score), baseline: before, recent: now, metrics };
}

const measures = ['deny_rate', 'avg_risk', 'call_volume'] as const;
type Stats = Record<(typeof measures)[number], number>;
type Quartiles = { p50: number; p75: number; p95: number };

/** The smallest value that so many of a hundred do not exceed; 0 of none. */
const at = (sorted: readonly number[], q: number): number => sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? 0;

/** One agent among the others that made calls in those days. */
export async function peersOf(
  tx: Read,
  { days, agentId }: Asked,
): Promise<{ peer_count: number; agent_stats: Stats; percentiles: Stats; references: Record<keyof Stats, Quartiles> }> {
  const rows = await counted<Stats & { agent_id: string }>(
    tx,
    `select agent_id, ${rate(sum.denied, sum.calls)} as deny_rate, ${sum.risk} as avg_risk, ${sum.calls} as call_volume
     from {days} where agent_id is not null group by agent_id`,
    { days, agentId: null },
  );
  const own = rows.find((r) => r.agent_id === agentId) ?? { deny_rate: 0, avg_risk: 0, call_volume: 0 };
  const peers = rows.filter((r) => r.agent_id !== agentId);
  const of = <T>(figure: (key: keyof Stats, sorted: readonly number[]) => T): Record<keyof Stats, T> => {
    const sorted = (key: keyof Stats): number[] => peers.map((p) => p[key]).sort((a, b) => a - b);
    return Object.fromEntries(measures.map((key) => [key, figure(key, sorted(key))])) as Record<keyof Stats, T>;
  };
  return {
    peer_count: peers.length,
    agent_stats: of((key) => own[key]),
    percentiles: of((key, sorted) =>
      sorted.length ? Number(((100 * sorted.filter((v) => v < own[key]).length) / sorted.length).toFixed(2)) : 0,
    ),
    references: of((_, sorted) => ({ p50: at(sorted, 0.5), p75: at(sorted, 0.75), p95: at(sorted, 0.95) })),
  };
}
