import { z } from 'zod';
import { counted, rate, sum } from '../../db/calls';
import { micros } from '../../db/instant';
import { count, date, dated, share } from './definition';

const tool = z.string().nullable();
const used = z.object({ tool, total_calls: count, denied_calls: count, deny_rate: share, avg_risk: share });
const byTool = `select tool, ${sum.calls} as total_calls, ${sum.denied} as denied_calls, ${rate(sum.denied, sum.calls)} as deny_rate,
    ${sum.risk} as avg_risk, (count(*) over ())::int as tools, (sum(sum(n)) over ())::bigint as calls
  from {days} group by tool order by sum(n) desc, tool limit $3`;
type Used = z.infer<typeof used> & { tools: number; calls: number };

export const toolAggregates = {
  auditToolBreakdown: dated({
    path: '/audit/tool-breakdown',
    summary: 'Calls by tool, most used first',
    limit: 20,
    shape: { tools: z.array(used), total_tools: count },
    read: async (tx, asked) => {
      const rows = await counted<Used>(tx, byTool, asked, [asked.limit]);
      return { tools: rows, total_tools: rows[0]?.tools ?? 0 };
    },
  }),
  auditToolRisk: dated({
    path: '/audit/tool-risk',
    summary: 'Tools by the mean risk of their calls, highest first',
    limit: 20,
    shape: {
      tools: z.array(
        z.object({ tool, calls: count, deny_count: count, deny_rate: share, avg_risk: share, agent_count: count }),
      ),
    },
    read: async (tx, asked) => ({
      tools: await counted(
        tx,
        `select tool, ${sum.calls} as calls, ${sum.denied} as deny_count, ${rate(sum.denied, sum.calls)} as deny_rate,
           ${sum.risk} as avg_risk, count(distinct agent_id)::int as agent_count
         from {days} group by tool order by 5 desc, 2 desc, tool limit $3`,
        asked,
        [asked.limit],
      ),
    }),
  }),
  auditToolUsage: dated({
    path: '/audit/tool-usage/:id',
    summary: 'The tools of one agent, most used first',
    of: 'agent',
    limit: 20,
    shape: { agent_id: z.uuid(), tools: z.array(used), total_calls: count },
    read: async (tx, asked) => {
      const rows = await counted<Used>(tx, byTool, asked, [asked.limit]);
      return { agent_id: asked.agentId ?? '', tools: rows, total_calls: rows[0]?.calls ?? 0 };
    },
  }),
  auditAgentActivity: dated({
    path: '/audit/agent-activity',
    summary: 'Agents by the number of their calls',
    limit: 20,
    shape: {
      agents: z.array(
        z.object({
          agent_id: z.uuid().nullable(),
          first_seen: z.iso.datetime({ offset: true }),
          last_seen: z.iso.datetime({ offset: true }),
          total_calls: count,
          deny_count: count,
          deny_rate: share,
          avg_risk: share,
        }),
      ),
      total: count.describe('Agents with a call'),
    },
    read: async (tx, asked) => {
      const rows = await counted<{
        agent_id: string | null; first_seen: string; last_seen: string; total_calls: number; deny_count: number;
        deny_rate: number; avg_risk: number; agents: number;
      }>(
        tx,
        `select agent_id, ${micros('min(first_at)')} as first_seen, ${micros('max(last_at)')} as last_seen, ${sum.calls} as total_calls,
           ${sum.denied} as deny_count, ${rate(sum.denied, sum.calls)} as deny_rate, ${sum.risk} as avg_risk,
           (count(*) over ())::int as agents
         from {days} group by agent_id order by sum(n) desc, agent_id limit $3`,
        asked,
        [asked.limit],
      ); // prettier-ignore
      return { agents: rows, total: rows[0]?.agents ?? 0 };
    },
  }),
  auditDailyActiveAgents: dated({
    path: '/audit/daily-active-agents',
    summary: 'How many agents made calls, a day',
    shape: { series: z.array(z.object({ date, active_agents: count, total_calls: count })), peak_agents: count },
    read: async (tx, asked) => {
      const series = await counted<{ date: string; active_agents: number; total_calls: number }>(
        tx,
        `select to_char(d.day, 'YYYY-MM-DD') as date, count(distinct agent_id)::int as active_agents, ${sum.calls} as total_calls
         from {series} left join {days} on c.day = d.day group by d.day order by d.day`,
        asked,
      );
      return { series, peak_agents: Math.max(0, ...series.map((d) => d.active_agents)) };
    },
  }),
};
