import { v7 } from 'uuid';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { Client } from 'pg';
import { gateActivities } from '../../activities/lifecycle/gates';
import { newGate, type Gate } from '../../domain/gate';
import { gateEntry } from '../../domain/gate-record';
import type { Actor } from '../../domain/principal';
import { signAssertion } from '../../log/assertion';
import {
  approvalGate,
  approve,
  complete,
  decide,
  gateState,
  reject,
  type Decision,
} from '../../workflows/approval-gate';
import { workflowId } from '../../workflows/ids';
import { withdraw } from '../../workflows/messages';
import { gates } from '../../db/gates';
import { settles, until } from '../until';
import { keep } from './keep';
import { clockwork, type Clockwork } from './time';

const DAY = 86_400_000;
const ann: Actor = { id: v7(), kind: 'user', name: 'ann' };
const bob: Actor = { id: v7(), kind: 'user', name: 'bob' };
const agent: Actor = { id: v7(), kind: 'agent', name: 'agent-7' };

let c: Clockwork;
beforeAll(async () => void (c = await clockwork(gateActivities)));
afterAll(() => c.close());

/** Its first row is its API's to write, or its own. */
async function open(
  of: Partial<Pick<Gate, 'requestedBy' | 'onBehalfOf' | 'digest'>> = {},
  ttlMs = DAY,
  rowFirst = false,
) {
  const draft = newGate(
    {
      id: v7(), tenantId: c.tenantId, ticketId: null, runId: null, agentId: null, accessRequestId: null, action: 'block_url',
      target: 'https://example.invalid', reason: null, command: null, riskLevel: 'low', approvalPolicy: {}, digest: 'd1',
      requestedBy: agent, onBehalfOf: ann, ...of,
    },
    new Date(await c.env.currentTimeMs()).toISOString(),
    ttlMs,
  ); // prettier-ignore
  const by = draft.requestedBy;
  const opening = { event: 'open', by, transition: 'open', proof: null, correlationId: null } as const;
  const stood = rowFirst
    ? await c.store.write(c.tenantId, async (tx) => {
        const written = await gates.insert(tx, draft);
        if (written) tx.log(gateEntry(written, opening, null));
        return written;
      })
    : null;
  const gate = stood ?? draft;
  const handle = await c.env.client.workflow.start(approvalGate, {
    workflowId: workflowId('approvalGate', c.tenantId, gate.id),
    taskQueue: c.taskQueue,
    // Short, so that a task that is held open by a slow row hears of what happens meanwhile.
    workflowTaskTimeout: '1 second',
    args: [{ gate, tell: [] }],
  });
  await until('its row is written', async () => (await handle.query(gateState)).number > 0);
  const proof = (by: Actor, verdict: 'approve' | 'reject' | 'complete') =>
    signAssertion(c.keyring, { by, tenantId: c.tenantId, gateId: gate.id, verdict, digest: gate.digest });
  const decision = (verdict: 'approve' | 'reject', by: Actor): Decision => ({
    verdict, by, label: null, reason: null, proof: proof(by, verdict), correlationId: null,
  }); // prettier-ignore
  const completion = (result: string) => ({ by: bob, result, proof: proof(bob, 'complete'), correlationId: null });
  const row = () => c.store.read(c.tenantId, (tx) => gates.byId(tx, gate.id));
  const entries = async (): Promise<string[]> =>
    (
      await c.store.read(c.tenantId, (tx) =>
        tx.query('select kind from log where subject_id = $1 order by seq', [gate.id]),
      )
    ).rows.map((r) => r['kind'] as string);
  return { gate, handle, proof, decision, completion, row, entries };
}

const refusal = (code: string) => (e: unknown) => {
  expect(e).toBeInstanceOf(WorkflowUpdateFailedError);
  expect((e as WorkflowUpdateFailedError).cause).toMatchObject({ type: code });
};

test('one of two simultaneous decisions wins, the other is refused', async () => {
  const g = await open();
  const both = await Promise.allSettled([
    g.handle.executeUpdate(decide, { args: [g.decision('approve', bob)] }),
    g.handle.executeUpdate(decide, { args: [g.decision('reject', bob)] }),
  ]);
  expect(both.filter((r) => r.status === 'fulfilled')).toHaveLength(1);
  expect((await g.row())?.version).toBe(2);
  await settles(async () => expect(await g.handle.query(gateState)).toEqual(await g.row()));
  expect((await g.entries()).filter((k) => k !== 'gate.decision_refused')).toHaveLength(2);
});

test('a second approval changes nothing and says so; completion needs an approval', async () => {
  const g = await open();
  await g.handle
    .executeUpdate(complete, { args: [g.completion('x')] })
    .then(() => expect('refused').toBe(true), refusal('Conflict'));
  const approving = () => g.handle.executeUpdate(decide, { args: [g.decision('approve', bob)] });
  expect(await approving()).toMatchObject({ already: false });
  expect(await approving()).toMatchObject({ already: true, version: 2 });
  const done = await g.handle.executeUpdate(complete, { args: [g.completion('blocked')] });
  expect(done).toMatchObject({ status: 'completed', version: 3 });
  expect(await g.handle.result()).toMatchObject({ status: 'completed', result: 'blocked' });
  expect(await g.entries()).toEqual(['gate.requested', 'gate.approved', 'gate.completed']);
  await keep('approvalGate.completed', g.handle);
});

test('one whose row was written before it writes none of its own, and goes on from there', async () => {
  const g = await open({}, DAY, true);
  await settles(async () => expect(await g.handle.query(gateState)).toEqual(await g.row()));
  await g.handle.executeUpdate(decide, { args: [g.decision('approve', bob)] });
  await g.handle.executeUpdate(complete, { args: [g.completion('blocked')] });
  expect(await g.handle.result()).toEqual(await g.row());
  expect(await g.entries()).toEqual(['gate.requested', 'gate.approved', 'gate.completed']);
  await keep('approvalGate.row-first', g.handle);
});

test('nobody approves their own request, and the exception of the tenant is logged', async () => {
  const own = await open({ requestedBy: bob, onBehalfOf: null });
  await own.handle
    .executeUpdate(decide, { args: [own.decision('approve', bob)] })
    .then(() => expect('refused').toBe(true), refusal('Forbidden'));
  expect(await own.row()).toMatchObject({ status: 'pending' });
  expect(await own.entries()).toEqual(['gate.requested', 'gate.decision_refused']);
  await keep('approvalGate.suspended', own.handle);

  const asked = await open();
  await asked.handle.executeUpdate(decide, { args: [asked.decision('approve', ann)] });
  const { rows } = await c.store.read(c.tenantId, (tx) =>
    tx.query(`select body from log where subject_id = $1 and kind = 'gate.approved'`, [asked.gate.id]),
  );
  expect(rows[0]?.['body']).toMatchObject({ four_eyes: 'agent_only' });
});

test('a proof for another gate, verdict, digest or person does not decide', async () => {
  const g = await open();
  const other = await open({ digest: 'd2' });
  const wrong: Decision[] = [
    { ...g.decision('approve', bob), proof: other.proof(bob, 'approve') },
    { ...g.decision('approve', bob), proof: g.proof(bob, 'reject') },
    { ...g.decision('approve', bob), by: agent },
    { ...g.decision('approve', bob), proof: null },
    { ...g.decision('approve', bob), proof: 'forged' },
  ];
  for (const d of wrong)
    await g.handle.executeUpdate(decide, { args: [d] }).then(() => expect('refused').toBe(true), refusal('Forbidden'));
  expect(await g.row()).toMatchObject({ status: 'pending', version: 1 });
});

test('expires undecided; an approval lapses when it is not used in time', async () => {
  const undecided = await open();
  expect(await undecided.handle.result()).toMatchObject({ status: 'expired', decisionReason: 'deadline' });
  await keep('approvalGate.expired', undecided.handle);
  expect(await undecided.row()).toMatchObject({ status: 'expired', version: 2 });

  const unused = await open();
  await unused.handle.executeUpdate(decide, { args: [unused.decision('approve', bob)] });
  expect(await unused.handle.result()).toMatchObject({ status: 'expired', version: 3 });
  await keep('approvalGate.lapsed', unused.handle);
});

test('a row that is ahead of history decides: the workflow adopts it and refuses the opposite', async () => {
  const g = await open();
  // As after a crash between the commit of an approval and the completion of its workflow task.
  await gateActivities(c).recordGate(
    { ...g.gate, status: 'approved', decidedBy: bob, decidedAt: g.gate.requestedAt, version: 2 },
    { event: 'approve', by: bob, transition: 'lost', proof: g.proof(bob, 'approve'), correlationId: null },
  );
  await g.handle
    .executeUpdate(decide, { args: [g.decision('reject', bob)] })
    .then(() => expect('refused').toBe(true), refusal('Conflict'));
  expect(await g.handle.query(gateState)).toMatchObject({ status: 'approved', version: 2 });
  await keep('approvalGate.adopted', g.handle);
});

test('approves by signal, ignores its repeat, writes a late one down, and expires when it is withdrawn', async () => {
  const g = await open({ digest: null });
  await g.handle.signal(approve, { id: 's1', actor: 'operator' });
  await g.handle.signal(approve, { id: 's1', actor: 'operator' });
  await g.handle.signal(reject, { id: 's2', actor: 'operator' });
  await g.handle.signal(withdraw, { id: 'w', reason: 'agent 7 stopped' });
  expect(await g.handle.result()).toMatchObject({
    status: 'expired',
    decisionReason: 'agent 7 stopped',
    decidedBy: { kind: 'operator', name: 'operator' },
  });
  expect(await g.entries()).toEqual(['gate.requested', 'gate.approved', 'gate.decision_refused', 'gate.expired']);
  await keep('approvalGate.by-signal', g.handle);
});

test('a Signal of any shape is read or written down, and holds nothing up', async () => {
  const g = await open();
  const handle = c.env.client.workflow.getHandle(g.handle.workflowId);
  for (const payload of [null, {}, 'text', { id: 5, actor: 7, reason: { a: 1 } }, { id: 'n1', actor: '\u0000' }]) {
    await handle.signal('approve', payload);
  }
  await handle.signal('gateMoved', null);
  await handle.signal('complete', { id: 'c', by: null, result: 'x', proof: null });
  await handle.signal('complete', {});
  const refusals = async () => (await g.entries()).filter((kind) => kind === 'gate.decision_refused').length;
  await until('all of it is written down', async () => (await refusals()) === 7);
  expect(await g.row()).toMatchObject({ status: 'pending' });
  await g.handle.executeUpdate(decide, { args: [g.decision('approve', bob)] });
  // Who says it without proof is an operator, whatever it calls itself.
  await handle.signal('complete', { id: 'd', by: { id: null, kind: 'user', name: 'ann' }, result: 'x', proof: null });
  expect(await g.handle.result()).toMatchObject({
    status: 'completed',
    completedBy: { id: null, kind: 'operator', name: 'ann' },
  });
  await keep('approvalGate.any-shape', g.handle);

  const withdrawn = await open();
  await c.env.client.workflow.getHandle(withdrawn.handle.workflowId).signal('withdraw', {});
  expect(await withdrawn.handle.result()).toMatchObject({ status: 'expired', decisionReason: 'withdrawn' });
  await keep('approvalGate.withdrawn', withdrawn.handle);
});

test('a deadline that passes while an approval is being recorded does not end the approval', async () => {
  const g = await open({}, 3_000);
  const holder = new Client({ connectionString: c.databaseUrl });
  await holder.connect();
  try {
    await holder.query('begin');
    await holder.query('select 1 from gates where id = $1 for update', [g.gate.id]);
    const approving = g.handle.executeUpdate(decide, { args: [g.decision('approve', bob)] });
    const fired = async () =>
      (await g.handle.fetchHistory()).events?.some((e) => e.timerFiredEventAttributes != null) ?? false;
    await until('the first deadline has passed', fired);
    await holder.query('rollback');
    expect(await approving).toMatchObject({ status: 'approved' });
  } finally {
    await holder.end();
  }
  // The skipped clock runs on to the approval's own deadline; the first one ended nothing.
  await g.handle.result();
  const { rows } = await c.owner.query<{ kind: string; transition: string }>(
    'select kind, transition from log where subject_id = $1 and version > 2',
    [g.gate.id],
  );
  expect(rows).toEqual([{ kind: 'gate.expired', transition: 'deadline:approved' }]);
  await keep('approvalGate.deadline-moved', g.handle);
});
