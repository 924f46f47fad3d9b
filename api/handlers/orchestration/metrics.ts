import { paceOf, type Pace } from '../../../db/pace';
import type { pace } from '../../contracts/orchestration/metrics';
import type { Handlers } from '../../kernel';
import { percentOf } from './views';

const series = {
  task_completion_rate: (p: Pace) => percentOf(p.completed, p.ended),
  response_time: (p: Pace) => p.averageMs && Math.round(p.averageMs),
  error_rate: (p: Pace) => percentOf(p.failed, p.ended),
};
type Name = keyof typeof series;

export const paceHandlers: Handlers<typeof pace> = {
  workMetrics: async ({ query: { period, metric } }, ctx) => {
    const steps = await ctx.read((tx) => paceOf(tx, period));
    const told = (name: Name) =>
      steps.flatMap((p) => {
        const value = series[name](p);
        return value === null ? [] : [{ timestamp: p.at.toISOString(), value }];
      });
    const names = metric ? [metric] : (Object.keys(series) as Name[]);
    return { period, metrics: Object.fromEntries(names.map((name) => [name, told(name)])) };
  },
};
