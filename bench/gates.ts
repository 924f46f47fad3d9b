import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { v7 } from 'uuid';
import { client } from '../cli/story';
import { root, type Config } from '../config';
import { bareGate, completeBare, decideBare } from './floor/workflow';
import { median, percentile, type Row } from './row';
import { withStack, type Stack } from './stack';

/** One gate's life, and how long its decision took (ms). */
type Life = () => Promise<number>;
interface Measured {
  perSecond: number;
  p50: number;
  p99: number;
}

const rounds = 3;
const callers = [1, 50];

/**
 * Gates per second and decision latency: request, approve and complete over HTTP, with rows, log and notes; beside the
 * floor, start and two Updates straight at the same server. In turn, in the same run; medians of the rounds.
 */
export async function gates(config: Config, seconds: number): Promise<Row[]> {
  return withStack(config, async (stack) => {
    const floorQueue = `floor-${v7()}`;
    const worker = spawn(
      process.execPath,
      [join(root, 'dist/bench/floor/worker.js'), stack.local.temporal_address, floorQueue],
      {
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      },
    );
    const ended = once(worker, 'exit');
    try {
      await once(worker, 'message');
      const forms = { api: await overHttp(stack), floor: bare(stack.temporal, floorQueue) };
      for (const life of Object.values(forms)) await measure(life, 4, 2);
      const result: Row[] = [];
      for (const n of callers) {
        const found = { api: [] as Measured[], floor: [] as Measured[] };
        for (let round = 0; round < rounds; round += 1) {
          found.api.push(await measure(forms.api, n, seconds));
          found.floor.push(await measure(forms.floor, n, seconds));
        }
        result.push(...compared(n, found));
      }
      return result;
    } finally {
      worker.kill('SIGTERM');
      await ended;
    }
  });
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
  const from = performance.now();
  const until = from + seconds * 1000;
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (performance.now() < until) took.push(await life());
    }),
  );
  const elapsed = (performance.now() - from) / 1000;
  return { perSecond: took.length / elapsed, p50: median(took), p99: percentile(took, 0.99) };
}

/** Medians of the rounds, and the API beside the floor. */
function compared(callers: number, found: { api: Measured[]; floor: Measured[] }): Row[] {
  const of = (all: Measured[], key: keyof Measured): number => median(all.map((m) => m[key]));
  const throughput = of(found.api, 'perSecond') / of(found.floor, 'perSecond');
  const latency = of(found.api, 'p50') / of(found.floor, 'p50');
  const many = callers > 1;
  const who = `${callers} caller${many ? 's' : ''}`;
  return [
    {
      what: `gate lives through HTTP, ${who}`,
      measured: `${of(found.api, 'perSecond').toFixed(1)}/s`,
      beside: `bare Temporal ${of(found.floor, 'perSecond').toFixed(1)}/s: ${throughput.toFixed(2)}`,
      reach: many ? '≥ 0.95' : '',
      reached: many ? throughput >= 0.95 : null,
    },
    {
      what: `decision on a waiting gate, p50, ${who}`,
      measured: `${of(found.api, 'p50').toFixed(1)} ms (p99 ${of(found.api, 'p99').toFixed(1)})`,
      beside: `bare Temporal ${of(found.floor, 'p50').toFixed(1)} ms: ${latency.toFixed(2)}`,
      reach: many ? '≤ 1.1' : '',
      reached: many ? latency <= 1.1 : null,
    },
  ];
}
