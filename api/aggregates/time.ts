import { z } from 'zod';
import { counted, percent, sum } from '../../db/calls';
import { aggregate, count, date, dated, pct, share } from './definition';

const weekdays = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const;
const ofHour = `extract(hour from hour at time zone 'utc')::int`;
/** 0 is Monday. */
const ofWeek = `extract(isodow from hour at time zone 'utc')::int - 1`;

/** What is over all days of the same kind: a week of hours. */
const week = `select w.day, h.hour, coalesce(k.n, 0)::bigint as count,
    ${percent('coalesce(k.n, 0)', 'sum(k.n) over ()')} as pct
  from generate_series(0, 6) w(day) cross join generate_series(0, 23) h(hour)
  left join (select ${ofWeek} as day, ${ofHour} as hour, sum(n) as n from {hours} group by 1, 2) k
    on k.day = w.day and k.hour = h.hour
  order by w.day, h.hour`;
type Cell = { day: number; hour: number; count: number; pct: number };

export const timeAggregates = {
  auditTrends: aggregate({
    path: '/audit/trends',
    summary: 'Calls, refusals and mean risk a day',
    output: z.array(z.object({ date, count, threats: count, avg_risk: share })),
    read: (tx, asked) =>
      counted(
        tx,
        `select to_char(d.day, 'YYYY-MM-DD') as date, ${sum.calls} as count, ${sum.denied} as threats, ${sum.risk} as avg_risk
         from {series} left join {days} on c.day = d.day group by d.day order by d.day`,
        asked,
      ),
  }),
  auditHourlyActivity: dated({
    path: '/audit/hourly-activity',
    summary: 'Calls by hour of the day (UTC)',
    days: [7, 30],
    shape: {
      buckets: z.array(z.object({ hour: z.int(), count, deny_count: count, avg_risk: share })).describe('24 of them'),
    },
    read: async (tx, asked) => ({
      buckets: await counted(
        tx,
        `select h.hour, ${sum.calls} as count, coalesce(sum(denied), 0)::bigint as deny_count, ${sum.risk} as avg_risk
         from generate_series(0, 23) h(hour)
         left join (select ${ofHour} as of_hour, n, denied, scored, risk from {hours}) k on k.of_hour = h.hour
         group by h.hour order by h.hour`,
        asked,
      ),
    }),
  }),
  auditWeeklyHeatmap: dated({
    path: '/audit/weekly-heatmap',
    summary: 'Calls by day of the week and hour (UTC)',
    days: [28, 90],
    shape: {
      cells: z
        .array(z.object({ day: z.int(), day_label: z.enum(weekdays), hour: z.int(), count, pct }))
        .describe('168 of them'),
      max_count: count,
    },
    read: async (tx, asked) => {
      const cells = await counted<Cell>(tx, week, asked);
      return {
        cells: cells.map((c) => ({ ...c, day_label: weekdays[c.day] ?? 'Mon' })),
        max_count: Math.max(...cells.map((c) => c.count)),
      };
    },
  }),
  auditHeatmap: aggregate({
    path: '/audit/logs/heatmap',
    summary: 'Calls of the last seven days, by day of the week and hour (UTC)',
    days: null,
    output: z.object(Object.fromEntries(weekdays.map((day) => [day, z.array(count).length(24)]))),
    read: async (tx, asked) => {
      const cells = await counted<Cell>(tx, week, { ...asked, days: 7 });
      return Object.fromEntries(
        weekdays.map((label, day) => [label, cells.filter((c) => c.day === day).map((c) => c.count)]),
      );
    },
  }),
};
