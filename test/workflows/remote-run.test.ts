import { createHash } from 'node:crypto';
import { v7 } from 'uuid';
import { createActivities } from '../../activities';
import { claim, end } from '../../db/remote-leases';
import { heldOffer, nextOpen } from '../../db/remote-tasks';
import { insertApiKey, revokeApiKey } from '../../db/api-keys';
import { callById, insertCall, placeCall } from '../../db/run-calls';
import { fence } from '../../db/run-queries';
import { runs } from '../../db/runs';
import type { CommandOutcome } from '../../domain/agent-process';
import { analyst } from '../../domain/analyst/analyst';
import { remoteHarness } from '../../domain/remote-harness';
import { stop } from '../../workflows/agent-run';
import { workflowId } from '../../workflows/ids';
import { taskMoved } from '../../workflows/messages';
import { proposedGate } from '../../workflows/open-gate';
import { callTool } from '../../workflows/tool-calls';
import { until } from '../until';
import { keep } from './keep';
import { bob, play, refused } from './play';
import { clockwork, type Clockwork } from './time';

// What the workflow makes of what is said of a task; who says it is over HTTP in test/api/remote.test.ts.

let c: Clockwork;
let p: ReturnType<typeof play>;
beforeAll(async () => {
  c = await clockwork((deps) => createActivities(deps, [analyst, remoteHarness]));
  p = play(c);
});
afterAll(() => c.close());

const ann = { id: v7(), kind: 'user', name: 'ann' } as const;
const offers = async (id: string) =>
  (await c.owner.query(`select offer, token, outcome ->> 'is' as outcome from remote_tasks where run_id = $1 order by offer`, [id])).rows; // prettier-ignore
const isOffered = (id: string, offer: number) =>
  until(`offer ${offer}`, async () => (await offers(id)).length === offer);

/** Somebody takes what is on offer, and says what came of it; the workflow is told, twice. */
async function comesTo(id: string, outcome: CommandOutcome): Promise<void> {
  await c.store.write(c.tenantId, async (tx) => {
    const open = await nextOpen(tx, []);
    const run = await runs.byId(tx, id);
    if (open?.runId !== id || !run) throw new Error('it is not on offer');
    const taken = await claim(tx, run, open, {
      holder: ann, worker: 'w', claimId: v7(), leaseSeconds: 60, key: () => ({ hash: createHash('sha256').update(v7()).digest('hex'), prefix: 'acp_' }),
    }); // prettier-ignore
    await end(tx, run, taken, outcome, ann);
  });
  const handle = p.handle('agentRun', id);
  await handle.signal(taskMoved, { id: 'one' });
  await handle.signal(taskMoved, { id: 'two' });
}

test('one that is done, one that is not, and a message that says nothing', async () => {
  const well = await p.spawn(await p.ticket(), 'remote');
  await isOffered(well.id, 1);
  await well.handle.signal(taskMoved, { id: 'nothing came of it' });
  await well.handle.signal(taskMoved, {} as { id: string });
  await comesTo(well.id, { is: 'finished', result: 'the disk was full' });
  await p.runIs(well.id, 'finished');
  expect(await p.row.run(well.id)).toMatchObject({ progress: 100, result: 'the disk was full' });
  expect(await p.entries(well.id)).toEqual(
    expect.arrayContaining(['task.offered', 'task.claimed', 'task.ended', 'run.finished']),
  );
  const ill = await p.spawn(await p.ticket(), 'remote');
  await isOffered(ill.id, 1);
  await comesTo(ill.id, { is: 'failed', error: 'no such host' });
  await p.runIs(ill.id, 'failed');
  expect((await p.row.run(ill.id))?.error).toBe('no such host');
  await p.agree(well);
  await keep('agentRun.remote-finished', well.handle);
  await keep('agentRun.remote-failed', ill.handle);
});

test('it waits for people, and is offered again with their answer; tokens go on', async () => {
  const ticket = await p.ticket();
  const run = await p.spawn(ticket, 'remote');
  await isOffered(run.id, 1);
  await comesTo(run.id, { is: 'waiting', for: 'awaiting_user_response', why: 'which host?' });
  await p.runIs(run.id, 'awaiting_user_response');
  await keep('agentRun.remote-waiting', run.handle);
  await p.say(run, ticket, 'web-7');
  await isOffered(run.id, 2);
  await p.runIs(run.id, 'running');
  await comesTo(run.id, { is: 'finished', result: 'web-7' });
  await p.runIs(run.id, 'finished');
  expect(await offers(run.id)).toEqual([
    { offer: 1, token: 1, outcome: 'waiting' },
    { offer: 2, token: 2, outcome: 'finished' },
  ]);
  await keep('agentRun.remote-answered', run.handle);
});

test('trouble that passes is waited out, three times', async () => {
  const run = await p.spawn(await p.ticket(), 'remote');
  for (let offer = 1; offer <= 4; offer += 1) {
    await isOffered(run.id, offer);
    await comesTo(run.id, { is: 'again', why: 'the model is busy', afterMs: 1 });
  }
  await p.runIs(run.id, 'failed');
  expect((await p.row.run(run.id))?.error).toBe('the model is busy (3 more attempts met the same)');
  await keep('agentRun.remote-given-up', run.handle);
});

test('stopped by people: the offer ends with it, in the same transaction', async () => {
  const run = await p.spawn(await p.ticket(), 'remote');
  await isOffered(run.id, 1);
  await c.store.write(c.tenantId, (tx) => fence(tx, run.id, 'enough'));
  expect(await c.store.write(c.tenantId, (tx) => nextOpen(tx, []))).toBeNull();
  await run.handle.executeUpdate(stop, { args: [{ by: bob, reason: 'enough', terminate: false }] });
  await run.handle.result();
  expect((await c.store.write(c.tenantId, (tx) => heldOffer(tx, run.id)))?.task.outcome).toEqual({ is: 'stopped', why: 'enough' });
  await keep('agentRun.remote-stopped', run.handle);
}); // prettier-ignore

const ask = (
  id: string,
  tool: string,
  args: Record<string, unknown>,
  gateId: string | null = null,
  keyId: string | null = null,
) => {
  const callId = v7();
  return {
    callId,
    made: c.store
      .write(c.tenantId, (tx) => insertCall(tx, { id: callId, runId: id, tool, args, why: 'to know', gateId, keyId }))
      .then(() => p.handle('agentRun', id).executeUpdate(callTool, { updateId: callId, args: [{ id: callId }] })),
  };
};
const callOf = (callId: string) => c.store.read(c.tenantId, (tx) => callById(tx, callId));

test('tools are called one after the other; after so many another workflow goes on, and a repeat is no call', async () => {
  const run = await p.spawn(await p.ticket(), 'remote', null, v7(), { turnsEach: 3 });
  await isOffered(run.id, 1);
  const calls = ['disk', 'mail', 'host'].map((query) => ask(run.id, 'knowledge.search', { query }));
  await Promise.all(calls.map(({ made }) => made));
  const first = await p.handle('agentRun', run.id).describe();
  await until('another workflow goes on', async () => (await p.handle('agentRun', run.id).describe()).runId !== first.raw.workflowExecutionInfo?.firstRunId); // prettier-ignore
  await p.handle('agentRun', run.id).executeUpdate(callTool, { args: [{ id: calls[0]?.callId ?? '' }] });
  await ask(run.id, 'no.such.tool', {}).made;
  await comesTo(run.id, { is: 'finished', result: 'known' });
  await p.runIs(run.id, 'finished');
  expect((await p.steps(run.id)).map((s) => [s.step, s.decision])).toEqual([[0, 'allow'], [1, 'allow'], [2, 'allow'], [3, 'deny']]); // prettier-ignore
  expect(await offers(run.id)).toEqual([{ offer: 1, token: 1, outcome: 'finished' }]);
  await p.agree(run);
  const before = p.workflow.getHandle(run.handle.workflowId, first.raw.workflowExecutionInfo?.firstRunId ?? '');
  await keep('agentRun.remote-renewed', before);
  await keep('agentRun.remote-carried', p.handle('agentRun', run.id));
});

test('what was escalated is called with its approval, which it uses up', async () => {
  const run = await p.spawn(await p.ticket(), 'remote');
  await isOffered(run.id, 1);
  const report = { title: 'Report', summary: 'All is known', claims: [], hypotheses: [], tables: [], references: [], limits: [], steering: [] }; // prettier-ignore
  const args = { slug: `known-${run.id}`, report };
  const escalated = ask(run.id, 'site.publish', args);
  await escalated.made;
  const seal = (await callOf(escalated.callId))?.seal ?? '';
  expect(seal).toMatch(/^[0-9a-f]{64}$/);
  const row = await p.row.run(run.id);
  if (!row) throw new Error('no run');
  const proposal = { action: 'call site.publish', target: args.slug, reason: 'to tell', step: 0, digest: seal };
  const gate = proposedGate(row, v7(), proposal, new Date(await c.env.currentTimeMs()).toISOString(), 86_400_000);
  const { taskQueue } = c;
  await c.env.client.workflow.start('approvalGate', { workflowId: workflowId('approvalGate', c.tenantId, gate.id), taskQueue, args: [{ gate, tell: [run.handle.workflowId] }] }); // prettier-ignore
  const open = await p.gateOf(run.id, 'call site.publish');
  await p.decide(open, 'approve');
  await ask(run.id, 'site.publish', args, gate.id).made;
  await until('the change is completed', async () => (await p.row.gate(gate.id))?.status === 'completed');
  expect((await p.steps(run.id)).map((s) => s.decision)).toEqual(['escalate', 'allow']);
  await comesTo(run.id, { is: 'finished', result: 'published' });
  await p.runIs(run.id, 'finished');
  await keep('agentRun.remote-approved', run.handle);
});

test('trouble that passes is counted on by the workflow that goes on', async () => {
  const run = await p.spawn(await p.ticket(), 'remote', null, v7(), { turnsEach: 2 });
  await isOffered(run.id, 1);
  await comesTo(run.id, { is: 'again', why: 'the model is busy', afterMs: 1 });
  await isOffered(run.id, 2);
  const before = (await p.handle('agentRun', run.id).describe()).runId;
  await Promise.all(['disk', 'mail'].map((query) => ask(run.id, 'knowledge.search', { query }).made));
  await until('another workflow goes on', async () => (await p.handle('agentRun', run.id).describe()).runId !== before);
  for (let offer = 2; offer <= 4; offer += 1) {
    await isOffered(run.id, offer);
    await comesTo(run.id, { is: 'again', why: 'the model is busy', afterMs: 1 });
  }
  await p.runIs(run.id, 'failed');
  expect((await p.row.run(run.id))?.error).toBe('the model is busy (3 more attempts met the same)');
  await keep('agentRun.remote-given-up-later', p.handle('agentRun', run.id));
});

test('a call gets the next free step, wherever the workflow thinks that it is', async () => {
  const run = await p.spawn(await p.ticket(), 'remote');
  await isOffered(run.id, 1);
  const search = () => ask(run.id, 'knowledge.search', { query: 'disk' });
  // Placed by an attempt of which the workflow has heard nothing.
  const lost = v7();
  await c.store.write(c.tenantId, async (tx) => {
    await insertCall(tx, { id: lost, runId: run.id, tool: 'knowledge.search', args: { query: 'x' }, why: null, gateId: null, keyId: null });
    const call = await callById(tx, lost);
    if (call) expect(await placeCall(tx, call, 0)).toBe(0);
  });
  const next = search();
  await next.made;
  expect((await callOf(next.callId))?.step).toBe(1);
  await comesTo(run.id, { is: 'finished', result: 'known' });
  await p.runIs(run.id, 'finished');
}); // prettier-ignore

test('what was asked for with a key that is over is not begun with; what was begun is gone on with', async () => {
  const run = await p.spawn(await p.ticket(), 'remote');
  await isOffered(run.id, 1);
  const keyId = v7();
  await c.store.write(c.tenantId, (tx) =>
    insertApiKey(tx, {
      id: keyId, name: 'k', keyHash: keyId, keyPrefix: 'acp_', role: 'agent', userId: null, agentId: null, scopes: [], runId: run.id, expiresAt: null,
    })); // prettier-ignore
  const begun = ask(run.id, 'knowledge.search', { query: 'disk' }, null, keyId);
  await begun.made;
  await c.store.write(c.tenantId, (tx) => revokeApiKey(tx, keyId));
  await refused('Conflict', ask(run.id, 'knowledge.search', { query: 'mail' }, null, keyId).made);
  await p.handle('agentRun', run.id).executeUpdate(callTool, { args: [{ id: begun.callId }] });
  expect(await p.steps(run.id)).toHaveLength(1);
  await c.owner.query(`update api_keys set revoked_at = null, expires_at = now() - interval '1 second' where id = $1`, [keyId]);
  await refused('Conflict', ask(run.id, 'knowledge.search', { query: 'mail' }, null, keyId).made);
  await ask(run.id, 'knowledge.search', { query: 'mail' }).made;
  expect((await p.steps(run.id)).map((s) => s.step)).toEqual([0, 1]);
  await comesTo(run.id, { is: 'finished', result: 'known' });
  await p.runIs(run.id, 'finished');
  await keep('agentRun.remote-key-over', run.handle);
}); // prettier-ignore

test('every history replays', () => p.replay());
