import { WithStartWorkflowOperation } from '@temporalio/client';
import { v7 } from 'uuid';
import { createActivities } from '../../activities';
import { investigationActivities } from '../../activities/lifecycle/investigations';
import type { Deps } from '../../activities/deps';
import { investigations } from '../../db/investigations';
import { analyst } from '../../domain/analyst/analyst';
import type { Harness } from '../../domain/harness';
import { step, type Investigation } from '../../domain/investigation';
import { workflowId } from '../../workflows/ids';
import { begun, investigation, investigationState } from '../../workflows/investigation';
import { settles, until } from '../until';
import { keep } from './keep';
import { ann, play } from './play';
import { clockwork, type Clockwork } from './time';

/** The analyst, except on tickets that say otherwise in their title. */
const investigator: Harness = {
  name: 'embedded',
  next(brief, observations) {
    const { title } = brief.ticket;
    if (title === 'broken') throw new Error('the plan ends here');
    if (title !== 'endless') return analyst.next(brief, observations);
    return { kind: 'call', tool: 'knowledge.search', args: { query: `look ${observations.length}` }, why: 'to know' };
  },
};

let c: Clockwork;
let p: ReturnType<typeof play>;
let deps: Deps;
beforeAll(async () => {
  c = await clockwork((d) => createActivities((deps = d), [investigator]));
  p = play(c);
});
afterAll(() => c.close());

async function investigate(title: string, deadlineMs = 60_000) {
  const ticket = await p.ticket(title);
  const it: Investigation = {
    id: v7(), tenantId: c.tenantId, ticketId: ticket.id, transactionId: null, agentId: p.agentId, mode: 'quick', status: 'PENDING', steps: 0,
    attempt: 1, severity: null, confidence: null, conclusion: null, error: null, startedBy: ann, createdAt: new Date().toISOString(), finishedAt: null, version: 1,
  }; // prettier-ignore
  const startWorkflowOperation = new WithStartWorkflowOperation(investigation, {
    workflowId: workflowId('investigation', c.tenantId, it.id),
    taskQueue: c.taskQueue,
    workflowIdConflictPolicy: 'USE_EXISTING',
    args: [{ investigation: it, deadlineMs }],
  });
  expect(await p.workflow.executeUpdateWithStart(begun, { startWorkflowOperation, args: [] })).toMatchObject({
    id: it.id,
  });
  const handle = p.workflow.getHandle<typeof investigation>(workflowId('investigation', c.tenantId, it.id));
  const row = () => c.store.read(c.tenantId, (tx) => investigations.byId(tx, it.id));
  return {
    it,
    handle,
    row,
    underWay: () => until('a few steps', async () => (await p.steps(it.id)).length > 2),
    async agrees() {
      await settles(async () => expect(await handle.query(investigationState)).toEqual(await row()));
      expect((await row())?.steps).toBe((await p.steps(it.id)).length);
    },
  };
}

test('concludes with the report of its evidence, and neither asks nor publishes', async () => {
  const i = await investigate('Logins fail, see the siem');
  expect(await i.handle.result()).toMatchObject({ status: 'COMPLETED', error: null });
  const row = await i.row();
  expect(row?.conclusion).toMatchObject({ title: expect.any(String), claims: expect.any(Array) });
  expect((await p.steps(i.it.id)).map((s) => s.decision)).toEqual(Array(row?.steps).fill('allow'));
  expect((await c.owner.query('select from gates')).rowCount).toBe(0);
  expect(await p.entries(i.it.id)).toEqual(['investigation.opened', 'investigation.begun', 'investigation.concluded']);
  await keep('investigation.concluded', i.handle);
  await i.agrees();
});

test('times out by its deadline', async () => {
  const i = await investigate('endless', 400);
  expect(await i.handle.result()).toMatchObject({ status: 'TIMED_OUT', error: 'deadline', conclusion: null });
  expect(await p.entries(i.it.id)).toContain('investigation.timed_out');
  await keep('investigation.timed-out', i.handle);
  await i.agrees();
});

test('cancelled in Temporal, it is interrupted between two steps', async () => {
  const i = await investigate('endless');
  await i.underWay();
  await keep('investigation.suspended', i.handle);
  await i.handle.cancel();
  expect(await i.handle.result()).toMatchObject({ status: 'INTERRUPTED', error: 'cancelled in Temporal' });
  expect(await p.entries(i.it.id)).toContain('investigation.interrupted');
  await keep('investigation.interrupted', i.handle);
  await i.agrees();
});

test('an investigator that throws fails it, in its own words', async () => {
  const i = await investigate('broken');
  expect(await i.handle.result()).toMatchObject({
    status: 'FAILED',
    error: expect.stringContaining('the plan ends here'),
  });
  await keep('investigation.failed', i.handle);
  await i.agrees();
});

test('a row that is ahead of history decides: the investigation adopts its end', async () => {
  const i = await investigate('endless', 5_000);
  await i.underWay();
  const row = await i.row();
  if (!row) throw new Error('no row');
  // As after a crash between the commit of an end and the completion of its workflow task.
  const lost = step(row, { type: 'interrupt', reason: 'lost' }, row.createdAt);
  await investigationActivities(deps).recordInvestigation(lost, { event: 'interrupt', transition: 'lost' });
  expect(await i.handle.result()).toMatchObject({ status: 'INTERRUPTED', error: 'lost' });
  await keep('investigation.adopted', i.handle);
  await settles(async () => expect(await i.handle.query(investigationState)).toEqual(await i.row()));
});

test('… and one that ended before its history began has nothing left to do', async () => {
  const ticket = await p.ticket();
  const at = new Date().toISOString();
  const it: Investigation = {
    id: v7(), tenantId: c.tenantId, ticketId: ticket.id, transactionId: null, agentId: p.agentId, mode: 'quick', status: 'PENDING', steps: 0,
    attempt: 1, severity: null, confidence: null, conclusion: null, error: null, startedBy: ann, createdAt: at, finishedAt: null, version: 1,
  }; // prettier-ignore
  const { recordInvestigation } = investigationActivities(deps);
  await recordInvestigation(it, { event: 'open', transition: 'open' });
  const begun = step(it, { type: 'begin' }, at);
  await recordInvestigation(begun, { event: 'begin', transition: 'lost' });
  await recordInvestigation(step(begun, { type: 'interrupt', reason: 'lost' }, at), {
    event: 'interrupt',
    transition: 'lost too',
  });
  const handle = await p.workflow.start(investigation, {
    workflowId: workflowId('investigation', c.tenantId, it.id),
    taskQueue: c.taskQueue,
    args: [{ investigation: it, deadlineMs: 60_000 }],
  });
  expect(await handle.result()).toMatchObject({ status: 'INTERRUPTED', error: 'lost' });
  expect(await p.steps(it.id)).toEqual([]);
  await keep('investigation.over-already', handle);
});

test('every history of these tests replays', () => p.replay());
