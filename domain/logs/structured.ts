import { fromEpoch, readIso } from './clock';
import type { Stamp } from './clock';
import { levelOf, levelOfNumber } from './levels';
import type { Level } from './types';

/** What a structured line tells, whatever its logger calls it. */
interface Fields {
  stamp: Stamp | null;
  level: Level | null;
  host: string | null;
  process: string | null;
  message: string;
  addresses: string[];
  user: string | null;
  status: number | null;
}

const KEYS = {
  time: ['time', 'timestamp', '@timestamp', 'ts', 'datetime', 'date', 't', 'asctime', 'eventTime'],
  level: ['level', 'severity', 'lvl', 'levelname', 'log.level', 'loglevel', 'priority'],
  message: ['msg', 'message', 'event', 'log', 'text', 'body', 'description'],
  error: ['error', 'err', 'exception', 'error.message', 'exc_info', 'stack'],
  host: ['host', 'hostname', 'host.name', 'node', 'instance'],
  process: ['logger', 'service', 'app', 'component', 'module', 'program', 'caller', 'name', 'service.name'],
  address: [
    'ip',
    'client_ip',
    'clientip',
    'client',
    'remote_addr',
    'remote_ip',
    'src_ip',
    'source_ip',
    'srcip',
    'rhost',
  ],
  user: ['user', 'username', 'user_name', 'login', 'srcuser', 'dstuser'],
  status: ['status', 'status_code', 'statusCode', 'http_status', 'response_code'],
} as const;

type Record_ = Record<string, unknown>;
const isRecord = (value: unknown): value is Record_ =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function text(value: unknown): string | null {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (!isRecord(value)) return null;
  // An error as an object: its class and what it says.
  const parts = [value['type'] ?? value['name'] ?? value['class'], value['message'] ?? value['msg']];
  return parts.filter((part) => typeof part === 'string' && part !== '').join(': ') || null;
}

function pick(record: Record_, keys: readonly string[]): unknown {
  for (const key of keys) {
    const value = Object.hasOwn(record, key) ? record[key] : null;
    if (value !== null && value !== undefined && value !== '') return value;
  }
  return null;
}

const shown = (record: Record_, keys: readonly string[]): string | null => text(pick(record, keys));

function stampOf(value: unknown): Stamp | null {
  if (typeof value === 'number') return fromEpoch(value);
  if (typeof value !== 'string') return null;
  return readIso(value)?.stamp ?? (/^\d{10,19}(\.\d+)?$/.test(value) ? fromEpoch(Number(value)) : null);
}

/** Without a message the scalars themselves are the message. */
function scalars(record: Record_): string {
  const skip = new Set<string>([...KEYS.time, ...KEYS.level]);
  const parts = Object.entries(record).flatMap(([key, value]) => {
    const shownValue = text(value);
    return skip.has(key) || shownValue === null ? [] : [`${key}=${shownValue}`];
  });
  return parts.slice(0, 12).join(' ');
}

function fieldsOf(record: Record_): Fields {
  const level = pick(record, KEYS.level);
  const status = Number(shown(record, KEYS.status) ?? Number.NaN);
  const message = shown(record, KEYS.message);
  const error = shown(record, KEYS.error);
  const address = shown(record, KEYS.address);
  return {
    stamp: stampOf(pick(record, KEYS.time)),
    level: typeof level === 'number' ? levelOfNumber(level) : levelOf(text(level) ?? ''),
    host: shown(record, KEYS.host),
    process: shown(record, KEYS.process),
    message: [message ?? (error === null ? scalars(record) : null), error === message ? null : error]
      .filter((part) => part !== null)
      .join(': '),
    addresses: address === null ? [] : [address],
    user: shown(record, KEYS.user),
    status: Number.isInteger(status) && status >= 100 && status <= 599 ? status : null,
  };
}

/** A line that is one JSON object. */
export function readJson(line: string): Fields | null {
  const start = line[0] === '{' ? 0 : -1;
  if (start < 0 || !line.trimEnd().endsWith('}')) return null;
  try {
    const value: unknown = JSON.parse(line);
    return isRecord(value) ? fieldsOf(value) : null;
  } catch {
    // Not JSON after all, which the next parser finds out by itself.
    return null;
  }
}

const PAIR = /(?<![\w.@-])([A-Za-z_@][\w.@-]*)=(?:"((?:[^"\\]|\\.)*)"|(\S*))/g;

/** `ts=… level=… msg="…"`: pairs from the first character on, a time or a level among them. */
export function readLogfmt(line: string): Fields | null {
  if (!/^[A-Za-z_@][\w.@-]*=/.test(line)) return null;
  const record: Record_ = {};
  for (const p of line.matchAll(PAIR)) record[p[1] ?? ''] = p[2]?.replace(/\\(.)/g, '$1') ?? p[3] ?? '';
  const known = pick(record, KEYS.time) !== null || pick(record, KEYS.level) !== null;
  return known ? fieldsOf(record) : null;
}
