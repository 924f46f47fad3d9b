import { z } from 'zod';
import { pacePeriods, type PacePeriod } from '../../../domain/pace';
import { operation } from '../../operation';
import { Instant } from '../shapes';

const Series = z.array(z.object({ timestamp: Instant.describe('When the step began'), value: z.number() }));
const Figures = z.object({
  task_completion_rate: Series.describe('Completed, of the tasks that ended, in percent'),
  response_time: Series.describe('Of a task from its beginning to its end, in ms, the mean'),
  error_rate: Series.describe('Failed, of the tasks that ended, in percent'),
});

export const pace = {
  workMetrics: operation({
    route: 'GET /v1/metrics',
    tag: 'System Monitoring',
    summary: 'How tasks ended, as time series: of an hour by five minutes, a day by hours, a week by six hours, a month by days',
    access: 'agents:read',
    query: z.object({
      period: z.enum(Object.keys(pacePeriods) as [PacePeriod, ...PacePeriod[]]).default('24h'),
      metric: Figures.keyof().optional().describe('Only this one'),
    }),
    output: z.object({ period: z.enum(Object.keys(pacePeriods) as [PacePeriod, ...PacePeriod[]]), metrics: Figures.partial() }),
  }),
}; // prettier-ignore
