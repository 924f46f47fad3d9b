import { callSummary, decisionSummary } from '../../../db/call-summary';
import { searchEntries } from '../../../db/log-search';
import type { decision } from '../../contracts/aegis/decision';
import type { Handlers } from '../../kernel';
import { auditRow } from './views';

const usual = { days: 30, agentId: null };
const calls = { agentId: null, action: 'execute_tool', decision: null, tool: null, from: null, to: null };

export const decisionHandlers: Handlers<typeof decision> = {
  decisionSummary: async (_, ctx) => {
    const { tiles, decided } = await ctx.read(async (tx) => {
      const [tiles, decided] = await Promise.all([callSummary(tx, usual), decisionSummary(tx, usual)]);
      return { tiles, decided };
    });
    const of = (...names: string[]): number => names.reduce((n, name) => n + (decided.counts[name] ?? 0), 0);
    return {
      threats_blocked: tiles.threats_blocked,
      high_risk_agents: tiles.high_risk_agents,
      total_requests: tiles.total_requests,
      metrics: decided.metrics,
      allow: of('allow', 'allow_approved', 'redact'),
      monitor: of('monitor'),
      throttle: of('throttle'),
      escalate: of('escalate'),
      deny: of('deny', 'block', 'kill'),
      kill: of('kill'),
    };
  },
  decisionHistory: async ({ query }, ctx) => {
    const { entries } = await ctx.read((tx) => searchEntries(tx, calls, query.limit, 0));
    return { items: entries.map(auditRow) };
  },
};
