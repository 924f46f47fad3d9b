import { fromEpoch, readClf, readCtime, readIso, readKlog, readSyslog } from './clock';
import type { Stamp } from './clock';
import { levelOf, levelOfPriority } from './levels';
import { readJson, readLogfmt } from './structured';
import type { Level } from './types';

/** One line, taken apart. What a format does not carry is null. */
export interface Parsed {
  format: string;
  stamp: Stamp | null;
  level: Level | null;
  host: string | null;
  process: string | null;
  message: string;
  /** Named outside of the message: the client of an access log, the `ip` of a JSON line. */
  addresses: string[];
  user: string | null;
  /** Of HTTP. */
  status: number | null;
}

export type LineParser = (line: string) => Parsed | null;

/** Every field in one place and one order: objects of one shape are what makes this fast. */
function record(format: string, stamp: Stamp | null, level: Level | null, message: string): Parsed {
  return { format, stamp, level, host: null, process: null, message, addresses: [], user: null, status: null };
}

const PRIORITY = /^<(\d{1,3})>(?:1 )?/;
const AFTER_SYSLOG_TIME = / (\S+) (?:([^\s:[\]]{1,64})(?:\[\d+\])?: ?)?/y;
const RFC5424 = /^ (\S+) (\S+) (\S+) (\S+) (?:-|\[.*?[^\\]\])(?: |$)/;

/** RFC 3164 and its relatives, and RFC 5424 after its priority. */
function syslog(line: string): Parsed | null {
  const priority = line.startsWith('<') ? PRIORITY.exec(line) : null;
  const body = priority === null ? line : line.slice(priority[0].length);
  const level = priority === null ? null : levelOfPriority(Number(priority[1]));
  if (priority?.[0].endsWith(' ')) return newSyslog(body, level);
  const time = readSyslog(body);
  if (time === null) return null;
  AFTER_SYSLOG_TIME.lastIndex = time.length;
  const after = AFTER_SYSLOG_TIME.exec(body);
  if (after === null) return null;
  const made = record('syslog', time.stamp, level, body.slice(AFTER_SYSLOG_TIME.lastIndex));
  made.host = after[1] ?? null;
  made.process = after[2] ?? null;
  return made;
}

function newSyslog(body: string, level: Level | null): Parsed | null {
  const time = readIso(body);
  const after = time && RFC5424.exec(body.slice(time.length));
  if (!time || !after) return null;
  const message = body.slice(time.length + after[0].length).replace(/^\uFEFF/, '');
  const made = record('syslog', time.stamp, level, message);
  made.host = after[1] ?? null;
  made.process = after[2] === '-' ? null : (after[2] ?? null);
  return made;
}

const APACHE = /^\[(?:([\w.]*):)?(\w+)\] (?:\[pid (\d+)(?::tid \d+)?\] )?(?:\[client ([^\]\s]+)\] )?/;

/** The error log of Apache, 2.0 to 2.4. */
function apache(line: string): Parsed | null {
  if (!line.startsWith('[')) return null;
  const time = readCtime(line.slice(1, 40));
  if (time === null || line[time.length + 1] !== ']') return null;
  const rest = line.slice(time.length + 3);
  const after = APACHE.exec(rest);
  const level = after && levelOf(after[2] ?? '');
  if (!after || !level) return record('apache error', time.stamp, null, rest);
  const made = record('apache error', time.stamp, level, rest.slice(after[0].length));
  made.process = after[1] || null;
  if (after[4] !== undefined) made.addresses.push(withoutPort(after[4]));
  return made;
}

const withoutPort = (client: string): string =>
  client.replace(/^((?:\d+\.){3}\d+|\[.*\]):\d+$/, '$1').replace(/^\[|\]$/g, '');

const ACCESS = /^(\S+) \S+ (\S+) \[([^\]]+)\] "([^"]*)" (\d{3}) (\S+)/;

/** Common and combined log format: the access logs of Apache, nginx and many more. */
function access(line: string): Parsed | null {
  const p = ACCESS.exec(line);
  const time = p && readClf(p[3] ?? '');
  if (!p || !time) return null;
  const status = Number(p[5]);
  const level: Level = status >= 500 ? 'error' : status >= 400 ? 'warning' : 'info';
  const target = (p[4] ?? '').split(' ').slice(0, 2).join(' ').split('?')[0] ?? '';
  const message = `${target} -> ${status}`;
  const made = record('access log', time.stamp, level, message);
  made.addresses.push(p[1] ?? '');
  made.user = p[2] === '-' ? null : (p[2] ?? null);
  made.status = status;
  return made;
}

const LETTERS: Record<string, Level> = { I: 'info', W: 'warning', E: 'error', F: 'critical', D: 'debug' };
const AFTER_KLOG = /^\s+\d+ ([\w.-]+):\d+\] /;

/** `E0102 15:04:05.123456 1234 file.go:12] message`: Kubernetes and other users of klog. */
function klog(line: string): Parsed | null {
  const level = LETTERS[line[0] ?? ''];
  const time = level === undefined ? null : readKlog(line.slice(1, 24));
  const after = time && AFTER_KLOG.exec(line.slice(1 + time.length));
  if (!level || !time || !after) return null;
  const message = line.slice(1 + time.length + after[0].length);
  const made = record('klog', time.stamp, level, message);
  made.process = after[1] ?? null;
  return made;
}

const EPOCH = /^\[?(\d{10}(?:\.\d{1,9})?|\d{13}|\d{16}|\d{19})\]?[\s:,]+/;

function epoch(line: string): Parsed | null {
  const p = EPOCH.exec(line);
  const stamp = p && fromEpoch(Number(p[1]));
  return p && stamp && afterTime('epoch', stamp, line.slice(p[0].length));
}

const ISO_WITHIN = /\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d/;
const DIGIT = /^\d/;
const AFTER_ISO = /^[\])"'|,:\s]+/;

/** Any application log with an ISO-like time at its beginning, or behind one or two names of a file or a container. */
function iso(line: string): Parsed | null {
  // A priority is another format's business.
  if (line.startsWith('<')) return null;
  const first = DIGIT.test(line) ? readIso(line) : null;
  const start = first === null ? line.slice(0, 120).search(ISO_WITHIN) : 0;
  const time = first ?? (start < 0 ? null : readIso(line.slice(start, start + 48)));
  if (
    time === null ||
    (start > 0 &&
      line
        .slice(0, start)
        .trim()
        .split(/[\s|]+/).length > 2)
  )
    return null;
  const rest = line.slice(start + time.length).replace(AFTER_ISO, '');
  const slashed = line[start + 4] === '/' ? nginx(time.stamp, rest) : null;
  return slashed ?? afterTime('iso time', time.stamp, rest);
}

const NGINX = /^\[(\w+)\] \d+#\d+: (?:\*\d+ )?/;

function nginx(stamp: Stamp, rest: string): Parsed | null {
  const p = NGINX.exec(rest);
  const level = p && levelOf(p[1] ?? '');
  return p && level ? record('nginx error', stamp, level, rest.slice(p[0].length)) : null;
}

const WORD = /(?:\[([^\]]{0,120})\]|(\S+))\s*/y;
const LOGGER = /^[A-Za-z_$][\w$-]*(?:\.[\w$[\]-]+)+:?$/;
const SKIPPED = /^(?:\d{1,7}|[-:|]+)$/;

/** After the time of an application log: level, thread, process id and logger, in whatever order, then the message. */
function afterTime(format: string, stamp: Stamp, rest: string): Parsed {
  const made = record(format, stamp, null, rest);
  let at = 0;
  for (let i = 0; i < 7; i++) {
    WORD.lastIndex = at;
    const p = WORD.exec(rest);
    if (p === null) break;
    const bracketed = p[1] !== undefined;
    const word = (p[1] ?? p[2] ?? '').trim();
    const bare = word.endsWith(':') ? word.slice(0, -1) : word;
    const named: Level | null = made.level === null ? levelOf(bare) : null;
    if (named !== null) made.level = named;
    else if (made.process === null && !bracketed && LOGGER.test(word)) made.process = bare;
    else if (bracketed ? word === '' || word.includes(': ') : !SKIPPED.test(word)) break;
    at += p[0].length;
  }
  // What looked like a preamble was all there is: it is the message.
  if (at < rest.length) made.message = rest.slice(at);
  return made;
}

const LEVELLED = /^\[?(TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|SEVERE|CRIT(?:ICAL)?|FATAL|ALERT|EMERG)\]?[:\s]\s*/i;

/** A line with a level at its start and no time, or nothing that is known. */
export function plain(line: string): Parsed {
  const p = LEVELLED.exec(line);
  const level = p && levelOf(p[1] ?? '');
  return record('plain', null, level, p && level ? line.slice(p[0].length) : line);
}

const json: LineParser = (line) => {
  const fields = readJson(line);
  return fields && { format: 'json', ...fields };
};
const logfmt: LineParser = (line) => {
  const fields = readLogfmt(line);
  return fields && { format: 'logfmt', ...fields };
};

/** In the order in which they are tried: the strictest first. */
export const parsers: readonly LineParser[] = [json, apache, access, klog, epoch, logfmt, syslog, iso];
