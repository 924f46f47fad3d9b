import type { CalendarSpec } from '@temporalio/client';

// When an agent runs by itself: five fields as cron has always read them, taken apart into what Temporal calls calendars.

const months = [
  'JANUARY', 'FEBRUARY', 'MARCH', 'APRIL', 'MAY', 'JUNE', 'JULY', 'AUGUST', 'SEPTEMBER', 'OCTOBER', 'NOVEMBER', 'DECEMBER',
] as const; // prettier-ignore
const days = ['SUNDAY', 'MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY'] as const;
const short = (names: readonly string[]): string[] => names.map((name) => name.slice(0, 3));

interface Field {
  name: string;
  min: number;
  max: number;
  /** What `min` and those after it are called, too. */
  names: readonly string[];
}
const fields = [
  { name: 'minute', min: 0, max: 59, names: [] },
  { name: 'hour', min: 0, max: 23, names: [] },
  { name: 'day of month', min: 1, max: 31, names: [] },
  { name: 'month', min: 1, max: 12, names: short(months) },
  { name: 'day of week', min: 0, max: 7, names: short(days) }, // 7 is Sunday as well
] as const satisfies readonly Field[];

const nicknames = new Map([
  ['@yearly', '0 0 1 1 *'],
  ['@annually', '0 0 1 1 *'],
  ['@monthly', '0 0 1 * *'],
  ['@weekly', '0 0 * * 0'],
  ['@daily', '0 0 * * *'],
  ['@hourly', '0 * * * *'],
]);

export const cronShape = `five fields (${fields.map((f) => f.name).join(', ')}) as in \`30 8 * * MON-FRI\`, or one of ${[...nicknames.keys()].join(', ')}`;

/** @throws Error naming the field and what it may have */
function valueOf(field: Field, word: string): number {
  const { name, min, max, names } = field;
  const named = names.indexOf(word.toUpperCase());
  const value = named >= 0 ? min + named : /^\d{1,2}$/.test(word) ? Number(word) : NaN;
  if (value >= min && value <= max) return value;
  const right = `a number from ${min} to ${max}${names.length ? ` or a name from ${names[0]} to ${names.at(-1)}` : ''}`;
  throw new Error(`${name}: ${word || 'nothing'} is not ${right}`);
}

/** The values that a field has, in order: `*`, values and ranges, each with a step if wanted. @throws Error */
function valuesOf(field: Field, text: string): number[] {
  const values = text.split(',').flatMap((part) => {
    const [, range = '', step] = /^([^/]*)(?:\/(\d{1,2}))?$/.exec(part) ?? [];
    if (range === '' || step === '0' || step === '00')
      throw new Error(`${field.name}: ${part || 'nothing'} is not *, a value or a range, with a step from 1 on if wanted, as in 8-18/2`);
    const [low = '', high] = range.split(/-(.*)/s);
    const from = range === '*' ? field.min : valueOf(field, low);
    // The week's last day is also its first: a range may end with it.
    const last = high === undefined ? null : /^sun$/i.test(high) ? 7 : valueOf(field, high);
    const to = last ?? (range === '*' || step !== undefined ? field.max : from);
    if (to < from) throw new Error(`${field.name}: the range ${range} ends before it begins`);
    const by = Number(step ?? 1);
    return Array.from({ length: Math.floor((to - from) / by) + 1 }, (_, i) => from + i * by);
  });
  return [...new Set(values)].sort((a, b) => a - b);
} // prettier-ignore

const longest = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** @throws Error saying what is wrong with it */
function parse(expression: string) {
  const texts = (nicknames.get(expression) ?? expression).split(/\s+/);
  const seconds = texts.length === 6 ? ', without seconds' : '';
  if (texts.length !== fields.length || /^@/.test(expression) !== nicknames.has(expression))
    throw new Error(`is not ${cronShape}${seconds}`);
  const [minute, hour, dayOfMonth, month, dayOfWeek] = fields.map((field, i) => ({
    every: /^\*(\/0?1)?$/.test(texts[i] ?? ''),
    values: valuesOf(field, texts[i] ?? ''),
  })) as [Values, Values, Values, Values, Values];
  const comes = month.values.some((m) => dayOfMonth.values.some((d) => d <= (longest[m - 1] ?? 0)));
  if (dayOfWeek.every && !comes) throw new Error('day of month: no month that is named has such a day');
  return { minute, hour, dayOfMonth, month, dayOfWeek };
}
interface Values {
  every: boolean;
  values: number[];
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

/**
 * The times of the expression, which is any of these. Cron takes a day when either of its two fields has it, unless one of
 * them is `*`; a calendar of Temporal asks for both. @throws Error saying what is wrong with it
 */
export function calendarsOf(expression: string): CalendarSpec[] {
  const { minute, hour, dayOfMonth, month, dayOfWeek } = parse(expression);
  const time = {
    minute: minute.values,
    hour: hour.values,
    month: month.values.map((m) => months[m - 1] ?? 'JANUARY'),
    comment: expression,
  };
  const ofMonth = { ...time, dayOfMonth: dayOfMonth.values };
  const ofWeek = { ...time, dayOfWeek: [...new Set(dayOfWeek.values.map((d) => days[d % 7] ?? 'SUNDAY'))] };
  if (dayOfWeek.every) return [ofMonth];
  return dayOfMonth.every ? [ofWeek] : [ofMonth, ofWeek];
}
