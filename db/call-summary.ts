import { counted, risky, sum, type Asked } from './calls';
import type { Read } from './tx';

/** The tiles of the audit and the risk page. A threat is a call that was refused. */
export interface CallSummary {
  total_calls: number;
  total_denials: number;
  active_agents_count: number;
  most_used_tool: string | null;
  total_requests: number;
  blocked_requests: number;
  allowed_requests: number;
  avg_risk_score: number;
  requests_by_hour: { hour: number; count: number }[];
  risk_distribution: { critical: number; high: number; medium: number; low: number };
  threats_blocked: number;
  /** Agents with a call of high risk or worse. */
  high_risk_agents: number;
  metadata: {
    top_risky_agents: { agent_id: string; avg_risk: number; calls: number; denied: number }[];
    anomaly_trends: { date: string; count: number }[];
  };
}

const bin = (risk: number): number => risk / 10_000;
const distribution = Object.entries({ ...risky, low: 0 })
  .map(([name, from], i, all) => {
    const below = i === 0 ? '' : ` and bin < ${bin(all[i - 1]?.[1] ?? 0)}`;
    return `coalesce(sum(n) filter (where bin >= ${bin(from)}${below}), 0)::bigint as ${name}`;
  })
  .join(', ');
const passed = sum.of('allow', 'allow_approved', 'redact', 'monitor');

/** Of the days that are asked for; `metadata` has the five agents of the highest mean risk, and what was anomalous a day. */
export async function callSummary(tx: Read, asked: Asked): Promise<CallSummary> {
  const [cells, hours, risks, anomalies] = await Promise.all([
    // All of them, each tool's and each agent's: the cells are read once.
    counted<{ of: 'all' | 'tool' | 'agent'; agent_id: string | null; tool: string | null; calls: number; denied: number; passed: number; agents: number; risk: number }>(
      tx,
      `select case when grouping(tool) = 0 then 'tool' when grouping(agent_id) = 0 then 'agent' else 'all' end as of, agent_id, tool,
         ${sum.calls} as calls, ${sum.denied} as denied, ${passed} as passed, count(distinct agent_id)::int as agents, ${sum.risk} as risk
       from {days} group by grouping sets ((), (tool), (agent_id)) order by sum(n) desc, agent_id, tool`,
      asked,
    ),
    counted<{ hour: number; count: number }>(
      tx,
      `select h.hour, coalesce(sum(k.n), 0)::bigint as count from generate_series(0, 23) h(hour)
       left join (select extract(hour from hour at time zone 'utc')::int as of_hour, n from {hours}) k on k.of_hour = h.hour
       group by h.hour order by h.hour`,
      asked,
    ),
    counted<CallSummary['risk_distribution'] & { agents: number }>(
      tx,
      `select ${distribution}, count(distinct agent_id) filter (where bin >= 70)::int as agents from {risks}`,
      asked,
    ),
    counted<{ date: string; count: number }>(
      tx,
      `select to_char(d.day, 'YYYY-MM-DD') as date, coalesce(sum(n), 0)::bigint as count
       from {series} left join {words} on c.day = d.day and c.kind = 'finding' and c.word = 'anomalous_behavior_detected'
       group by d.day order by d.day`,
      asked,
    ),
  ]); // prettier-ignore
  const none = { calls: 0, denied: 0, passed: 0, agents: 0, risk: 0 };
  const all = cells.find((c) => c.of === 'all') ?? none;
  const riskiest = cells
    .flatMap(({ of, agent_id, risk, calls, denied }) =>
      of === 'agent' && agent_id !== null ? [{ agent_id, avg_risk: risk, calls, denied }] : [],
    )
    .sort((a, b) => b.avg_risk - a.avg_risk || b.calls - a.calls)
    .slice(0, 5);
  const { agents: high, ...spread } = risks[0] ?? { critical: 0, high: 0, medium: 0, low: 0, agents: 0 };
  return {
    total_calls: all.calls,
    total_denials: all.denied,
    active_agents_count: all.agents,
    most_used_tool: cells.find((c) => c.of === 'tool' && c.tool !== null)?.tool ?? null,
    total_requests: all.calls,
    blocked_requests: all.denied,
    allowed_requests: all.passed,
    avg_risk_score: all.risk,
    requests_by_hour: hours,
    risk_distribution: spread,
    threats_blocked: all.denied,
    high_risk_agents: high,
    metadata: { top_risky_agents: riskiest, anomaly_trends: anomalies },
  };
}

/** The agents that were refused most in those days, the worst first. */
export const refusedMost = (
  tx: Read,
  asked: Asked,
  limit: number,
): Promise<{ agent_id: string; threat_count: number; avg_risk_score: number }[]> =>
  counted(
    tx,
    `select agent_id, ${sum.denied} as threat_count, ${sum.risk} as avg_risk_score from {days}
     where agent_id is not null group by agent_id having ${sum.denied} > 0 order by 2 desc, 3 desc, agent_id limit $3`,
    asked,
    [limit],
  );

/** How many calls were decided how, and the mean risk of each day, 0..100. */
export async function decisionSummary(
  tx: Read,
  asked: Asked,
): Promise<{ counts: Record<string, number>; metrics: { time: string; score: number }[] }> {
  const [decided, metrics] = await Promise.all([
    counted<{ decision: string; n: number }>(
      tx,
      `select decision, ${sum.calls} as n from {days} group by decision`,
      asked,
    ),
    counted<{ time: string; score: number }>(
      tx,
      `select to_char(d.day, 'YYYY-MM-DD"T00:00:00Z"') as time, round(100 * ${sum.risk})::int as score
       from {series} left join {days} on c.day = d.day group by d.day order by d.day`,
      asked,
    ),
  ]);
  return { counts: Object.fromEntries(decided.map((d) => [d.decision, d.n])), metrics };
}
