import { setTimeout as delay } from 'node:timers/promises';
import { median, percentile } from '../row';
import { Caller } from './caller';

/** What the generator, a process of its own, is told: paths are asked for in turn, each caller with its own credential. */
export interface Job {
  host: string;
  port: number;
  tokens: string[];
  paths: string[];
  callers: number;
  seconds: number;
  /** Requests a second over all callers; null: each asks again as soon as it is answered. */
  rate: number | null;
}
export interface Load {
  perSecond: number;
  /** ms; of a paced load from when the request was due, so that a stall counts for all that it held up. */
  p50: number;
  p99: number;
  /** Answers that were not 200. */
  refused: number;
  /** Processor time of the generator, in cores. */
  cores: number;
}

/** A load that is behind by more is given up: what is late by then says enough. */
const patienceMs = 2_000;

async function run(job: Job): Promise<Load> {
  const callers = await Promise.all(Array.from({ length: job.callers }, () => Caller.open(job.host, job.port)));
  const took: number[] = [];
  let refused = 0;
  let next = 0;
  const cpu = process.cpuUsage();
  const from = performance.now();
  const until = from + job.seconds * 1000;
  const interval = job.rate === null ? 0 : (job.callers / job.rate) * 1000;
  await Promise.all(
    callers.map(async (caller, i) => {
      const token = job.tokens[i % job.tokens.length] ?? '';
      for (let n = 0; ; n += 1) {
        let due = performance.now();
        if (interval > 0) {
          due = from + (i / job.callers + n) * interval;
          const early = due - performance.now();
          if (early > 0) await delay(early);
        }
        if (due >= until || performance.now() >= until + patienceMs) return;
        const path = job.paths[(next += 1) % job.paths.length] ?? '/';
        const status = await caller.get(
          `GET ${path} HTTP/1.1\r\nHost: ${job.host}\r\nAuthorization: Bearer ${token}\r\n\r\n`,
        );
        took.push(performance.now() - due);
        if (status !== 200) refused += 1;
      }
    }),
  );
  const elapsed = (performance.now() - from) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  for (const caller of callers) caller.close();
  return {
    perSecond: took.length / elapsed,
    p50: median(took),
    p99: percentile(took, 0.99),
    refused,
    cores: (user + system) / 1e6 / elapsed,
  };
}

process.on('message', (job: Job) => {
  void run(job).then((load) => process.send?.(load));
});
process.on('disconnect', () => process.exit());
process.send?.('ready');
