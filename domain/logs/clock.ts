/**
 * Times of log lines. A time is kept in milliseconds on the log's own clock; what the log does not say about it (its
 * zone, its year) is kept beside it, so that nothing is claimed that is not there.
 */
export interface Stamp {
  ms: number;
  /** The log names a zone; `ms` is then UTC. */
  zoned: boolean;
  /** The log names a year; else `ms` is in a nominal year. */
  dated: boolean;
}

const DAY = 86_400_000;
/** Leap, so that February 29 exists in logs that name no year. */
const NOMINAL_YEAR = 2000;
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

const ISO =
  /^(\d{4})[-/](\d\d)[-/](\d\d)[T _](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s?(Z(?![a-z])|UTC|GMT|[+-]\d\d:?\d\d(?![\d:]))?/i;
const CLF = /^(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d):(\d\d):(\d\d)(?: ([+-]\d{4}))?/;
const SYSLOG = /^([A-Z][a-z]{2}) {1,2}(\d{1,2}) (?:(\d{4}) )?(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?/;
const CTIME =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))? (\d{4})/;
const KLOG = /^(\d\d)(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?/;

export interface Read {
  stamp: Stamp;
  /** How many characters the time took. */
  length: number;
}

function build(
  y: number | null,
  month: number,
  day: string,
  h: string,
  m: string,
  s: string | undefined,
  fraction: string | undefined,
  zone: string | undefined,
): Stamp | null {
  const d = Number(day);
  const millis = fraction === undefined ? 0 : Number(fraction.slice(0, 3).padEnd(3, '0'));
  if (month < 0 || month > 11 || d < 1 || d > 31 || Number(h) > 23 || Number(m) > 59 || Number(s ?? 0) > 60)
    return null;
  const ms = Date.UTC(y ?? NOMINAL_YEAR, month, d, Number(h), Number(m), Number(s ?? 0), millis);
  return { ms: ms - offset(zone), zoned: zone !== undefined, dated: y !== null };
}

/** Of `+02:00`, `-0530`, `Z`: milliseconds to take off for UTC. */
function offset(zone: string | undefined): number {
  const parts = zone === undefined ? null : /^([+-])(\d\d):?(\d\d)$/.exec(zone);
  if (parts === null) return 0;
  const minutes = Number(parts[2]) * 60 + Number(parts[3]);
  return (parts[1] === '-' ? -minutes : minutes) * 60_000;
}

const month = (name: string): number => MONTHS.indexOf(name.toLowerCase());

/** `2024-01-02T15:04:05.123Z`, `2024-01-02 15:04:05,123`, `2024/01/02 15:04:05`. */
export function readIso(text: string): Read | null {
  const p = ISO.exec(text);
  if (p === null) return null;
  const stamp = build(Number(p[1]), Number(p[2]) - 1, p[3] ?? '', p[4] ?? '', p[5] ?? '', p[6], p[7], p[8]);
  return stamp && { stamp, length: p[0].length };
}

/** `10/Oct/2000:13:55:36 -0700`, the access logs of web servers. */
export function readClf(text: string): Read | null {
  const p = CLF.exec(text);
  if (p === null) return null;
  const stamp = build(Number(p[3]), month(p[2] ?? ''), p[1] ?? '', p[4] ?? '', p[5] ?? '', p[6], undefined, p[7]);
  return stamp && { stamp, length: p[0].length };
}

/** `Jun 14 15:16:01`, and with a year `Jun 14 2024 15:16:01`. */
export function readSyslog(text: string): Read | null {
  const p = SYSLOG.exec(text);
  if (p === null) return null;
  const year = p[3] === undefined ? null : Number(p[3]);
  const stamp = build(year, month(p[1] ?? ''), p[2] ?? '', p[4] ?? '', p[5] ?? '', p[6], p[7], undefined);
  return stamp && { stamp, length: p[0].length };
}

/** `Sun Dec 04 04:47:44 2005`. */
export function readCtime(text: string): Read | null {
  const p = CTIME.exec(text);
  if (p === null) return null;
  const stamp = build(Number(p[7]), month(p[1] ?? ''), p[2] ?? '', p[3] ?? '', p[4] ?? '', p[5], p[6], undefined);
  return stamp && { stamp, length: p[0].length };
}

/** `0102 15:04:05.123456` after the level letter of klog. */
export function readKlog(text: string): Read | null {
  const p = KLOG.exec(text);
  if (p === null) return null;
  const stamp = build(null, Number(p[1]) - 1, p[2] ?? '', p[3] ?? '', p[4] ?? '', p[5], p[6], undefined);
  return stamp && { stamp, length: p[0].length };
}

/** Seconds (with or without a fraction), milliseconds, microseconds or nanoseconds since 1970, from 2001 to 2096. */
export function fromEpoch(value: number): Stamp | null {
  for (const unit of [1000, 1, 1e-3, 1e-6]) {
    const ms = value * unit;
    if (ms >= 1e12 && ms < 4e12) return { ms: Math.floor(ms), zoned: true, dated: true };
  }
  return null;
}

/** A log without years that goes on into January jumps back by most of a year: count the years. */
export class YearTurn {
  private years = 0;
  private previous: number | null = null;

  follow(stamp: Stamp): number {
    if (stamp.dated) return stamp.ms;
    let ms = this.shift(stamp.ms);
    if (this.previous !== null && this.previous - ms > 180 * DAY) {
      this.years += 1;
      ms = this.shift(stamp.ms);
    }
    this.previous = ms;
    return ms;
  }

  private shift(ms: number): number {
    if (this.years === 0) return ms;
    const date = new Date(ms);
    return date.setUTCFullYear(NOMINAL_YEAR + this.years);
  }
}

/** The time as a report shows it; see `LogTime`. */
export function showTime(ms: number, zoned: boolean, dated: boolean): string {
  const iso = new Date(ms).toISOString();
  const seconds = iso.endsWith('.000Z') ? iso.slice(0, 19) : iso.slice(0, 23);
  return (dated ? seconds : seconds.slice(5)) + (zoned ? 'Z' : '');
}
