import { Book } from './book';
import { findBursts } from './bursts';
import { showTime } from './clock';
import type { Parsed } from './line';
import { Masker } from './mask';
import { judge } from './occurrence';
import { Reader } from './reader';
import { errorsOf, profileOf, templatesOf } from './results';
import { exceptionIn, LOOKED_AT, Shapes, signalsIn } from './shapes';
import { excerpt, isUnreadable, mostlyText, withoutEscapes } from './text';
import { Timeline } from './timeline';
import { Totals } from './totals';
import type { LogProfile, LogReport, LogTime } from './types';

export interface LogAnalysisOptions {
  /** Templates beyond this many are not told apart; their events are counted. */
  maxTemplates: number;
  /** Characters of a line that are read. */
  maxLineLength: number;
}

export const defaultOptions: LogAnalysisOptions = { maxTemplates: 1000, maxLineLength: 8192 };

const REPEATED = /^message repeated (\d{1,7}) times: \[ ?(.*?)\]?$/;
const LAST_REPEATED = /^last message repeated (\d{1,7}) times?$/;

/**
 * Mines a log in one pass and bounded memory: feed it the lines in order, then ask for the report. It knows nothing
 * about where the lines come from, and claims nothing that they do not hold.
 */
export class LogAnalysis {
  private readonly options: LogAnalysisOptions;
  private readonly reader = new Reader();
  private readonly shapes: Shapes;
  private readonly totals: Totals;
  private readonly masker = new Masker();
  private readonly book = new Book();
  private previous: { parsed: Parsed; ms: number | null } | null = null;

  constructor(options: Partial<LogAnalysisOptions> = {}) {
    this.options = { ...defaultOptions, ...options };
    this.shapes = new Shapes(this.options.maxTemplates);
    this.totals = new Totals(new Timeline(() => this.shapes.drain.clusters));
  }

  /** One line without its end. `cut` says that only the beginning of it was given. */
  add(line: string, cut = false): void {
    this.totals.lines += 1;
    const text = this.clean(line, cut);
    if (text === null) return;
    const reading = this.reader.read(text);
    if (reading.kind === 'record') this.record(reading.parsed, reading.ms, text);
    else this.continuation(text);
  }

  /** `file` is what is known about the file itself. */
  finish(file: Partial<Pick<LogProfile, 'encoding' | 'bytes'>> = {}): LogReport {
    const { totals } = this;
    const show = (ms: number): LogTime => showTime(ms, this.reader.zoned, this.reader.dated);
    const { clusters } = this.shapes.drain;
    const { timeline, events, firstFailure } = totals;
    return {
      profile: profileOf(totals, clusters.length, file, show),
      templates: templatesOf(clusters, show),
      errors: errorsOf(totals, clusters, this.book.report(show), show),
      bursts: findBursts({ timeline, clusters, events, firstFailure, show }),
      sources: this.book.sources.report(show),
    };
  }

  private clean(line: string, cut: boolean): string | null {
    const { maxLineLength } = this.options;
    const kept = line.length > maxLineLength ? line.slice(0, maxLineLength) : line;
    if (cut || kept.length < line.length) this.totals.cut += 1;
    const text = withoutEscapes(kept).trimEnd();
    if (text === '') {
      this.totals.blank += 1;
      return null;
    }
    if (!isUnreadable(text)) return text;
    if (mostlyText(text)) {
      this.totals.damaged += 1;
      return text;
    }
    this.totals.unreadable += 1;
    return null;
  }

  private record(parsed: Parsed, ms: number | null, text: string): void {
    const last = this.previous === null ? null : LAST_REPEATED.exec(parsed.message);
    if (last !== null && this.previous !== null) {
      this.occurrence(this.previous.parsed, ms, text, Number(last[1]));
      return;
    }
    const folded = REPEATED.exec(parsed.message);
    const inner = folded === null ? parsed : { ...parsed, message: folded[2] ?? '' };
    this.previous = { parsed: inner, ms };
    this.occurrence(inner, ms, text, folded === null ? 1 : Number(folded[1]));
  }

  private occurrence(parsed: Parsed, ms: number | null, text: string, events: number): void {
    const end = parsed.message.indexOf('\n');
    const message = end < 0 ? parsed.message : parsed.message.slice(0, end);
    const addresses = parsed.addresses.slice();
    const masked = this.masker.mask(message, addresses);
    const { lines: line } = this.totals;
    const shape = this.shapes.of(parsed.process, masked, () => ({ line, text: excerpt(text) }));
    const { signals, failing } = judge(parsed, message, shape);
    const at = { parsed, message, shape, signals, failing, addresses, ms, events, line, text };
    this.totals.fold(at);
    this.book.note(at);
  }

  /** Frames of a stack say nothing new; the exceptions and causes between them do. */
  private continuation(text: string): void {
    this.totals.continuation += 1;
    if (/^\s/.test(text)) return;
    const head = text.slice(0, LOOKED_AT);
    const signals = signalsIn(this.masker.mask(head, []));
    this.book.cause(text, exceptionIn(head), signals, this.previous?.ms ?? null, this.totals.lines);
  }
}
