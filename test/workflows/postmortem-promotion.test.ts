import { WithStartWorkflowOperation, type WorkflowHandle } from '@temporalio/client';
import { Client } from 'pg';
import { v7 } from 'uuid';
import { createActivities } from '../../activities';
import type { PartName, PromotionRequest } from '../../activities';
import { articles, blueprints, postmortems, skills } from '../../db/learning';
import { promotionParts } from '../../db/promotions';
import { analyst } from '../../domain/analyst/analyst';
import type { Postmortem, PostmortemStatus } from '../../domain/learning';
import { workflowId } from '../../workflows/ids';
import { postmortemPromotion, promoted, promotionState } from '../../workflows/postmortem-promotion';
import { until } from '../until';
import { keep } from './keep';
import { ann, play, refused } from './play';
import { clockwork, type Clockwork } from './time';

// As the server numbers them.
const [TASK_STARTED, CANCEL_REQUESTED] = ['6', '20'];

/** Parts whose answer is lost once they are made, while a reviewer takes the approval back. */
const lost = new Set<string>();
const takeBackApproval = (id: string) =>
  c.owner.query(`update postmortems set status = 'needs_revision', version = version + 1 where id = $1`, [id]);

let c: Clockwork;
let p: ReturnType<typeof play>;
beforeAll(async () => {
  c = await clockwork((deps) => {
    const activities = createActivities(deps, [analyst]);
    return {
      ...activities,
      async promotePart(request: PromotionRequest, part: PartName) {
        const outcome = await activities.promotePart(request, part);
        if (lost.delete(`${request.postmortemId} ${part}`)) {
          await takeBackApproval(request.postmortemId);
          throw new Error('its answer is lost');
        }
        return outcome;
      },
    };
  });
  p = play(c);
});
afterAll(() => c.close());

async function postmortem(
  status: PostmortemStatus = 'approved',
  title = `Passwords guessed ${v7()}`,
): Promise<Postmortem> {
  const ticket = await p.ticket(title);
  const at = new Date().toISOString();
  const row: Postmortem = {
    id: v7(), tenantId: c.tenantId, number: 0, ticketId: ticket.id, runId: null, status, summary: 'Somebody guessed passwords.', wentWell: '- Found.',
    improvements: '- Block.', workflowProposal: '1. Read the log.', documentation: 'All of it.', skillProposals: ['Count failed passwords'],
    testCases: ['finds the source'], guardrails: ['Never log in to try.'], synthesis: null, reviewNotes: null, createdBy: 'agent-1', reviewedBy: 'ann', reviewedAt: at,
    createdAt: at, updatedAt: at, version: 1,
  }; // prettier-ignore
  const written = await c.store.write(c.tenantId, (tx) => postmortems.insert(tx, row));
  if (!written) throw new Error('not written');
  return written;
}

/** Starts a promotion; `answer` is what the API would be told. */
function promote(of: Postmortem, only: Partial<PromotionRequest> = {}) {
  const request: PromotionRequest = {
    tenantId: c.tenantId, postmortemId: of.id, by: ann, createKnowledge: true, createWorkflow: true, createSkills: true, workflowStatus: 'draft',
    markPromoted: true, ...only,
  }; // prettier-ignore
  const startWorkflowOperation = new WithStartWorkflowOperation(postmortemPromotion, {
    workflowId: workflowId('postmortemPromotion', c.tenantId, of.id),
    taskQueue: c.taskQueue,
    workflowIdConflictPolicy: 'USE_EXISTING',
    args: [request],
    // A task that is held goes on in another one this soon, with what came in meanwhile.
    workflowTaskTimeout: '1 second',
  });
  return {
    answer: p.workflow.executeUpdateWithStart(promoted, { startWorkflowOperation, args: [] }),
    started: () => startWorkflowOperation.workflowHandle(),
  };
}

const made = async (of: Postmortem) =>
  Object.fromEntries(
    (await c.store.read(c.tenantId, (tx) => promotionParts(tx, of.id))).map((r) => [r.part, r.outcome]),
  );
const counts = () =>
  c.store.read(c.tenantId, async (tx) => ({
    // One that is withdrawn steps aside: others may have read it.
    articles: (await articles.list(tx, 'where enabled', [])).length,
    skills: (await skills.list(tx, '', [])).length,
    blueprints: (await blueprints.list(tx, '', [])).length,
  }));
const row = (of: Postmortem) => c.store.read(c.tenantId, (tx) => postmortems.byId(tx, of.id));

test('makes every part; a repeat finds them and makes nothing twice', async () => {
  const it = await postmortem();
  const first = await promote(it).answer;
  expect(first).toMatchObject({ status: 'promoted' });
  expect(Object.keys(first.parts).sort()).toEqual(['article', 'blueprint', 'close', 'skills']);
  expect(first.parts).toEqual(await made(it));
  expect(await row(it)).toMatchObject({ status: 'promoted' });
  const before = await counts();
  expect(before).toEqual({ articles: 1, skills: 1, blueprints: 1 });
  await keep('postmortemPromotion.promoted', p.handle('postmortemPromotion', it.id));
  const again = promote(it);
  expect((await again.answer).parts).toEqual(first.parts);
  expect(await counts()).toEqual(before);
  expect(await (await again.started()).query(promotionState)).toEqual(await again.answer);
});

test('parts that were not asked for are not made', async () => {
  const it = await postmortem();
  const before = await counts();
  const closing = promote(it, { createKnowledge: false, createSkills: false, createWorkflow: false });
  expect(Object.keys((await closing.answer).parts)).toEqual(['close']);
  expect(await counts()).toEqual(before);
  await keep('postmortemPromotion.only-closed', await closing.started());
});

test('one that is not approved is refused, and nothing is made', async () => {
  const it = await postmortem('draft');
  const before = await counts();
  const refusal = promote(it);
  await refused('Conflict', refusal.answer);
  expect(await counts()).toEqual(before);
  expect(await (await refusal.started()).query(promotionState)).toEqual({
    postmortemId: it.id,
    status: 'compensated',
    parts: {},
  });
  expect(await row(it)).toEqual(it);
  await keep('postmortemPromotion.refused', p.handle('postmortemPromotion', it.id));
});

/** Holds the promotion in the midst of its skills, the article made, until `work` is done. */
async function meanwhile(it: Postmortem, work: (handle: WorkflowHandle) => Promise<void>) {
  await c.owner.query('begin');
  await c.owner.query('lock table skills in access exclusive mode');
  const held = promote(it);
  const handle = await held.started();
  await until('the skills wait for the lock', async () => {
    const { rowCount } = await c.owner.query(
      `select from pg_locks where relation = 'skills'::regclass and not granted`,
    );
    return rowCount !== 0;
  });
  await work(handle);
  await c.owner.query('commit');
  return { answer: held.answer, handle };
}

async function isTakenBack(it: Postmortem, handle: WorkflowHandle, before: object) {
  expect(await counts()).toEqual(before);
  expect(await made(it)).toEqual({});
  expect(await handle.query(promotionState)).toEqual({ postmortemId: it.id, status: 'compensated', parts: {} });
  expect(await handle.result()).toMatchObject({ status: 'compensated' });
}

test('a part that is refused for good takes back what was made before it', async () => {
  const it = await postmortem();
  const before = await counts();
  const reviewer = new Client({ connectionString: c.databaseUrl });
  await reviewer.connect();
  const { rows: [{ pid }] } = await reviewer.query('select pg_backend_pid() as pid'); // prettier-ignore
  let reviewed: Promise<unknown> = Promise.resolve();
  const { answer, handle } = await meanwhile(it, async () => {
    // Waits for the skills as well: who takes the approval back comes between them and the blueprint.
    reviewed = reviewer.query(`update postmortems set status = 'needs_revision', version = version + 1 where id = $1`, [
      it.id,
    ]);
    await until('the reviewer waits', async () => {
      // Not pg_stat_activity: within a transaction, as the owner is, that stays as it was first seen.
      const { rowCount } = await c.owner.query(`select from pg_locks where pid = $1 and not granted`, [pid]);
      return rowCount !== 0;
    });
  });
  await refused('Conflict', answer);
  await reviewed;
  await reviewer.end();
  await isTakenBack(it, handle, before);
  expect(await row(it)).toMatchObject({ status: 'needs_revision' });
  await keep('postmortemPromotion.compensated', handle);
});

test('a part that was made, answered to nobody and then refused is taken back as well', async () => {
  const it = await postmortem();
  const before = await counts();
  lost.add(`${it.id} skills`);
  const promotion = promote(it);
  await refused('Conflict', promotion.answer);
  const handle = await promotion.started();
  await isTakenBack(it, handle, before);
  await keep('postmortemPromotion.lost-answer', handle);
});

test('one that is cancelled in Temporal takes back what it made, and says so', async () => {
  const it = await postmortem();
  const before = await counts();
  const { answer, handle } = await meanwhile(it, async (held) => {
    await held.cancel();
    await until('the workflow hears of it', async () => {
      await keep('postmortemPromotion.suspended', held);
      const types = ((await held.fetchHistory()).events ?? []).map((e) => String(e.eventType));
      return types.slice(types.indexOf(CANCEL_REQUESTED)).includes(TASK_STARTED) && types.includes(CANCEL_REQUESTED);
    });
  });
  await refused('Conflict', answer);
  await isTakenBack(it, handle, before);
  expect(await row(it)).toEqual(it);
  await keep('postmortemPromotion.cancelled', handle);
});

test('every history of these tests replays', () => p.replay());
