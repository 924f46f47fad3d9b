import { Counter } from './counter';
import type { Occurrence } from './occurrence';
import { excerpt } from './text';
import { count, type Timeline } from './timeline';
import type { Excerpt } from './types';

export interface Failure extends Excerpt {
  ms: number | null;
  eventsBefore: number;
}

/** What is counted for every line and every record, whatever it says. */
export class Totals {
  lines = 0;
  blank = 0;
  continuation = 0;
  unreadable = 0;
  damaged = 0;
  cut = 0;
  records = 0;
  timed = 0;
  events = 0;
  failingEvents = 0;
  failingLines = 0;
  warningEvents = 0;
  /** Events for whose template there was no room. */
  untoldEvents = 0;
  firstFailure: Failure | null = null;
  lastFailure: Failure | null = null;
  readonly formats = new Counter(16);
  readonly levels = new Counter(16);
  readonly hosts = new Counter(500);
  readonly processes = new Counter(500);

  constructor(readonly timeline: Timeline) {}

  fold(at: Occurrence): void {
    const { parsed, events, ms, failing } = at;
    const level = parsed.level ?? 'none';
    this.records += 1;
    this.formats.add(parsed.format);
    this.levels.add(level, events);
    if (parsed.host !== null) this.hosts.add(parsed.host.slice(0, 100), events);
    if (parsed.process !== null) this.processes.add(parsed.process.slice(0, 100), events);
    const bucket = ms === null ? null : this.timeline.add(ms, events, failing);
    if (ms !== null) this.timed += 1;
    if (failing) this.failure(at);
    else if (level === 'warning') this.warningEvents += events;
    this.template(at, level, bucket);
    this.events += events;
  }

  private failure({ line, text, ms, events }: Occurrence): void {
    this.failingEvents += events;
    this.failingLines += 1;
    const failure = { line, text, ms, eventsBefore: this.events };
    this.firstFailure ??= { ...failure, text: excerpt(text) };
    this.lastFailure = failure;
  }

  private template({ shape, events, ms, failing, message }: Occurrence, level: string, bucket: number | null): void {
    const { cluster } = shape;
    if (cluster === null) {
      this.untoldEvents += events;
      return;
    }
    if (cluster.lines === 0) cluster.eventsBefore = this.events;
    for (const { id } of shape.signals) cluster.signals.add(id);
    cluster.observe(message, events);
    cluster.events += events;
    cluster.lines += 1;
    if (failing) cluster.failing += events;
    cluster.span.extend(ms);
    cluster.levels.set(level, (cluster.levels.get(level) ?? 0) + events);
    if (bucket !== null) count(cluster.buckets, bucket, events);
  }
}
