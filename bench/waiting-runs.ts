import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { client } from '../cli/story';
import type { Run } from '../domain/run';
import { usedMemory } from './cpu';
import { withFloor } from './floor/floor';
import { bareGate, decideBare } from './floor/workflow';
import { median, type Row } from './row';
import type { Stack } from './stack';

const runs = 200;
const atOnce = 20;
const sampleSeconds = 5;
const patienceMs = 180_000;

/** Median over some seconds, in bytes. */
async function memoryOf(part: string): Promise<number> {
  const samples: number[] = [];
  for (let second = 0; second < sampleSeconds; second += 1) {
    await delay(1_000);
    samples.push(usedMemory([part]).get(part) ?? NaN);
  }
  return median(samples);
}

/** What a worker's memory grows by while `open` has so many of them wait, for each. */
async function grownBy(part: string, open: () => Promise<void>): Promise<number> {
  const before = await memoryOf(part);
  await open();
  return (await memoryOf(part) - before) / runs; // prettier-ignore
}

async function inLots(work: (n: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next < runs) await work(next++);
    }),
  );
}

/** Runs that have proposed something, and wait for people to decide. */
async function open(stack: Stack, begin: (ticketId: string) => Promise<unknown>): Promise<void> {
  const call = client(stack.local);
  await inLots(async () => {
    const { id } = await call<{ id: number }>('POST', '/api/tickets', { title: 'bench', auto_assign: false });
    const { rows } = await stack.owner.query<{ id: string }>('select id from tickets where number = $1', [id]);
    await begin(rows[0]?.id ?? '');
  });
  for (const deadline = Date.now() + patienceMs; Date.now() < deadline; await delay(200)) {
    const { rows } = await stack.owner.query<{ n: number }>(
      `select count(*)::int as n from runs where status = 'pending_approval'`,
    );
    if (rows[0]?.n === runs) return;
  }
  throw new Error(`not all of ${runs} runs wait after ${patienceMs / 1000} s`);
}

/** As many workflows of Temporal alone, each of which has been looked at once. */
const openBare = (temporal: Client, taskQueue: string): Promise<void> =>
  inLots(async (n) => {
    const handle = await temporal.workflow.start(bareGate, { workflowId: `${taskQueue}-${n}`, taskQueue });
    await handle.executeUpdate(decideBare, { args: ['waits'] });
  });

export type Begin = (run: Pick<Run, 'ticketId' | 'prompt'>) => Promise<unknown>;

/** Memory of the worker for each run that waits for people, its gate included; beside it a gate that Temporal alone holds. */
export async function waitingRuns(stack: Stack, part: string, begin: Begin): Promise<Row> {
  const ours = await grownBy(part, () => open(stack, (ticketId) => begin({ ticketId, prompt: 'wait' })));
  const bare = await withFloor(stack.local.temporal_address, (temporal, taskQueue) =>
    grownBy('floor worker', () => openBare(temporal, taskQueue)),
  );
  return {
    what: `memory of a run that waits for people, with its gate; ${runs} of them`,
    measured: `${(ours / 1024).toFixed(0)} KB`,
    beside: `a bare gate of Temporal ${(bare / 1024).toFixed(0)} KB: ${(ours / bare).toFixed(1)}`,
    reach: '',
    reached: null,
  };
}
