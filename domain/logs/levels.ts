import type { Level } from './types';

/** Every spelling that loggers use, lightest first. */
const SPELLINGS: [Level, string][] = [
  ['trace', 'trace finest finer verbose'],
  ['debug', 'debug dbug dbg fine config'],
  ['info', 'info information informational inf log audit'],
  ['notice', 'notice'],
  ['warning', 'warn warning wrn'],
  ['error', 'error err eror severe fail'],
  ['critical', 'critical crit fatal alert emerg emergency panic ftl'],
];

const NAMES = new Map(SPELLINGS.flatMap(([level, words]) => words.split(' ').map((word) => [word, level] as const)));
const RANK = new Map(SPELLINGS.map(([level], rank) => [level, rank]));
const rank = (level: Level): number => RANK.get(level) ?? 0;

/** The level that a word names; null when it names none. */
export function levelOf(word: string): Level | null {
  return word.length > 13 ? null : (NAMES.get(word.toLowerCase()) ?? null);
}

/** pino and bunyan count in tens, from trace (10) to fatal (60). */
export function levelOfNumber(value: number): Level | null {
  const tens: Level[] = ['trace', 'debug', 'info', 'warning', 'error', 'critical'];
  return tens[Math.floor(value / 10) - 1] ?? null;
}

/** The severity in a syslog priority `<13>`. */
export function levelOfPriority(priority: number): Level | null {
  const severities: Level[] = ['critical', 'critical', 'critical', 'error', 'warning', 'notice', 'info', 'debug'];
  return severities[priority % 8] ?? null;
}

export function isFailure(level: Level | null): boolean {
  return level !== null && rank(level) >= rank('error');
}

/** The record says of itself that it is no trouble. */
export function isHarmless(level: Level | null): boolean {
  return level !== null && rank(level) <= rank('notice');
}
