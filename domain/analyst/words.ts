import type { LogTime, ValueCount, Values } from '../logs/types';

/** `1 line`, `539 lines`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** `state 6 (369), state 7 (101) and 3 more`. */
export function listed(values: readonly ValueCount[], limit: number, distinct = values.length, prefix = ''): string {
  const shown = values.slice(0, limit).map(({ value, count }) => `${prefix}${value} (${count})`);
  const more = distinct - shown.length;
  return shown.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

export function listedValues(values: Values, limit: number, prefix = ''): string {
  return listed(values.top, limit, values.distinct, prefix);
}

/** `, between 2005-12-04T04:47:44 and …`; nothing when the log carries no times. */
export function between(first: LogTime, last: LogTime): string {
  if (first === null || last === null) return '';
  return first === last ? `, at ${first}` : `, between ${first} and ${last}`;
}

/** `539 times`, and where repetitions were folded `532 times (on 524 lines)`. */
export function times(events: number, lines: number): string {
  return counted(events, 'time') + (events === lines ? '' : ` (on ${counted(lines, 'line')})`);
}

export function percent(share: number): string {
  return share > 0 && share < 0.01 ? 'less than 1 %' : `${Math.round(share * 100)} %`;
}

/** Of a text that others wrote: one line, at most `max` characters. */
export function quoted(text: string, max = 200): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return `“${line.length > max ? `${line.slice(0, max).toWellFormed()}…` : line}”`;
}
