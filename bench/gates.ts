import type { Client } from '@temporalio/client';
import { v7 } from 'uuid';
import { client } from '../cli/story';
import type { Config } from '../config';
import type { Form } from '../proofs/proof';
import { cpuSince, spent, usedCpu } from './cpu';
import { withDefaultServer, withFloor } from './floor/floor';
import { bareGate, completeBare, decideBare } from './floor/workflow';
import { median, percentile, type Row } from './row';
import { withStack, type Stack } from './stack';

/** One gate's life, and how long its decision took (ms). */
type Life = () => Promise<number>;
interface Measured {
  perSecond: number;
  p50: number;
  p99: number;
  /** Processor time of one life, by part (ms). */
  cpu: Map<string, number>;
}
const forms = ['api', 'floor', 'tuned'] as const;
type Found = Record<(typeof forms)[number], Measured[]>;

const rounds = 3;
const callers = [1, 50];

/**
 * Gates per second and decision latency: request, approve and complete over HTTP, with rows, log and notes; beside the
 * floor, start and two Updates straight at a server. The floor that counts is the engine as it comes: a server with default
 * settings, its state on disk too; beside it the same on the installation's own, tuned server. In turn, in one run;
 * medians of the rounds.
 */
export async function gates(config: Config, seconds: number, form: Form): Promise<Row[]> {
  return withDefaultServer(config, form, (address) =>
    withStack(
      config,
      (stack) =>
        withFloor(address, (plain, plainQueue) =>
          withFloor(stack.local.temporal_address, async (tuned, tunedQueue) => {
            const lives = {
              api: await overHttp(stack),
              floor: bare(plain, plainQueue),
              tuned: bare(tuned, tunedQueue),
            };
            for (const form of forms) await measure(lives[form], 4, 2);
            const result: Row[] = [];
            for (const n of callers) {
              const found: Found = { api: [], floor: [], tuned: [] };
              for (let round = 0; round < rounds; round += 1)
                for (const form of forms) found[form].push(await measure(lives[form], n, seconds));
              result.push(...compared(n, found));
            }
            return result;
          }),
        ),
      form,
    ),
  );
}

async function overHttp({ local, approver }: Stack): Promise<Life> {
  const ask = client(local);
  const decide = client({ url: local.url, token: approver });
  const { id: ticket } = await ask<{ id: number }>('POST', '/api/tickets', { title: 'bench', auto_assign: false });
  return async () => {
    const { change_id: id } = await ask<{ change_id: number }>('POST', '/api/changes/request', {
      ticket_id: ticket,
      action: 'restart',
      target: 'web-1',
    });
    const from = performance.now();
    await decide('POST', `/api/changes/${id}/approve`, {});
    const took = performance.now() - from;
    await ask('POST', `/api/changes/${id}/complete`, { result: 'done' });
    return took;
  };
}

const bare =
  (temporal: Client, taskQueue: string): Life =>
  async () => {
    const handle = await temporal.workflow.start(bareGate, { taskQueue, workflowId: `bare:${v7()}` });
    const from = performance.now();
    await handle.executeUpdate(decideBare, { args: ['approved'] });
    const took = performance.now() - from;
    await handle.executeUpdate(completeBare, { args: ['completed'] });
    return took;
  };

async function measure(life: Life, callers: number, seconds: number): Promise<Measured> {
  const took: number[] = [];
  const before = usedCpu();
  const from = performance.now();
  const until = from + seconds * 1000;
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (performance.now() < until) took.push(await life());
    }),
  );
  const elapsed = (performance.now() - from) / 1000;
  const cpu = new Map([...cpuSince(before)].map(([part, ms]) => [part, ms / took.length]));
  return { perSecond: took.length / elapsed, p50: median(took), p99: percentile(took, 0.99), cpu };
}

/** Medians of the rounds, and the API beside both floors. */
function compared(callers: number, found: Found): Row[] {
  const of = (form: keyof Found, key: 'perSecond' | 'p50' | 'p99'): number => median(found[form].map((m) => m[key]));
  const ratio = (floor: keyof Found, key: 'perSecond' | 'p50'): number => of('api', key) / of(floor, key);
  const judged = callers > 1;
  const who = `${callers} caller${callers > 1 ? 's' : ''}`;
  return (['floor', 'tuned'] as const).flatMap((floor) => {
    const counts = judged && floor === 'floor';
    const server = floor === 'floor' ? 'default settings' : 'our tuned server';
    return [
      {
        what: `gate lives through HTTP, ${who}`,
        measured: `${of('api', 'perSecond').toFixed(1)}/s; CPU ${spent(found.api, 'life', 1)}`,
        beside: `bare Temporal, ${server} ${of(floor, 'perSecond').toFixed(1)}/s: ${ratio(floor, 'perSecond').toFixed(2)}; CPU ${spent(found[floor], 'life', 1)}`,
        reach: counts ? '≥ 0.95' : '',
        reached: counts ? ratio(floor, 'perSecond') >= 0.95 : null,
      },
      {
        what: `decision on a waiting gate, p50, ${who}`,
        measured: `${of('api', 'p50').toFixed(1)} ms (p99 ${of('api', 'p99').toFixed(1)})`,
        beside: `bare Temporal, ${server} ${of(floor, 'p50').toFixed(1)} ms: ${ratio(floor, 'p50').toFixed(2)}`,
        reach: counts ? '≤ 1.1' : '',
        reached: counts ? ratio(floor, 'p50') <= 1.1 : null,
      },
    ];
  });
}
