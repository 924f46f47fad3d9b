import { z } from 'zod';
import { timeAggregates } from '../../aggregates/time';
import { riskComponents, type RiskComponent } from '../../../domain/risk';
import { operation } from '../../operation';
import { wholeOr } from '../shapes';
import { CallSummaryView } from './audit';

const tag = 'risk';

const Share = z.number().min(0).max(1);
const perComponent = <T extends z.ZodType>(of: T) =>
  z.object(Object.fromEntries(riskComponents.map((c) => [c, of])) as Record<RiskComponent, T>);

const Weights = z.object({
  weights: perComponent(Share).describe('What each component counts in the risk of a call; together 1'),
  signals: z.array(z.object({ key: z.enum(riskComponents), label: z.string(), weight: Share })),
});

export const risk = {
  riskSummary: operation({
    route: 'GET /risk/summary',
    tag,
    summary: 'The tiles of the last 30 days, as /audit/logs/summary has them',
    access: 'audit:read',
    output: CallSummaryView,
  }),
  riskTimeline: operation({
    route: 'GET /risk/timeline',
    tag,
    summary: 'Calls, refusals and mean risk a day',
    access: 'audit:read',
    query: timeAggregates.auditTrends.query,
    output: timeAggregates.auditTrends.output,
  }),
  topThreats: operation({
    route: 'GET /risk/top-threats',
    tag,
    summary: 'The agents that were refused most in the last 30 days',
    access: 'audit:read',
    query: z.object({ limit: wholeOr(20, 1, 100) }),
    output: z.array(z.object({ agent_id: z.uuid(), threat_count: z.int(), avg_risk_score: Share })),
  }),
  getSignalWeights: operation({
    route: 'GET /risk/signal-weights',
    tag,
    summary: 'What each component counts in the risk of a call',
    access: 'audit:read',
    output: Weights,
  }),
  setSignalWeights: operation({
    route: 'PUT /risk/signal-weights',
    tag,
    summary: 'Change what components count, from the next call on; those left out stay, and together they must make 1',
    access: 'risk:write',
    body: z.object({
      weights: perComponent(Share)
        .partial()
        .describe('0 to 1 each; together with those left out 1, give or take 0.001'),
    }),
    output: Weights,
  }),
};
