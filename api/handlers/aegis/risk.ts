import { callSummary, refusedMost } from '../../../db/call-summary';
import { setWeights, weightsOf } from '../../../db/risk-weights';
import { Invalid } from '../../../domain/errors';
import { mergeWeights, riskComponents, riskLabels, weightsFrom, type RiskWeights } from '../../../domain/risk';
import { answerTo } from '../../aggregates/definition';
import { timeAggregates } from '../../aggregates/time';
import type { risk } from '../../contracts/aegis/risk';
import type { Handlers } from '../../kernel';

const view = (weights: RiskWeights) => ({
  weights,
  signals: riskComponents.map((key) => ({ key, label: riskLabels[key], weight: weights[key] })),
});

const usual = { days: 30, agentId: null };

export const riskHandlers: Handlers<typeof risk> = {
  riskSummary: (_, ctx) => ctx.read((tx) => callSummary(tx, usual)),
  riskTimeline: ({ query }, ctx) => ctx.read((tx) => answerTo(timeAggregates.auditTrends, tx, null, query)),
  topThreats: ({ query }, ctx) => ctx.read((tx) => refusedMost(tx, usual, query.limit)),
  getSignalWeights: async (_, ctx) => view(weightsFrom(await ctx.read(weightsOf))),
  setSignalWeights: ({ body }, ctx) =>
    ctx.write(async (tx) => {
      const before = weightsFrom(await weightsOf(tx, true));
      const { weights, sum } = mergeWeights(before, body.weights);
      if (weights === null) {
        throw new Invalid(`weights: together they make ${sum.toFixed(3)}, and must make 1 (give or take 0.001)`, {
          field: 'weights',
        });
      }
      if (riskComponents.every((c) => weights[c] === before[c])) return view(before);
      await setWeights(tx, weights, ctx.actor);
      tx.log({
        kind: 'risk_weights.changed',
        actor: ctx.actor,
        subject: { kind: 'policy', id: ctx.tenantId },
        body: { before, weights },
      });
      return view(weights);
    }),
};
