import { z } from 'zod';
import { anyone } from '../../domain/transactions/amounts';
import type { BackTest, Condition, ConditionFeature } from '../../domain/transactions/conditions';
import { looks } from '../../domain/transactions/windows';

export const BackTestSchema = z.object({
  payments: z.int(),
  disputed: z.int(),
  flagged: z.int(),
  flagged_disputed: z.int(),
}) satisfies z.ZodType<BackTest>;

/** Where payments are, with `disputed_at`; and where those that were disputed are found by customer and terminal. */
export interface Relations {
  payments: string;
  disputed: string;
}

const days = (n: number): string => `t.occurred_at - interval '${n * 24} hours'`;

/** Each feature as the tools have it, of the payment `t`: what it needs, and how it is said. */
const features: Record<ConditionFeature, { value: string; from?: (r: Relations) => string }> = {
  amount: { value: 't.amount::float8' },
  times_usual: {
    value: `t.amount::float8 / ((coalesce(u.mean, 0) * u.n + ${anyone.mean * anyone.payments}) / (u.n + ${anyone.payments}))`,
    from: ({ payments }) => `cross join lateral (
      select avg(h.amount) filter (where h.habit)::float8 as mean,
        case when count(*) filter (where h.habit) = 0 then 0 else count(*) end as n
      from (select amount, disputed_at is null or disputed_at > t.occurred_at as habit from ${payments} s
        where customer_id = t.customer_id and occurred_at >= ${days(looks.customer.days)} and occurred_at < t.occurred_at
        order by occurred_at desc limit ${looks.customer.most}) h) u`,
  },
  terminal_disputes: { value: 'td.n', from: (r) => counted(r, 'td', 'terminal_id', looks.terminal.days) },
  customer_disputes: { value: 'cd.n', from: (r) => counted(r, 'cd', 'customer_id', looks.customer.days) },
};

const counted = ({ disputed }: Relations, name: string, key: string, back: number): string =>
  `cross join lateral (
    select count(*) as n from ${disputed} s
    where ${key} = t.${key} and occurred_at >= ${days(back)} and occurred_at < t.occurred_at and disputed_at <= t.occurred_at) ${name}`;

/** One statement: $1 since, $2 before, $3 most, then the values of the conditions in their order. */
export function backTestOf(relations: Relations, conditions: readonly Condition[]): string {
  const used = [...new Set(conditions.map((c) => c.feature))];
  const flagged =
    conditions.map((c, i) => `${features[c.feature].value} >= $${i + 4}::float8`).join(' and ') || 'false';
  return `select count(*)::int as payments, count(*) filter (where disputed)::int as disputed,
      count(*) filter (where flagged)::int as flagged, count(*) filter (where flagged and disputed)::int as flagged_disputed
    from (select t.disputed_at is not null as disputed, ${flagged} as flagged
      from (select * from ${relations.payments} s where occurred_at >= $1 and occurred_at < $2
        order by occurred_at desc limit $3) t
      ${used.map((f) => features[f].from?.(relations) ?? '').join(' ')}) looked`;
}
