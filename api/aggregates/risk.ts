import { z } from 'zod';
import { agentDrift, peersOf } from '../../db/call-habits';
import { highRiskCalls, socTimeline } from '../../db/call-marks';
import { counted, sum } from '../../db/calls';
import { Instant, wholeOr } from '../contracts/shapes';
import { aggregate, count, date, dated, share } from './definition';

const numbers = (...keys: string[]) => z.object(Object.fromEntries(keys.map((k) => [k, z.number()])));
const habits = numbers('calls', 'calls_per_day', 'deny_rate', 'avg_risk');
const quartiles = numbers('p50', 'p75', 'p95');
const fraction = z.preprocess(
  (v) => (typeof v === 'string' && /^\d(\.\d{1,2})?$/.test(v) ? Number(v) : v),
  z.number().min(0.3).max(1).default(0.7),
);

export const riskAggregates = {
  auditRiskTrend: dated({
    path: '/audit/risk-trend/:id',
    summary: 'The mean risk of the calls of one agent, a day',
    of: 'agent',
    shape: {
      agent_id: z.uuid(),
      series: z.array(z.object({ date, avg_risk: share, deny_count: count, allow_count: count, total_count: count })),
      summary: numbers('avg_risk', 'peak_risk', 'total_count', 'deny_count', 'change').describe(
        'peak_risk: the highest mean of a day. change: the mean of the second half of the days less that of the first',
      ),
    },
    read: async (tx, asked) => {
      const rows = await counted<Record<'avg_risk' | 'deny_count' | 'allow_count' | 'total_count' | 'scored' | 'risk', number> & { date: string }>(
        tx,
        `select to_char(d.day, 'YYYY-MM-DD') as date, ${sum.risk} as avg_risk, ${sum.denied} as deny_count,
           ${sum.of('allow', 'allow_approved', 'redact', 'monitor')} as allow_count, ${sum.calls} as total_count,
           coalesce(sum(scored), 0)::bigint as scored, coalesce(sum(risk), 0)::bigint as risk
         from {series} left join {days} on c.day = d.day group by d.day order by d.day`,
        asked,
      ); // prettier-ignore
      const of = (part: typeof rows): number => {
        const [risk, scored] = [part.reduce((n, d) => n + d.risk, 0), part.reduce((n, d) => n + d.scored, 0)];
        return scored === 0 ? 0 : risk / scored / 1_000_000;
      };
      const half = Math.floor(rows.length / 2);
      return {
        agent_id: asked.agentId ?? '',
        series: rows,
        summary: {
          avg_risk: Number(of(rows).toFixed(4)),
          peak_risk: Math.max(0, ...rows.map((d) => d.avg_risk)),
          total_count: rows.reduce((n, d) => n + d.total_count, 0),
          deny_count: rows.reduce((n, d) => n + d.deny_count, 0),
          change: Number((of(rows.slice(half)) - of(rows.slice(0, half))).toFixed(4)),
        },
      };
    },
  }),
  auditRiskHistogram: dated({
    path: '/audit/risk-histogram',
    summary: 'How many calls have which risk',
    shape: {
      buckets: z
        .array(z.object({ bin: z.int(), low: share, high: share, count }))
        .describe('10 of them, each from `low` on and below `high`; the last one with 1.0'),
      total: count,
      bins: z.literal(10),
    },
    read: async (tx, asked) => {
      const buckets = await counted<{ bin: number; low: number; high: number; count: number }>(
        tx,
        `select b.bin, (b.bin / 10.0)::float8 as low, ((b.bin + 1) / 10.0)::float8 as high, coalesce(sum(k.n), 0)::bigint as count
         from generate_series(0, 9) b(bin) left join (select least(9, bin / 10) as tenth, n from {risks}) k on k.tenth = b.bin
         group by b.bin order by b.bin`,
        asked,
      );
      return { buckets, total: buckets.reduce((n, b) => n + b.count, 0), bins: 10 as const };
    },
  }),
  auditRiskPercentileTrend: dated({
    path: '/audit/risk-percentile-trend',
    summary: 'The risk that so many calls of a day do not exceed, rounded down to hundredths',
    shape: { series: z.array(z.object({ date, p50: share, p75: share, p95: share, scored_count: count })) },
    read: async (tx, asked) => {
      const at = (q: number): string =>
        `coalesce(min(bin) filter (where upto >= ceil(${q} * scored)), 0)::float8 / 100 as p${q * 100}`;
      return {
        series: await counted(
          tx,
          `select to_char(d.day, 'YYYY-MM-DD') as date, ${at(0.5)}, ${at(0.75)}, ${at(0.95)},
             coalesce(max(scored), 0)::bigint as scored_count
           from {series} left join (
             select day, bin, sum(sum(n)) over (partition by day order by bin) as upto, sum(sum(n)) over (partition by day) as scored
             from {risks} group by day, bin) k on k.day = d.day
           group by d.day order by d.day`,
          asked,
        ),
      };
    },
  }),
  auditHighRiskEvents: dated({
    path: '/audit/high-risk-events',
    summary: 'The calls of high risk, newest first',
    limit: 20,
    query: { threshold: fraction.describe('0.3 to 1') },
    shape: {
      events: z.array(
        z.object({
          id: z.uuid(),
          agent_id: z.uuid().nullable(),
          tool: z.string().nullable(),
          decision: z.string(),
          timestamp: Instant,
          risk_score: share,
          findings: z.array(z.string()).max(5),
        }),
      ),
      threshold: share,
    },
    read: async (tx, asked) => {
      const threshold = Number(asked.query['threshold']);
      return { events: await highRiskCalls(tx, asked, threshold, asked.limit), threshold };
    },
  }),
  auditSocTimeline: aggregate({
    path: '/audit/logs/soc-timeline',
    summary: 'The calls that somebody on duty should see, newest first',
    of: 'all',
    days: null,
    limit: 20,
    output: z.array(
      z.object({
        id: z.uuid(),
        type: z.enum(['agent_kill', 'escalation', 'policy_deny', 'high_risk']),
        severity: z.enum(['critical', 'high', 'medium']),
        agent_id: z.uuid().nullable(),
        timestamp: Instant,
        message: z.string(),
        tool: z.string().nullable(),
        decision: z.string(),
        risk_score: share.nullable(),
      }),
    ),
    read: (tx, { limit }) => socTimeline(tx, limit),
  }),
  auditDrift: aggregate({
    path: '/audit/drift/:id',
    summary: 'How far the last hours of one agent are from its days before',
    of: 'agent',
    days: null,
    query: { baseline_days: wholeOr(7, 1, 90), comparison_hours: wholeOr(24, 1, 168) },
    output: z.object({
      days: z.int().describe('Of the baseline'),
      computed_at: z.iso.datetime(),
      agent_id: z.uuid(),
      drift_score: share,
      drift_level: z.enum(['none', 'low', 'medium', 'high']),
      baseline: habits,
      recent: habits,
      metrics: z.object({ risk_drift: share, deny_drift: share, volume_drift: share, tool_drift: share }),
    }),
    read: async (tx, { agentId, query }) => {
      const days = Number(query['baseline_days']);
      const drift = await agentDrift(tx, agentId ?? '', days, Number(query['comparison_hours']));
      return { days, computed_at: new Date().toISOString(), ...drift };
    },
  }),
  auditPeerBenchmark: dated({
    path: '/audit/peer-benchmark/:id',
    summary: 'One agent among all that made calls',
    of: 'agent',
    shape: {
      agent_id: z.uuid(),
      peer_count: count,
      agent_stats: z.object({ deny_rate: share, avg_risk: share, call_volume: count }),
      percentiles: numbers('deny_rate', 'avg_risk', 'call_volume').describe('Of a hundred peers, how many have less'),
      references: z.object({ deny_rate: quartiles, avg_risk: quartiles, call_volume: quartiles }),
    },
    read: async (tx, asked) => ({ agent_id: asked.agentId ?? '', ...(await peersOf(tx, asked)) }),
  }),
};
