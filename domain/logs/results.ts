import type { Cluster } from './drain';
import { excerpt, round } from './text';
import type { Failure, Totals } from './totals';
import type { Excerpt, LogErrors, LogProfile, LogTime, SignalReport, Template } from './types';

const TEMPLATES_REPORTED = 200;
const FAILING_REPORTED = 30;

type Show = (ms: number) => LogTime;

export function profileOf(totals: Totals, templates: number, file: Partial<LogProfile>, show: Show): LogProfile {
  const { timeline } = totals;
  const { first, last } = timeline;
  return {
    encoding: file.encoding ?? 'utf-8',
    bytes: file.bytes ?? null,
    lines: totals.lines,
    blankLines: totals.blank,
    continuationLines: totals.continuation,
    unreadableLines: totals.unreadable,
    damagedLines: totals.damaged,
    cutLines: totals.cut,
    records: totals.records,
    events: totals.events,
    timedRecords: totals.timed,
    first: first === null ? null : show(first),
    last: last === null ? null : show(last),
    spanSeconds: first === null || last === null ? null : round((last - first) / 1000),
    outOfOrder: timeline.outOfOrder,
    formats: totals.formats.values(8).top,
    levels: totals.levels.values(8).top,
    hosts: totals.hosts.values(12),
    processes: totals.processes.values(12),
    templates,
    cuts: cutsOf(totals),
  };
}

const few = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;

function cutsOf(totals: Totals): string[] {
  const untimed = totals.records - totals.timed;
  const all: [number, string][] = [
    [
      totals.cut,
      `${few(totals.cut, 'line is', 'lines are')} longer than what is read of a line; the rest of it was not looked at.`,
    ],
    [totals.unreadable, `${few(totals.unreadable, 'line is', 'lines are')} no text and not part of the analysis.`],
    [totals.damaged, `${few(totals.damaged, 'line holds', 'lines hold')} bytes that could not be decoded.`],
    [
      totals.untoldEvents,
      `More kinds of lines than are told apart; ${few(totals.untoldEvents, 'event belongs', 'events belong')} to no template.`,
    ],
    [
      totals.timed > 0 ? untimed : 0,
      `${few(untimed, 'record carries', 'records carry')} no time that could be read; rates leave them out.`,
    ],
  ];
  return all.filter(([count]) => count > 0).map(([, text]) => text);
}

/** Failing templates first where they would fall off the end, then by how often they occur. */
export function templatesOf(clusters: readonly Cluster[], show: Show): Template[] {
  const byEvents = [...clusters].sort((a, b) => b.events - a.events || a.id - b.id);
  const failing = byEvents.filter((cluster) => cluster.failing > 0).slice(0, TEMPLATES_REPORTED / 2);
  const kept = new Set([...failing, ...byEvents].slice(0, TEMPLATES_REPORTED));
  return byEvents.filter((cluster) => kept.has(cluster)).map((cluster) => templateOf(cluster, show));
}

function templateOf(cluster: Cluster, show: Show): Template {
  const { id, process, text, events, lines, example } = cluster;
  const levels = [...cluster.levels].map(([value, count]) => ({ value, count })).sort((a, b) => b.count - a.count);
  return {
    id,
    process,
    text: excerpt(text, 400),
    events,
    lines,
    failing: cluster.failing > 0,
    levels,
    signals: [...cluster.signals].sort(),
    first: cluster.span.first === null ? null : show(cluster.span.first),
    last: cluster.span.last === null ? null : show(cluster.span.last),
    example,
    parameters: cluster.parameters.map(({ position, values }) => ({
      word: excerpt(cluster.words[position] ?? '', 80),
      position,
      values: values.values(8),
    })),
  };
}

export function errorsOf(totals: Totals, clusters: readonly Cluster[], signals: SignalReport[], show: Show): LogErrors {
  const { failingEvents, failingLines, events, firstFailure, lastFailure } = totals;
  const rank = (cluster: Cluster): number => cluster.failing * 1e9 + (cluster.levels.get('warning') ?? 0);
  return {
    failingEvents,
    failingLines,
    failingShare: events === 0 ? 0 : round(failingEvents / events, 4),
    warningEvents: totals.warningEvents,
    firstFailure: failureOf(firstFailure, show),
    lastFailure: failureOf(lastFailure, show),
    eventsBeforeFirst: firstFailure === null ? null : round(firstFailure.eventsBefore / Math.max(1, events), 4),
    signals,
    templates: [...clusters]
      .filter((cluster) => rank(cluster) > 0)
      .sort((a, b) => rank(b) - rank(a) || a.id - b.id)
      .slice(0, FAILING_REPORTED)
      .map((cluster) => ({
        id: cluster.id,
        text: excerpt(cluster.text, 400),
        events: cluster.events,
        lines: cluster.lines,
        level: [...cluster.levels].sort((a, b) => b[1] - a[1])[0]?.[0] ?? 'none',
        share: failingEvents === 0 ? 0 : round(cluster.failing / failingEvents, 4),
      })),
  };
}

function failureOf(failure: Failure | null, show: Show): (Excerpt & { time: LogTime }) | null {
  if (failure === null) return null;
  return { line: failure.line, text: excerpt(failure.text), time: failure.ms === null ? null : show(failure.ms) };
}
