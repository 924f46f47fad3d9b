import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { client } from '../cli/story';
import { root, type Config } from '../config';
import { cpuSince, signal, usedCpu, usedMemory } from './cpu';
import { median, type Row } from './row';
import { withStack, type Stack } from './stack';

const parts = ['api', 'worker'] as const;
/** At the first count the cache of workflows is full: from there on an open gate is a row and a history, and no more. */
const counts = [2_000, 10_000] as const;
const callers = 50;
const idleSeconds = 30;
/** How long a heap takes to give back what opening the gates left in it. */
const settleSeconds = 20;

type Bytes = Record<(typeof parts)[number], number>;
interface Idle {
  /** Medians of the idle time. */
  memory: Bytes;
  /** What is left of it when every thread was told to collect its garbage. */
  held: Bytes;
  /** ms of CPU a second. */
  cpu: Record<(typeof parts)[number], number>;
}

/**
 * What gates that wait for people cost while they wait: memory and CPU of API and worker, with none, 2,000 and 10,000. Memory
 * as the system counts it, and beside that what is held: the rest is garbage that V8 has not looked for yet.
 */
export const openGates = (config: Config): Promise<Row[]> =>
  withStack(
    config,
    async (stack) => {
      const none = await idle();
      await open(stack, counts[0]);
      const full = await idle();
      await open(stack, counts[1] - counts[0]);
      return rowsOf(none, full, await idle());
    },
    'embedded',
    // A small machine would keep fewer workflows.
    { NODE_OPTIONS: `--require ${join(root, 'dist/bench/open-gates/collect.js')}`, WORKFLOW_CACHE: String(counts[0]) },
  );

function rowsOf(none: Idle, full: Idle, many: Idle): Row[] {
  const memory = (which: 'memory' | 'held', what: string): Row => {
    const grown = (part: (typeof parts)[number]): number =>
      (many[which][part] - full[which][part]) / 1024 / (counts[1] - counts[0]);
    const total = grown('api') + grown('worker');
    const mb = (idle: Idle): string => parts.map((p) => `${p} ${(idle[which][p] / 2 ** 20).toFixed(0)}`).join(' + ');
    return {
      what,
      measured: `${total.toFixed(2)} KB (API ${grown('api').toFixed(2)}, worker ${grown('worker').toFixed(2)})`,
      beside: `MB with none: ${mb(none)}; ${counts[0]}: ${mb(full)}; ${counts[1]}: ${mb(many)}`,
      reach: '≤ 2 KB',
      reached: total <= 2,
    };
  };
  const busier = parts.reduce((sum, part) => sum + many.cpu[part] - none.cpu[part], 0);
  const used = (idle: Idle): string => parts.map((p) => `${p} ${idle.cpu[p].toFixed(1)}`).join(' + ');
  return [
    memory('memory', `memory of a gate left open, ${counts[0]} to ${counts[1]}`),
    memory('held', 'of that held: after a collection of garbage at each count'),
    {
      what: `CPU of API and worker while ${counts[1]} gates wait, beyond that with none`,
      measured: `${busier.toFixed(1)} ms a second`,
      beside: `with none: ${used(none)}; ${counts[1]}: ${used(many)}`,
      // A tenth of what the two use anyway cannot be told from noise.
      reach: '≤ 5 ms/s',
      reached: busier <= 5,
    },
  ];
}

async function open({ local }: Stack, n: number): Promise<void> {
  const ask = client(local);
  const { id: ticket } = await ask<{ id: number }>('POST', '/api/tickets', { title: 'bench', auto_assign: false });
  let left = n;
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (left > 0) {
        left -= 1;
        await ask('POST', '/api/changes/request', { ticket_id: ticket, action: 'restart', target: 'web-1' });
      }
    }),
  );
}

/**
 * A gate is answered for when its row stands; its workflow's first task may be the worker's for a while yet, and a worker that
 * got no processor for a moment is not at rest either: it has to be quiet for a while.
 */
async function untilWorkedOff(): Promise<void> {
  let quiet = 0;
  for (const deadline = performance.now() + 300_000; performance.now() < deadline;) {
    const before = usedCpu();
    await delay(2_000);
    quiet = (cpuSince(before).get('worker') ?? NaN) < 200 ? quiet + 1 : 0;
    if (quiet === 5) return;
  }
  throw new Error('the worker came to no rest in five minutes');
}

async function idle(): Promise<Idle> {
  await untilWorkedOff();
  await delay(settleSeconds * 1000);
  const before = usedCpu();
  const from = performance.now();
  const memory = await sampled(idleSeconds);
  const elapsed = (performance.now() - from) / 1000;
  const used = cpuSince(before);
  signal(parts, 'SIGUSR2');
  await delay(settleSeconds * 1000);
  return { memory, held: await sampled(5), cpu: each((part) => (used.get(part) ?? NaN) / elapsed) };
}

const each = (of: (part: string) => number) => ({ api: of('api'), worker: of('worker') });

/** Medians over so many seconds. */
async function sampled(seconds: number): Promise<Bytes> {
  const samples: Map<string, number>[] = [];
  for (let second = 0; second < seconds; second += 1) {
    await delay(1000);
    samples.push(usedMemory(parts));
  }
  return each((part) => median(samples.map((s) => s.get(part) ?? NaN)));
}
