import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { v7 } from 'uuid';
import { client } from '../cli/story';
import { root, type Config } from '../config';
import { bareGate, completeBare, decideBare } from './floor/workflow';
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
export async function gates(config: Config, seconds: number): Promise<void> {
  await withStack(config, async (stack) => {
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
      const forms: Record<string, Life> = {
        'HTTP API': await overHttp(stack),
        'bare Temporal': bare(stack.temporal, floorQueue),
      };
      for (const life of Object.values(forms)) await measure(life, 4, 2);
      const lines = [
        `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}, commit ${commit()}`,
      ];
      for (const n of callers) {
        const found: Record<string, Measured[]> = {};
        for (let round = 0; round < rounds; round += 1) {
          for (const [name, life] of Object.entries(forms)) (found[name] ??= []).push(await measure(life, n, seconds));
        }
        lines.push(...table(n, found));
      }
      process.stdout.write(`${lines.join('\n')}\n`);
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
  took.sort((a, b) => a - b);
  return { perSecond: took.length / elapsed, p50: quantile(took, 0.5), p99: quantile(took, 0.99) };
}

const quantile = (sorted: number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? NaN;
const median = (values: number[]): number =>
  quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );

function table(callers: number, found: Record<string, Measured[]>): string[] {
  const rows = Object.entries(found).map(([name, all]) => ({
    name,
    perSecond: median(all.map((m) => m.perSecond)),
    p50: median(all.map((m) => m.p50)),
    p99: median(all.map((m) => m.p99)),
  }));
  const floor = rows.at(-1);
  const cell = (text: string | number, width: number): string =>
    String(typeof text === 'number' ? text.toFixed(1) : text).padStart(width);
  return [
    '',
    `${callers} caller${callers === 1 ? '' : 's'}`.padEnd(16) +
      ['gates/s', 'ratio', 'decision p50 ms', 'ratio', 'p99 ms'].map((h) => cell(h, 16)).join(''),
    ...rows.map(
      (r) =>
        r.name.padEnd(16) +
        [
          r.perSecond,
          (r.perSecond / (floor?.perSecond ?? NaN)).toFixed(2),
          r.p50,
          (r.p50 / (floor?.p50 ?? NaN)).toFixed(2),
          r.p99,
        ]
          .map((v) => cell(v, 16))
          .join(''),
    ),
  ];
}

const commit = (): string => {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return 'unknown'; // not a checkout
  }
};
