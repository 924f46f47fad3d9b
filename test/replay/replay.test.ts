import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils';
import { Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import * as workflows from '../../workflows';
import { bundlePath } from '../stack';

const folder = join(__dirname, 'histories');
interface Recorded {
  events: { eventType: string; eventId: string }[];
}
const histories = readdirSync(folder).map((name) => {
  const recorded = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Recorded;
  return { name, recorded, kind: name.split('.')[0] ?? '' };
});
const isEnd = (type = ''): boolean => /^EVENT_TYPE_WORKFLOW_EXECUTION_(COMPLETED|FAILED|CANCELED)$/.test(type);

const replay = (recorded: unknown, id: string) =>
  Worker.runReplayHistory({ workflowBundle: { codePath: bundlePath() } }, historyFromJSON(recorded), id);

test.each(histories)('$name replays', async ({ recorded, name }) => {
  await replay(recorded, name);
});

test.each(Object.keys(workflows))('%s has a suspended and a completed history', (kind) => {
  const ends = histories.filter((h) => h.kind === kind).map((h) => isEnd(h.recorded.events.at(-1)?.eventType));
  expect(ends).toContain(true);
  expect(ends).toContain(false);
});

test('a history that goes another way is found', async () => {
  const run = histories.find((h) => h.name === 'agentRun.published.json');
  // As if an older workflow had opened its gate under another type.
  const other = JSON.parse(
    JSON.stringify(run?.recorded).replaceAll('"name":"approvalGate"', '"name":"accessRequest"'),
  ) as unknown;
  await expect(replay(other, 'reordered')).rejects.toThrow(DeterminismViolationError);
});

test('no history holds a secret or a path of the machine it was recorded on', () => {
  for (const { recorded } of histories) {
    const text = Buffer.from(JSON.stringify(recorded)).toString();
    const payloads = [...text.matchAll(/"data":"([A-Za-z0-9+/=]+)"/g)].map((m) =>
      Buffer.from(m[1] ?? '', 'base64').toString(),
    );
    for (const t of [text, ...payloads])
      expect(t).not.toMatch(/acp_[A-Za-z0-9_-]{43}|PRIVATE KEY|\/(?:home|root|tmp|work)\//);
  }
});
