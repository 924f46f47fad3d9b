import { agentDrift } from './call-habits';
import { counted, rate, sum, type Asked } from './calls';
import type { Read } from './tx';

export interface AgentProfile {
  agent_id: string;
  total_decisions: number;
  allowed: number;
  blocked: number;
  block_rate: number;
  avg_risk_score: number;
  /** Of the last seven days, this one last. */
  risk_trend: number[];
  top_tools: { tool: string; count: number }[];
  last_active: string | null;
  behavioral_drift: number;
  anomaly_score: number;
}

const days = 30;
const trendDays = 7;
const mostTools = 5;
const iso = `to_char(max(last_at) at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')`;

/** What an agent did in the last thirty days. */
export async function agentProfile(tx: Read, agentId: string): Promise<AgentProfile> {
  const asked: Asked = { days, agentId };
  const [totals, trend, tools, drift] = await Promise.all([
    counted<{ calls: number; denied: number; passed: number; block_rate: number; risk: number; last_active: string | null }>(
      tx,
      `select ${sum.calls} as calls, ${sum.denied} as denied, ${sum.of('allow', 'allow_approved', 'redact', 'monitor')} as passed,
         ${rate(sum.denied, sum.calls)} as block_rate, ${sum.risk} as risk, ${iso} as last_active from {days}`,
      asked,
    ),
    counted<{ risk: number }>(
      tx,
      `select ${sum.risk} as risk from {series} left join {days} on c.day = d.day group by d.day order by d.day`,
      { days: trendDays, agentId },
    ),
    counted<{ tool: string; count: number }>(
      tx,
      `select tool, ${sum.calls} as count from {days} where tool is not null group by tool order by count desc, tool limit ${mostTools}`,
      asked,
    ),
    agentDrift(tx, agentId, trendDays, 24),
  ]); // prettier-ignore
  const [of] = totals;
  return {
    agent_id: agentId,
    total_decisions: of?.calls ?? 0,
    allowed: of?.passed ?? 0,
    blocked: of?.denied ?? 0,
    block_rate: of?.block_rate ?? 0,
    avg_risk_score: of?.risk ?? 0,
    risk_trend: trend.map((t) => t.risk),
    top_tools: tools,
    last_active: of?.last_active ?? null,
    behavioral_drift: drift.drift_score,
    anomaly_score: Math.min(1, Math.max(...Object.values(drift.metrics))),
  };
}
