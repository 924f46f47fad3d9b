import { z } from 'zod';
import { counted, percent, rate, sum } from '../../db/calls';
import { count, date, dated, pct, share } from './definition';

const day = `to_char(d.day, 'YYYY-MM-DD') as date`;
const byDay = 'from {series} left join {days} on c.day = d.day group by d.day order by d.day';
const escalated = sum.of('escalate');
/** Of days on which there were calls. */
const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : Number((values.reduce((a, b) => a + b, 0) / values.length).toFixed(4));

const word = (name: 'finding' | 'reason'): string =>
  `select word as ${name}, sum(n)::bigint as count, ${percent('sum(n)', 'sum(sum(n)) over ()')} as pct,
     (sum(sum(n)) over ())::bigint as total
   from {words} where kind = '${name}' group by word order by sum(n) desc, word limit $3`;
type Counted = { count: number; pct: number; total: number };

export const decisionAggregates = {
  auditDecisionTrend: dated({
    path: '/audit/decision-trend',
    summary: 'What was decided about calls, a day',
    shape: {
      series: z.array(z.object({ date, allow: count, deny: count, escalate: count, monitor: count, kill: count })),
    },
    read: async (tx, asked) => ({
      series: await counted(
        tx,
        `select ${day}, ${sum.of('allow', 'allow_approved', 'redact')} as allow, ${sum.of('deny', 'block')} as deny,
           ${escalated} as escalate, ${sum.of('monitor')} as monitor, ${sum.of('kill')} as kill ${byDay}`,
        asked,
      ),
    }),
  }),
  auditEscalationRateTrend: dated({
    path: '/audit/escalation-rate-trend',
    summary: 'The share of calls that people were asked about, a day',
    shape: {
      series: z.array(z.object({ date, total: count, escalate_count: count, escalation_rate: share })),
      avg_rate: share,
      peak_rate: share,
    },
    read: async (tx, asked) => {
      const series = await counted<{ date: string; total: number; escalate_count: number; escalation_rate: number }>(
        tx,
        `select ${day}, ${sum.calls} as total, ${escalated} as escalate_count, ${rate(escalated, sum.calls)} as escalation_rate ${byDay}`,
        asked,
      );
      const rates = series.filter((d) => d.total > 0).map((d) => d.escalation_rate);
      return { series, avg_rate: mean(rates), peak_rate: Math.max(0, ...rates) };
    },
  }),
  auditPostureScoreTrend: dated({
    path: '/audit/posture-score-trend',
    summary: 'Of a hundred calls, how many did not have to be refused, a day',
    shape: {
      series: z.array(z.object({ date, total: count, allow_count: count, deny_count: count, posture_score: pct })),
      avg_score: pct,
    },
    read: async (tx, asked) => {
      const passed = sum.of('allow', 'allow_approved', 'redact', 'monitor');
      const series = await counted<{
        date: string;
        total: number;
        allow_count: number;
        deny_count: number;
        posture_score: number;
      }>(
        tx,
        `select ${day}, ${sum.calls} as total, ${passed} as allow_count, ${sum.denied} as deny_count,
           ${percent(`${sum.calls} - ${sum.denied}`, sum.calls)} as posture_score ${byDay}`,
        asked,
      );
      return { series, avg_score: mean(series.filter((d) => d.total > 0).map((d) => d.posture_score)) };
    },
  }),
  auditDenyReasons: dated({
    path: '/audit/deny-reasons',
    summary: 'Why calls were refused, most often first',
    limit: 20,
    shape: { reasons: z.array(z.object({ reason: z.string(), count, pct })), total_denied: count },
    read: async (tx, asked) => {
      const rows = await counted<Counted & { reason: string }>(tx, word('reason'), asked, [asked.limit]);
      return { reasons: rows.map(({ total: _, ...row }) => row), total_denied: rows[0]?.total ?? 0 };
    },
  }),
  auditTopFindings: dated({
    path: '/audit/top-findings',
    summary: 'What was found in calls, most often first',
    limit: 15,
    shape: {
      findings: z.array(z.object({ finding: z.string(), count })),
      total_events: count.describe('Calls that were looked at'),
    },
    read: async (tx, asked) => {
      const [rows, calls] = await Promise.all([
        counted<Counted & { finding: string }>(tx, word('finding'), asked, [asked.limit]),
        counted<{ n: number }>(tx, `select ${sum.calls} as n from {days}`, asked),
      ]);
      return {
        findings: rows.map(({ finding, count }) => ({ finding, count })),
        total_events: calls[0]?.n ?? 0,
      };
    },
  }),
  auditFindingBreakdown: dated({
    path: '/audit/finding-breakdown',
    summary: 'The share of each finding in all of them',
    limit: 20,
    shape: { findings: z.array(z.object({ finding: z.string(), count, pct })), total: count },
    read: async (tx, asked) => {
      const rows = await counted<Counted & { finding: string }>(tx, word('finding'), asked, [asked.limit]);
      return { findings: rows.map(({ total: _, ...row }) => row), total: rows[0]?.total ?? 0 };
    },
  }),
  auditAgentFindings: dated({
    path: '/audit/agent-findings/:id',
    summary: 'What was found in the calls of one agent',
    of: 'agent',
    limit: 20,
    shape: { agent_id: z.uuid(), findings: z.array(z.object({ finding: z.string(), count, pct })), total: count },
    read: async (tx, asked) => {
      const rows = await counted<Counted & { finding: string }>(tx, word('finding'), asked, [asked.limit]);
      return {
        agent_id: asked.agentId ?? '',
        findings: rows.map(({ total: _, ...row }) => row),
        total: rows[0]?.total ?? 0,
      };
    },
  }),
  auditAgentDailyDecisions: dated({
    path: '/audit/agent-daily-decisions/:id',
    summary: 'What was decided about the calls of one agent, a day',
    of: 'agent',
    shape: {
      agent_id: z.uuid(),
      series: z.array(z.object({ date, total: count, allow: count, deny: count })),
      total_calls: count,
      total_deny: count,
    },
    read: async (tx, asked) => {
      const series = await counted<{ date: string; total: number; allow: number; deny: number }>(
        tx,
        `select ${day}, ${sum.calls} as total, ${sum.of('allow', 'allow_approved', 'redact', 'monitor')} as allow,
           ${sum.denied} as deny ${byDay}`,
        asked,
      );
      const all = (key: 'total' | 'deny'): number => series.reduce((n, d) => n + d[key], 0);
      return { agent_id: asked.agentId ?? '', series, total_calls: all('total'), total_deny: all('deny') };
    },
  }),
};
