import type { Aggregate } from './definition';
import { decisionAggregates } from './decisions';
import { riskAggregates } from './risk';
import { timeAggregates } from './time';
import { toolAggregates } from './tools';

/** The aggregates of the audit door: contracts and handlers follow from it. */
export const aggregates: Readonly<Record<string, Aggregate>> = {
  ...timeAggregates,
  ...decisionAggregates,
  ...toolAggregates,
  ...riskAggregates,
};
