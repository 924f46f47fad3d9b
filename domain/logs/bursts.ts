import type { Cluster } from './drain';
import type { Timeline } from './timeline';
import { round } from './text';
import type { Burst, ChangeNearOnset, Gap, LogBursts, LogTime } from './types';

const MIN_BUCKETS = 8;
const MAX_BURSTS = 12;
const MAX_CHANGES = 12;
/** A change is near when it is at most so many buckets before the onset. */
const NEAR_BUCKETS = 6;
const LIFECYCLE = ['service.start', 'service.stop', 'change.made'];

export interface Onset {
  ms: number;
  by: 'burst' | 'first_failure';
  eventsBefore: number;
}

interface Scene {
  timeline: Timeline;
  clusters: readonly Cluster[];
  events: number;
  firstFailure: { ms: number | null; eventsBefore: number } | null;
  show: (ms: number) => LogTime;
}

interface Placed {
  burst: Burst;
  from: number;
  to: number;
}

interface Peak {
  from: number;
  to: number;
  events: number;
  peak: number;
}

/** Bursts, silences, the onset of failures, and what is new shortly before it. */
export function findBursts(scene: Scene): LogBursts {
  const { timeline } = scene;
  const notes: string[] = [];
  if (timeline.first === null || timeline.last === null) {
    notes.push('No line of this log carries a time that could be read: rates and bursts are unknown.');
    return {
      bucketSeconds: null,
      buckets: 0,
      medianFailures: 0,
      madFailures: 0,
      bursts: [],
      gaps: [],
      onset: null,
      changes: [],
      notes,
    };
  }
  const from = timeline.bucketOf(timeline.first);
  const to = timeline.bucketOf(timeline.last);
  const failures = series(timeline.failures, from, to);
  const records = series(timeline.records, from, to);
  const enough = failures.length >= MIN_BUCKETS;
  if (!enough)
    notes.push(
      `The log spans ${failures.length} buckets of ${timeline.width} s: too short to tell a burst from its usual rate.`,
    );
  const failureBursts = enough ? burstsOf('failures', failures, from, scene) : [];
  const recordBursts = enough ? burstsOf('records', records, from, scene) : [];
  const traffic = recordBursts.filter(
    ({ from: start, to: end }) => !failureBursts.some((other) => other.from < end && start < other.to),
  );
  const onset = onsetOf(scene, failureBursts);
  if (scene.firstFailure !== null && scene.firstFailure.eventsBefore <= scene.events * 0.01)
    notes.push('Failures are there from the start of the log: when they began can not be told from it.');
  const centre = median(failures);
  return {
    bucketSeconds: timeline.width,
    buckets: failures.length,
    medianFailures: round(centre),
    madFailures: round(deviation(failures, centre)),
    bursts: [...failureBursts, ...traffic].map(({ burst }) => burst),
    gaps: gapsOf(scene, records),
    onset: onset && { at: scene.show(onset.ms), by: onset.by, eventsBefore: onset.eventsBefore },
    changes: onset === null ? [] : changesBefore(onset, scene),
    notes,
  };
}

function series(buckets: Map<number, number>, from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => buckets.get(from + i) ?? 0);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle] ?? 0;
  return ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** The median of the distances to the centre (MAD): a few wild buckets do not move it. */
export function deviation(values: readonly number[], centre: number): number {
  return median(values.map((value) => Math.abs(value - centre)));
}

/**
 * What a bucket must exceed. 1.4826 · MAD estimates the standard deviation of a normal series; the root keeps counts
 * that merely scatter (Poisson) below it, and the 4 keeps a quiet log from bursting with a handful of lines.
 */
export function thresholdOf(values: readonly number[]): number {
  const centre = median(values);
  return Math.max(centre + 5 * 1.4826 * deviation(values, centre), centre + 4 * Math.sqrt(centre + 1), 4);
}

function burstsOf(of: Burst['of'], values: readonly number[], base: number, scene: Scene): Placed[] {
  const threshold = thresholdOf(values);
  const peaks: Peak[] = [];
  values.forEach((events, i) => {
    if (events <= threshold) return;
    const open = peaks.at(-1);
    // One quieter bucket does not end a burst.
    if (open !== undefined && i - open.to <= 2) {
      for (let j = open.to + 1; j <= i; j++) open.events += values[j] ?? 0;
      open.to = i;
      open.peak = Math.max(open.peak, events);
    } else peaks.push({ from: i, to: i, events, peak: events });
  });
  const strongest = [...peaks].sort((a, b) => b.events - a.events).slice(0, MAX_BURSTS);
  const usual = median(values);
  const width = scene.timeline.width * 1000;
  return strongest
    .sort((a, b) => a.from - b.from)
    .map((peak) => ({
      from: of === 'failures' ? scene.timeline.firstFailureIn(base + peak.from) : (base + peak.from) * width,
      to: (base + peak.to + 1) * width,
      burst: {
        of,
        from: scene.show((base + peak.from) * width),
        to: scene.show((base + peak.to + 1) * width),
        seconds: ((peak.to - peak.from + 1) * width) / 1000,
        events: peak.events,
        peak: peak.peak,
        usual: round(usual, 1),
        threshold: round(threshold, 1),
        templates: dominant(of, base + peak.from, base + peak.to, scene.clusters),
      },
    }));
}

function dominant(of: Burst['of'], from: number, to: number, clusters: readonly Cluster[]): Burst['templates'] {
  return clusters
    .filter((cluster) => of === 'records' || cluster.failing > 0)
    .map((cluster) => {
      let events = 0;
      for (const [bucket, counted] of cluster.buckets) if (bucket >= from && bucket <= to) events += counted;
      return { id: cluster.id, text: cluster.text, events };
    })
    .filter(({ events }) => events > 0)
    .sort((a, b) => b.events - a.events || a.id - b.id)
    .slice(0, 3);
}

function gapsOf({ timeline, show }: Scene, records: readonly number[]): Gap[] {
  const perSecond = median(records) / timeline.width;
  return timeline
    .gaps()
    .filter(({ from, to }) => (to - from) / 1000 >= timeline.width * 2 && ((to - from) / 1000) * perSecond >= 10)
    .slice(0, 5)
    .map(({ from, to }) => {
      const seconds = (to - from) / 1000;
      return {
        from: show(from),
        to: show(to),
        seconds: round(seconds),
        expectedRecords: Math.round(seconds * perSecond),
      };
    });
}

function onsetOf(scene: Scene, bursts: readonly Placed[]): Onset | null {
  const { firstFailure } = scene;
  if (firstFailure === null || firstFailure.ms === null) return null;
  const first = bursts[0];
  if (first === undefined || first.from <= firstFailure.ms)
    return { ms: firstFailure.ms, by: 'first_failure', eventsBefore: firstFailure.eventsBefore };
  let before = 0;
  for (const [bucket, events] of scene.timeline.records)
    if (bucket * scene.timeline.width * 1000 < first.from) before += events;
  return { ms: first.from, by: 'burst', eventsBefore: before };
}

/** Templates that are new, and starts, stops and deployments, in the buckets just before the onset. */
function changesBefore(onset: Onset, { timeline, clusters, events, show }: Scene): ChangeNearOnset[] {
  const last = timeline.bucketOf(onset.ms);
  const first = last - NEAR_BUCKETS;
  const found: (ChangeNearOnset & { ms: number })[] = [];
  for (const cluster of clusters) {
    if (cluster.failing > 0 || cluster.span.first === null) continue;
    const lifecycle = LIFECYCLE.some((id) => cluster.signals.has(id));
    // At the start of a log everything is new.
    const isNew = cluster.eventsBefore > events * 0.05 && timeline.bucketOf(cluster.span.first) >= first;
    const at = isNew ? cluster.span.first : lifecycle ? lastBefore(cluster, first, onset.ms, timeline) : null;
    if (at === null || at > onset.ms) continue;
    const kind = lifecycle ? 'lifecycle' : 'new_template';
    const secondsBeforeOnset = round((onset.ms - at) / 1000);
    found.push({ kind, templateId: cluster.id, text: cluster.text, at: show(at), secondsBeforeOnset, ms: at });
  }
  return found
    .sort((a, b) => Number(b.kind === 'lifecycle') - Number(a.kind === 'lifecycle') || b.ms - a.ms)
    .slice(0, MAX_CHANGES)
    .map(({ ms: _, ...change }) => change);
}

/** The start of the last bucket in which the template occurs before the onset. */
function lastBefore(cluster: Cluster, first: number, onset: number, timeline: Timeline): number | null {
  let at: number | null = null;
  for (const bucket of cluster.buckets.keys()) {
    const start = Math.max(bucket * timeline.width * 1000, cluster.span.first ?? 0);
    if (bucket >= first && start <= onset && (at === null || start > at)) at = start;
  }
  return at;
}
