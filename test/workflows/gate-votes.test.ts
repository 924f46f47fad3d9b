import { WorkflowUpdateFailedError } from '@temporalio/client';
import { v7 } from 'uuid';
import { gateActivities } from '../../activities/lifecycle/gates';
import { voteActivities } from '../../activities/lifecycle/votes';
import { votesOf } from '../../db/gate-votes';
import { gates } from '../../db/gates';
import { newGate, type Gate, type Verdict } from '../../domain/gate';
import type { Actor } from '../../domain/principal';
import { callsOf, type GateRule } from '../../domain/quorum';
import { counted, parseQuorum } from '../../domain/quorum-parser';
import { signAssertion } from '../../log/assertion';
import { approvalGate, approve, complete, decide, gateState, type Decision } from '../../workflows/approval-gate';
import { workflowId } from '../../workflows/ids';
import { settles, until } from '../until';
import { keep } from './keep';
import { clockwork, type Clockwork } from './time';

const HOUR = 3_600_000;
const person = (name: string): Actor => ({ id: v7(), kind: 'user', name });
const [ann, bob, cat, dan] = [person('ann'), person('bob'), person('cat'), person('dan')] as const;
const agent: Actor = { id: v7(), kind: 'agent', name: 'agent-7' };
const groups = { sre: [ann, bob], security: [cat], leads: [dan] };

let c: Clockwork;
beforeAll(async () => void (c = await clockwork((deps) => ({ ...gateActivities(deps), ...voteActivities(deps) }))));
afterAll(() => c.close());

function ruleOf(text: string, more: { to?: string; remindMs?: number; times?: number; escalateMs?: number } = {}): GateRule {
  const way = (of: string) => ({ text: of, needs: counted(parseQuorum(of).needs, (name) => groups[name as 'sre'].length) });
  return {
    ...way(text),
    people: Object.fromEntries(Object.entries(groups).map(([name, of]) => [name, of.map((a) => ({ id: a.id ?? '', name: a.name }))])),
    without: [agent.id ?? ''],
    remind: more.remindMs === undefined ? null : { everyMs: more.remindMs, times: more.times ?? 1 },
    escalate: more.to === undefined ? null : { ...way(more.to), afterMs: more.escalateMs ?? 2 * HOUR },
  };
} // prettier-ignore

async function open(rule: GateRule, ttlMs = 24 * HOUR) {
  const gate: Gate = newGate(
    {
      id: v7(), tenantId: c.tenantId, ticketId: null, runId: null, agentId: null, accessRequestId: null, action: 'restart',
      target: 'web-1', reason: null, command: null, riskLevel: 'high', approvalPolicy: {}, digest: 'd1', requestedBy: agent,
      onBehalfOf: null, rule,
    },
    new Date(await c.env.currentTimeMs()).toISOString(),
    ttlMs,
  ); // prettier-ignore
  const handle = await c.env.client.workflow.start(approvalGate, {
    workflowId: workflowId('approvalGate', c.tenantId, gate.id),
    taskQueue: c.taskQueue,
    args: [{ gate, tell: [] }],
  });
  await until('its row is written', async () => (await handle.query(gateState)).number > 0);
  const decision = (verdict: Verdict, by: Actor, digest = gate.digest): Decision => ({
    verdict, by, label: null, reason: `says ${by.name}`, correlationId: null,
    proof: signAssertion(c.keyring, { by, tenantId: c.tenantId, gateId: gate.id, verdict, digest }),
  }); // prettier-ignore
  const say = (verdict: Verdict, by: Actor) => handle.executeUpdate(decide, { args: [decision(verdict, by)] });
  const row = () => c.store.read(c.tenantId, (tx) => gates.byId(tx, gate.id));
  const votes = () => c.store.read(c.tenantId, (tx) => votesOf(tx, gate.id));
  const entries = async (): Promise<string[]> =>
    (
      await c.store.read(c.tenantId, (tx) =>
        tx.query('select kind from log where subject_id = $1 order by seq', [gate.id]),
      )
    ).rows.map((r) => r['kind'] as string);
  return { gate, handle, decision, say, row, votes, entries };
}

const refused = async (asked: Promise<unknown>, type: string): Promise<void> => {
  const e: unknown = await asked.then(
    () => 'not refused',
    (refusal: unknown) => refusal,
  );
  expect(e).toBeInstanceOf(WorkflowUpdateFailedError);
  expect((e as WorkflowUpdateFailedError).cause).toMatchObject({ type });
};

test('a change is approved by the vote that completes its quorum, once, and each vote is kept as it was signed', async () => {
  const g = await open(ruleOf('2 of sre and 1 of security'));
  expect(await g.say('approve', ann)).toEqual({ status: 'pending', version: 1, already: false });
  expect(await g.say('approve', ann)).toMatchObject({ status: 'pending', already: true });
  await refused(g.say('reject', ann), 'Conflict');
  expect(await g.say('approve', cat)).toMatchObject({ status: 'pending' });
  expect(await g.say('approve', bob)).toEqual({ status: 'approved', version: 2, already: false });
  expect(await g.say('approve', dan)).toMatchObject({ status: 'approved', already: true });
  expect(await g.row()).toMatchObject({ status: 'approved', decidedBy: { name: 'bob' }, decisionReason: 'says bob', version: 2 });
  await settles(async () => expect(await g.handle.query(gateState)).toEqual(await g.row()));
  expect((await g.votes()).map((v) => [v.voter.name, v.verdict, v.digest])).toEqual([
    ['ann', 'approve', 'd1'],
    ['cat', 'approve', 'd1'],
    ['bob', 'approve', 'd1'],
  ]);
  const proof = signAssertion(c.keyring, {
    by: bob, tenantId: c.tenantId, gateId: g.gate.id, verdict: 'complete', digest: 'd1',
  }); // prettier-ignore
  await g.handle.executeUpdate(complete, { args: [{ by: bob, result: 'restarted', proof, correlationId: null }] });
  expect(await g.handle.result()).toMatchObject({ status: 'completed', version: 3 });
  expect(await g.entries()).toEqual([
    'gate.requested', 'gate.voted', 'gate.voted', 'gate.voted', 'gate.approved', 'gate.completed',
  ]); // prettier-ignore
  await keep('approvalGate.voted', g.handle);
}); // prettier-ignore

test('only those who were asked have a vote, and prove it, for exactly this', async () => {
  const g = await open(ruleOf('1 of security'));
  await refused(g.say('approve', dan), 'Forbidden');
  await refused(g.say('approve', agent), 'Forbidden');
  await refused(g.say('reject', ann), 'Forbidden');
  await refused(g.handle.executeUpdate(decide, { args: [g.decision('approve', cat, 'd2')] }), 'Forbidden');
  await refused(g.handle.executeUpdate(decide, { args: [{ ...g.decision('approve', cat), by: dan }] }), 'Forbidden');
  await refused(g.handle.executeUpdate(decide, { args: [{ ...g.decision('approve', cat), proof: null }] }), 'Forbidden');
  await g.handle.signal(approve, { id: 's1', actor: 'operator' });
  await until('the operator is refused', async () => (await g.entries()).length === 8);
  // Past the votes nothing decides it, however it is proven.
  const decided: Gate = { ...g.gate, status: 'approved', decidedBy: cat, decidedAt: g.gate.requestedAt, version: 2 };
  const past = { event: 'approve' as const, by: cat, transition: 'past', proof: g.decision('approve', cat).proof, correlationId: null };
  await expect(gateActivities(c).recordGate(decided, past)).rejects.toMatchObject({ code: 'Forbidden' });
  expect(await g.row()).toMatchObject({ status: 'pending', version: 1 });
  expect(await g.votes()).toEqual([]);
  await keep('approvalGate.votes-refused', g.handle);
}); // prettier-ignore

test('a change is rejected when its quorum cannot come about any more', async () => {
  const g = await open(ruleOf('1 of sre'));
  expect(await g.say('reject', ann)).toMatchObject({ status: 'pending' });
  expect(await g.say('reject', bob)).toMatchObject({ status: 'rejected', version: 2 });
  expect(await g.handle.result()).toMatchObject({ status: 'rejected', decidedBy: { name: 'bob' } });
  await keep('approvalGate.voted-down', g.handle);
});

test('of two who vote at once both are counted, and of one who votes twice at once one', async () => {
  const g = await open(ruleOf('2 of sre'));
  const said = await Promise.all([g.say('approve', ann), g.say('approve', ann), g.say('approve', bob)]);
  expect(said.filter((d) => d.status === 'approved' && !d.already)).toHaveLength(1);
  expect(await g.votes()).toHaveLength(2);
  expect(await g.row()).toMatchObject({ status: 'approved', version: 2 });
});

test('votes that two workers count at the same time are counted one after the other', async () => {
  const g = await open(ruleOf('2 of sre'));
  const ballot = (by: Actor) => ({ ...g.decision('approve', by), transition: `by ${by.name}`, at: g.gate.requestedAt });
  const counted = await Promise.all([ann, bob].map((by) => voteActivities(c).recordVote(g.gate, ballot(by))));
  expect(counted.filter((v) => v.stands.status === 'approved')).toHaveLength(1);
  expect((await g.entries()).filter((kind) => kind === 'gate.approved')).toHaveLength(1);
  // After a crash between the commit and its history: the same vote is found, another is refused, and the row is adopted.
  expect(await voteActivities(c).recordVote(g.gate, ballot(bob))).toMatchObject({ vote: 'counted' });
  await refused(g.say('reject', cat), 'Conflict');
  expect(await g.handle.query(gateState)).toMatchObject({ status: 'approved', version: 2 });
  await keep('approvalGate.votes-adopted', g.handle);
});

test('the deadline ends a vote that came to nothing', async () => {
  const g = await open(ruleOf('2 of sre'), HOUR);
  await g.say('approve', ann);
  expect(await g.handle.result()).toMatchObject({ status: 'expired', version: 2, decidedBy: null });
  expect(await g.entries()).toEqual(['gate.requested', 'gate.voted', 'gate.expired']);
});

test('those who have not voted are reminded, and an escalation asks others, each once, for as long as it waits', async () => {
  const rule = ruleOf('2 of sre', { remindMs: HOUR, times: 2, to: '1 of leads', escalateMs: 3 * HOUR });
  expect(callsOf(rule).map(({ kind, n, afterMs }) => [kind, n, afterMs / HOUR])).toEqual([
    ['remind', 1, 1],
    ['remind', 2, 2],
    ['escalate', 1, 3],
  ]);
  const g = await open(rule);
  await refused(g.say('approve', dan), 'Forbidden');
  await g.say('approve', ann);
  await c.env.sleep(3.5 * HOUR);
  await until('it is escalated', async () => (await g.entries()).includes('gate.escalated'));
  expect(await g.entries()).toEqual([
    'gate.requested', 'gate.decision_refused', 'gate.voted', 'gate.reminded', 'gate.reminded', 'gate.escalated',
  ]); // prettier-ignore
  const { rows } = await c.owner.query<{ who: string[] }>(
    `select body -> 'can_decide' as who from log where subject_id = $1 and kind in ('gate.reminded', 'gate.escalated') order by seq`,
    [g.gate.id],
  );
  expect(rows.map((r) => r.who)).toEqual([['bob'], ['bob'], ['bob', 'dan']]);
  // The same again, as after a crash, is none.
  await voteActivities(c).recordCall(g.gate, { kind: 'remind', n: 1, afterMs: HOUR }, g.gate.requestedAt);
  expect((await g.entries()).filter((kind) => kind === 'gate.reminded')).toHaveLength(2);
  expect(await g.say('approve', dan)).toMatchObject({ status: 'approved' });
  await keep('approvalGate.escalated', g.handle);
});

test('an escalation approves what is enough by then, in the name of who voted', async () => {
  const g = await open(ruleOf('2 of sre', { to: '1 of sre', escalateMs: HOUR }));
  await g.say('approve', ann);
  await until('it is approved', async () => {
    await c.env.sleep('30 minutes');
    return (await g.row())?.status === 'approved';
  });
  expect(await g.row()).toMatchObject({ decidedBy: { name: 'ann' }, version: 2 });
  expect(await g.entries()).toEqual(['gate.requested', 'gate.voted', 'gate.escalated', 'gate.approved']);
  await keep('approvalGate.escalated-enough', g.handle);
});

test('what is decided in time is neither reminded of nor escalated', async () => {
  const g = await open(ruleOf('1 of security', { remindMs: HOUR, to: '1 of leads', escalateMs: 2 * HOUR }), 24 * HOUR);
  await g.say('approve', cat);
  expect(await g.handle.result()).toMatchObject({ status: 'expired', version: 3 }); // nobody carried it out
  expect(await g.entries()).toEqual(['gate.requested', 'gate.voted', 'gate.approved', 'gate.expired']);
});
