import type { CalendarSpec } from '@temporalio/client';
import { CronExpressionParser, type CronExpression } from 'cron-parser';

// When an agent runs by itself: five fields as cron has always read them, taken apart into what Temporal calls calendars.

/** One of the five: `*`, values and ranges, each with a step if wanted, by number or by English name. */
const value = String.raw`(\d{1,2}|[A-Za-z]{3})`;
const part = String.raw`(\*|${value}(-${value})?)(/\d{1,2})?`;
const field = String.raw`${part}(,${part})*`;
const shape = new RegExp(String.raw`^(@(yearly|annually|monthly|weekly|daily|hourly)|${field}(\s+${field}){4})$`);

export const cronShape = 'five fields (minute, hour, day of month, month, day of week) as in `30 8 * * MON-FRI`';

/** @throws Error saying what is wrong with it */
function parse(expression: string): CronExpression {
  if (!shape.test(expression)) throw new Error(`not a cron expression: ${cronShape}`);
  return CronExpressionParser.parse(expression, { tz: 'UTC' });
}

/** What is wrong with it; null when nothing is. */
export function cronFault(expression: string): string | null {
  try {
    parse(expression);
    return null;
  } catch (e) {
    return e instanceof Error ? e.message : String(e);
  }
}

const months = [
  'JANUARY', 'FEBRUARY', 'MARCH', 'APRIL', 'MAY', 'JUNE', 'JULY', 'AUGUST', 'SEPTEMBER', 'OCTOBER', 'NOVEMBER', 'DECEMBER',
] as const; // prettier-ignore
const days = ['SUNDAY', 'MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY'] as const;

const numbers = (values: readonly (number | string)[]): number[] => values.map(Number);

/**
 * The times of the expression, which is any of these. Cron takes a day when either of its two fields has it, unless one of
 * them is `*`; a calendar of Temporal asks for both. @throws Error saying what is wrong with it
 */
export function calendarsOf(expression: string): CalendarSpec[] {
  const { minute, hour, dayOfMonth, month, dayOfWeek } = parse(expression).fields;
  const time = {
    minute: numbers(minute.values),
    hour: numbers(hour.values),
    month: numbers(month.values).map((m) => months[m - 1] ?? 'JANUARY'),
    comment: expression,
  };
  const ofMonth = { ...time, dayOfMonth: numbers(dayOfMonth.values) };
  const ofWeek = { ...time, dayOfWeek: [...new Set(numbers(dayOfWeek.values).map((d) => days[d % 7] ?? 'SUNDAY'))] };
  if (dayOfWeek.isWildcard) return [ofMonth];
  return dayOfMonth.isWildcard ? [ofWeek] : [ofMonth, ofWeek];
}
