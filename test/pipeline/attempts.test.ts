import { join } from 'node:path';
import { v5 } from 'uuid';
import { z } from 'zod';
import { root } from '../../config';
import { executionAt } from '../../db/executions';
import { Conflict, Unavailable } from '../../domain/errors';
import { tool, type Effect } from '../../pipeline/call';
import { loadPolicies } from '../../pipeline/policy';
import { createPipeline, type Pipeline } from '../../pipeline/run';
import { combine, screenCall } from '../../pipeline/screening';
import { applyEffect, approvedBeforehand } from '../../proofs/cluster/effect';
import { openHouse, type House } from '../house';
import { callOf } from './tools/context';

let house: House;
let pipeline: Pipeline;
const seen: Effect[] = [];
/** What each attempt waits for, in order, before it answers. */
let holds: Promise<void>[] = [];

beforeAll(async () => {
  house = await openHouse();
  const failures: Error[] = [];
  const outside = tool({
    name: applyEffect,
    description: 'outside',
    effect: 'external',
    scope: 'deployments:write',
    content: 'prose',
    args: z.strictObject({ what: z.string() }),
    target: ({ what }) => what,
    async run(_args, { effect }) {
      if (!effect) throw new Error('no effect');
      seen.push(effect);
      await holds.shift();
      return { attempt: effect.attempt };
    },
  });
  pipeline = createPipeline({
    store: house.store,
    files: house.files,
    masterKey: house.masterKey,
    tools: [outside],
    policies: approvedBeforehand(await loadPolicies(join(root, 'policy/compiled'), (e) => failures.push(e))),
    screen: screenCall,
    decide: combine,
    limiter: { points: 1, consume: () => Promise.resolve({ consumed: 1, leftMs: 60_000 }) },
  });
  await house.owner.query(`insert into agent_grants (id, tenant_id, agent_id, tool, effect) values ($1, $2, $3, $4, 'ALLOW')`, [
    v5(applyEffect, house.analystId), house.tenantId, house.analystId, applyEffect,
  ]); // prettier-ignore
});
afterAll(() => house.close());

test('an attempt that wakes beside its retry has the same key and a lower fence, and records nothing', async () => {
  const run = await house.run(await house.ticket());
  const execute = () =>
    pipeline.execute(callOf(run, applyEffect, { what: 'once' }), { signal: new AbortController().signal });
  let wake = (): void => undefined;
  let retry = (): void => undefined;
  holds = [new Promise((resolve) => (wake = resolve)), new Promise((resolve) => (retry = resolve))];
  const recorded = () => house.store.read(house.tenantId, (tx) => executionAt(tx, run.id, 0));

  const first = execute();
  while (seen.length < 1) await new Promise(setImmediate);
  const second = execute();
  while (seen.length < 2) await new Promise(setImmediate);
  expect(seen.map(({ attempt, fence }) => [attempt, fence])).toEqual([[1, 1], [2, 2]]); // prettier-ignore
  expect(new Set(seen.map(({ key }) => key)).size).toBe(1);

  wake();
  await expect(first).rejects.toThrow('attempt 1');
  expect(await recorded()).toBeNull();
  retry();
  expect(await second).toMatchObject({ decision: 'allow', result: { attempt: 2 } });
  expect(await recorded()).toMatchObject({ result: { attempt: 2 } });
});

test('a tool that says no is answered for good; one that met a log which could not be written is tried again', async () => {
  const run = await house.run(await house.ticket());
  const execute = () =>
    pipeline.execute(callOf(run, applyEffect, { what: 'once' }), { signal: new AbortController().signal });
  const fails = (e: Error) => {
    const held = Promise.reject<void>(e);
    held.catch(() => undefined); // it is the tool that waits for it
    holds = [held];
  };
  const recorded = () => house.store.read(house.tenantId, (tx) => executionAt(tx, run.id, 0));

  fails(new Unavailable('the log could not be written'));
  await expect(execute()).rejects.toThrow('the log could not be written');
  expect(await recorded()).toBeNull();
  fails(new Conflict('it stands already'));
  expect(await execute()).toMatchObject({ decision: 'error', error: 'it stands already' });
  expect(await recorded()).toMatchObject({ decision: 'error' });
});
