import { cpuSince, usedCpu } from '../cpu';
import { median, type Row } from '../row';
import type { Contestant } from './contestants';
import type { Engine } from './engine';
import { countDecided } from './rows';

export const callers = [1, 20, 50];
/** At so many callers a gate's processor time is told. */
const cpuAt = 20;
/** Gates that wait while their decisions are timed. */
const waiting = 25;

/** What was found of one engine so far. */
export interface Found {
  contestant: Contestant;
  engine: Engine;
  /** Gates that it decided, all measurements together. */
  decided: number;
  perSecond: Map<number, number[]>;
  /** Processor time of one gate (ms), by part. */
  cpu: Map<string, number>[];
  latency: number[];
}

/** Warms an engine up; keeps nothing but the count. */
export async function started(contestant: Contestant, engine: Engine): Promise<Found> {
  const { lives } = await engine.throughput(4, 1);
  return { contestant, engine, decided: lives, perSecond: new Map(), cpu: [], latency: [] };
}

/** One engine's turn. */
export async function turn(found: Found, atOnce: number, seconds: number): Promise<void> {
  const before = usedCpu();
  const { lives, perSecond } = await found.engine.throughput(atOnce, seconds);
  const used = cpuSince(before);
  found.decided += lives;
  found.perSecond.set(atOnce, [...(found.perSecond.get(atOnce) ?? []), perSecond]);
  if (atOnce !== cpuAt) return;
  found.cpu.push(new Map(found.contestant.parts.map((part) => [part, (used.get(part) ?? 0) / lives])));
}

export async function timeDecisions(found: Found): Promise<void> {
  found.latency.push(await found.engine.latency(waiting));
  found.decided += waiting;
}

/** @throws Error when a decision that came out has no row, or a row stands for none */
export async function assertRows({ contestant, decided }: Found): Promise<void> {
  if (!contestant.rowsIn) return;
  const rows = await countDecided(contestant.rowsIn);
  if (rows !== decided) throw new Error(`${contestant.name}: ${decided} decisions came out, ${rows} rows say so`);
}

/** Every engine beside bare Temporal, which comes first, and beside ours, which comes second. */
export function compared(all: readonly Found[]): Row[] {
  const [floor, ours] = all;
  if (!floor || !ours) throw new Error('nothing to compare with');
  const beside = (one: Found, other: Found, name: string): string =>
    `${name}: ${callers.map((n) => (rate(one, n) / rate(other, n)).toFixed(2)).join(' / ')} × gates, ${(cpu(one) / cpu(other)).toFixed(2)} × CPU, ${(median(one.latency) / median(other.latency)).toFixed(2)} × decision`;
  return all.map((one) => ({
    what: `a gate at ${callers.join(' / ')} callers: ${one.contestant.what}`,
    measured: `${callers.map((n) => rate(one, n).toFixed(rate(one, n) < 100 ? 1 : 0)).join(' / ')} gates/s; CPU ${spent(one)} ms a gate at ${cpuAt}; decision p50 ${median(one.latency).toFixed(1)} ms`,
    beside: [
      ...(one === floor ? [] : [beside(one, floor, 'bare Temporal')]),
      ...(one === floor || one === ours ? [] : [beside(one, ours, 'Wheelhouse')]),
    ].join('; '),
    reach: '',
    reached: null,
  }));
}

const rate = (one: Found, atOnce: number): number => median(one.perSecond.get(atOnce) ?? []);
const part = (one: Found, name: string): number => median(one.cpu.map((c) => c.get(name) ?? 0));
const cpu = (one: Found): number => one.contestant.parts.reduce((sum, name) => sum + part(one, name), 0);

function spent(one: Found): string {
  const parts = one.contestant.parts.map((name) => `${name} ${part(one, name).toFixed(1)}`);
  return `${cpu(one).toFixed(1)} (${parts.join(', ')})`;
}
