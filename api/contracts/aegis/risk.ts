import { z } from 'zod';
import { riskComponents, type RiskComponent } from '../../../domain/risk';
import { operation } from '../../operation';

const tag = 'risk';

const Share = z.number().min(0).max(1);
const perComponent = <T extends z.ZodType>(of: T) =>
  z.object(Object.fromEntries(riskComponents.map((c) => [c, of])) as Record<RiskComponent, T>);

const Weights = z.object({
  weights: perComponent(Share).describe('What each component counts in the risk of a call; together 1'),
  signals: z.array(z.object({ key: z.enum(riskComponents), label: z.string(), weight: Share })),
});

export const risk = {
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
