import { randomInt } from 'node:crypto';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils';
import { Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import * as workflows from '../../workflows';
import { random } from '../../proofs/random';
import { recorded } from '../../proofs/replay/histories';
import { reorderings } from '../../proofs/replay/reorder';
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

test('exchanged or renamed commands are found, whatever the seed picks, in every history', async () => {
  const chance = random(Number(process.env['SEED'] ?? randomInt(2 ** 31)));
  const chosen = recorded().map((history) => ({ id: history.name, ...chance.pick(reorderings(history)) }));
  const replayed = Worker.runReplayHistories(
    { workflowBundle: { codePath: bundlePath() } },
    chosen.map(({ id, events }) => ({ workflowId: id, history: historyFromJSON({ events }) })),
  );
  const missed = [];
  for await (const { workflowId, error } of replayed)
    if (!(error instanceof DeterminismViolationError))
      missed.push([workflowId, chosen.find((c) => c.id === workflowId)?.what]);
  expect(missed).toEqual([]);
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
