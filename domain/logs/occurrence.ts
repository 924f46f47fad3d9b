import { isFailure, isHarmless } from './levels';
import type { Parsed } from './line';
import type { Shape } from './shapes';
import { HTTP_NOT_FOUND, HTTP_REFUSED, HTTP_SERVER_ERROR } from './signals';
import type { SignalRule } from './signals';

/** One record as everything that counts sees it. */
export interface Occurrence {
  parsed: Parsed;
  /** The first line of the message. */
  message: string;
  shape: Shape;
  signals: readonly SignalRule[];
  failing: boolean;
  addresses: readonly string[];
  ms: number | null;
  /** More than one where the logger folded repetitions. */
  events: number;
  line: number;
  /** The line as it was read. */
  text: string;
}

const STATUS = /\bstatus[:=] ?"?(\d{3})\b/;

/** The status of an HTTP answer, from its field or from `"GET /x HTTP/1.1" status: 404`; 0 when there is none. */
export function httpStatus(parsed: Parsed, message: string): number {
  if (parsed.status !== null) return parsed.status;
  return message.includes('HTTP/') ? Number(STATUS.exec(message)?.[1] ?? 0) : 0;
}

function httpSignal(status: number): SignalRule | null {
  if (status >= 500) return HTTP_SERVER_ERROR;
  if (status === 401 || status === 403) return HTTP_REFUSED;
  return status === 404 ? HTTP_NOT_FOUND : null;
}

/** What a record says, and whether it speaks of trouble: by its level, by a known signal, or by its words alone. */
export function judge(
  parsed: Parsed,
  message: string,
  shape: Shape,
): { signals: readonly SignalRule[]; failing: boolean } {
  const harmless = isHarmless(parsed.level);
  let { signals } = shape;
  if (harmless && signals.some((rule) => rule.weak)) signals = signals.filter((rule) => !rule.weak);
  const http = httpSignal(httpStatus(parsed, message));
  if (http !== null) signals = [...signals, http];
  const bySignal = signals.some((rule) => rule.failing);
  const byWords = parsed.level === null && shape.vocabulary;
  return { signals, failing: isFailure(parsed.level) || bySignal || byWords };
}
