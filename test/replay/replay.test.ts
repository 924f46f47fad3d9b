import { randomInt } from 'node:crypto';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils';
import { Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import * as workflows from '../../workflows';
import { random } from '../../proofs/random';
import { recorded } from '../../proofs/replay/histories';
import { reorderings, unnoticed, type Reordering } from '../../proofs/replay/reorder';
import { bundlePath } from '../stack';

const histories = recorded();
const isEnd = (type = ''): boolean => /^EVENT_TYPE_WORKFLOW_EXECUTION_(COMPLETED|FAILED|CANCELED)$/.test(type);

test('all of them replay', async () => {
  const replayed = Worker.runReplayHistories(
    { workflowBundle: { codePath: bundlePath() } },
    histories.map(({ name, events }) => ({ workflowId: name, history: historyFromJSON({ events }) })),
  );
  const failed = [];
  for await (const { workflowId, error } of replayed) if (error) failed.push([workflowId, error.message]);
  expect(failed).toEqual([]);
});

test.each(Object.keys(workflows))('%s has a suspended and a completed history', (kind) => {
  const ends = histories.filter((h) => h.kind === kind).map((h) => isEnd(h.events.at(-1)?.eventType));
  expect(ends).toContain(true);
  expect(ends).toContain(false);
});

/** What of these replays is a violation, or is none where it is to be one. */
async function notAs(found: boolean, chosen: Reordering[]): Promise<string[]> {
  const replayed = Worker.runReplayHistories(
    { workflowBundle: { codePath: bundlePath() } },
    chosen.map(({ events }, n) => ({ workflowId: `${n}`, history: historyFromJSON({ events }) })),
  );
  const wrong = [];
  for await (const { workflowId, error } of replayed) {
    const { name = '', what = '' } = chosen[Number(workflowId)] ?? {};
    if (found ? !(error instanceof DeterminismViolationError) : error !== undefined) wrong.push(`${name}: ${what}`);
  }
  return wrong;
}
const chance = random(Number(process.env['SEED'] ?? randomInt(2 ** 31)));

test('exchanged or renamed commands are found, whatever the seed picks, in every history', async () => {
  expect(await notAs(true, histories.map((history) => chance.pick(reorderings(history))))).toEqual([]);
}); // prettier-ignore

test('what is left out of that would not be found: a marker has no place among the other commands of its task', async () => {
  const some = histories.map(unnoticed).filter((of) => of.length > 0);
  expect(some.length).toBeGreaterThan(50);
  expect(
    await notAs(
      false,
      Array.from({ length: 30 }, () => chance.pick(chance.pick(some))),
    ),
  ).toEqual([]);
});

test('no history holds a secret or a path of the machine it was recorded on', () => {
  for (const { events } of histories) {
    const text = JSON.stringify(events);
    const payloads = [...text.matchAll(/"data":"([A-Za-z0-9+/=]+)"/g)].map((m) =>
      Buffer.from(m[1] ?? '', 'base64').toString(),
    );
    for (const t of [text, ...payloads])
      expect(t).not.toMatch(/acp_[A-Za-z0-9_-]{43}|PRIVATE KEY|\/(?:home|root|tmp|work)\//);
  }
});
