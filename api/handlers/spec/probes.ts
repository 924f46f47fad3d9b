import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Read } from '../../../db/tx';
import { atMostEvery, perOwner } from '../../../log/shared';
import type { Kernel } from '../../kernel';

/** A probe that has not answered by then counts as an outage. */
const patienceMs = 1_200;
const slowMs = 500;
/** A worker's poll lasts a minute at most: who was not seen for longer is gone. */
const pollMs = 75_000;
/** Anybody may ask for these: what was measured a second ago is good enough for all of them. */
const freshMs = 1_000;

export interface Part {
  status: 'operational' | 'degraded' | 'outage';
  latency_ms: number | null;
  error: string | null;
}
export interface Queue {
  workers: number | null;
  pending: number | null;
}
export interface Health {
  parts: { postgres: Part; counters: Part; temporal: Part; worker: Part };
  queues: Record<string, Queue>;
}

class TooSlow extends Error {}

/** Waits as long as a probe may take. @throws TooSlow; the work itself goes on, and ends by its own deadline. */
export async function inTime<T>(work: Promise<T>): Promise<T> {
  const given = new AbortController();
  const late = delay(patienceMs, null, { signal: given.signal }).then(
    () => Promise.reject(new TooSlow(`no answer within ${patienceMs} ms`)),
    () => new Promise<never>(() => undefined), // called off: the work was first
  );
  return Promise.race([work, late]).finally(() => given.abort());
}

/** What is said of a part in public: that it is away, not where it was looked for. */
async function probe<T>(
  kernel: Kernel,
  name: string,
  work: () => Promise<T>,
): Promise<{ part: Part; value: T | null }> {
  const from = performance.now();
  try {
    const value = await inTime(work());
    const ms = Math.round((performance.now() - from) * 10) / 10;
    return { part: { status: ms > slowMs ? 'degraded' : 'operational', latency_ms: ms, error: null }, value };
  } catch (err) {
    kernel.logger.warn({ err, part: name }, 'a health probe failed');
    return {
      part: { status: 'outage', latency_ms: null, error: err instanceof TooSlow ? err.message : 'unreachable' },
      value: null,
    };
  }
}

/** Temporal's word for the two kinds of pollers. */
const kinds = { lifecycle: 1, agents: 2, integrations: 2, processes: 2 } as const;

const soon = <T>({ temporal }: Kernel, ask: () => Promise<T>): Promise<T> =>
  temporal.workflow.connection.withDeadline(Date.now() + patienceMs, ask);

async function queueOf(kernel: Kernel, name: keyof typeof kinds): Promise<Queue> {
  const { temporal } = kernel;
  const { workflowService, options } = temporal.workflow;
  const described = await soon(kernel, () =>
    workflowService.describeTaskQueue({
      namespace: options.namespace,
      taskQueue: { name: temporal.queues[name] },
      taskQueueType: kinds[name],
      reportStats: true,
    }),
  );
  const since = Date.now() / 1000 - pollMs / 1000;
  const alive = described.pollers?.filter((p) => Number(p.lastAccessTime?.seconds ?? 0) >= since) ?? [];
  return { workers: alive.length, pending: Number(described.stats?.approximateBacklogCount ?? 0) };
}

async function measure(kernel: Kernel): Promise<Health> {
  const { store, temporal } = kernel;
  const names = Object.keys(kinds) as (keyof typeof kinds)[];
  const [postgres, counters, engine, work] = await Promise.all([
    probe(kernel, 'postgres', () => store.pool.query('select 1')),
    probe(kernel, 'counters', () => store.pool.query('select 1 from rate_limits limit 1')),
    probe(kernel, 'temporal', () => soon(kernel, () => temporal.workflow.workflowService.getSystemInfo({}))),
    probe(kernel, 'worker', () => Promise.all(names.map((name) => queueOf(kernel, name)))),
  ]);
  const queues = names.map((name, i) => [name, work.value?.[i] ?? { workers: null, pending: null }] as const);
  const idle = queues.filter(([, q]) => !q.workers).map(([name]) => name);
  const worker: Part =
    work.part.status === 'outage' || !idle.length
      ? work.part
      : {
          status: idle.includes('lifecycle') ? 'outage' : 'degraded',
          latency_ms: work.part.latency_ms,
          error: `no worker polls ${idle.join(', ')}`,
        };
  return {
    parts: { postgres: postgres.part, counters: counters.part, temporal: engine.part, worker },
    queues: Object.fromEntries(queues),
  };
}

const shared = perOwner((_kernel: Kernel) => atMostEvery<Health>(freshMs));
export const healthOf = (kernel: Kernel): Promise<Health> => shared(kernel)('health', () => measure(kernel));

const totals = perOwner((_kernel: Kernel) => atMostEvery<unknown[]>(freshMs));
/** What a question gives in every tenant, or null when the database does not answer in time. */
export async function overTenants<T>(kernel: Kernel, name: string, ask: (tx: Read) => Promise<T>): Promise<T[] | null> {
  const all = async (): Promise<T[]> => {
    const answers: T[] = [];
    for (const tenantId of await kernel.store.tenants()) answers.push(await kernel.store.read(tenantId, ask));
    return answers;
  };
  return (await probe(kernel, name, () => totals(kernel)(name, all))).value as T[] | null;
}

/** Used space where the files are, in percent. */
export async function diskUsage({ config }: Kernel): Promise<number> {
  const { blocks, bavail } = await statfs(existsSync(config.dataDir) ? config.dataDir : '.');
  return Math.round((1 - bavail / blocks) * 1000) / 10;
}
