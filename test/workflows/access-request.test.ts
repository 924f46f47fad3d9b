import { WithStartWorkflowOperation } from '@temporalio/client';
import { v7 } from 'uuid';
import { createActivities } from '../../activities';
import { accessActivities } from '../../activities/lifecycle/access';
import { gateOfAccess, newAccess, preapprovedAccess, step } from '../../domain/access';
import { analyst } from '../../domain/analyst/analyst';
import type { LeaseScope } from '../../domain/harness';
import { newGate } from '../../domain/gate';
import { accessRequest, openedAccess, settledAccess } from '../../workflows/access-request';
import { stop } from '../../workflows/agent-run';
import { workflowId } from '../../workflows/ids';
import { preapprovedStart, startOptions } from '../../workflows/start';
import { gateMoved, runEnded } from '../../workflows/messages';
import { until } from '../until';
import { leases } from './access-leases';
import { keep } from './keep';
import { ann, bob, DAY, play } from './play';
import { scripted } from './scripted';
import { clockwork, type Clockwork } from './time';

const world = {} as { c: Clockwork; p: ReturnType<typeof play> };
let c: Clockwork;
let p: ReturnType<typeof play>;
beforeAll(async () => {
  c = await clockwork((deps) => createActivities(deps, [analyst, scripted]));
  p = play(c);
  Object.assign(world, { c, p });
});
afterAll(() => c.close());

/** A run of the script that has asked for access, and the gate that decides on it. */
async function asked(prompt: string) {
  const ticket = await p.ticket();
  const run = await p.spawn(ticket, 'scripted', `access ${prompt}`);
  const gate = await p.gateOf(run.id, 'grant_access');
  return { ticket, run, gate, access: await p.accessOf(gate) };
}

/** Asked for by a person, for no run. */
async function standalone(
  lease: LeaseScope | null = { system: 'gitlab', resourceType: 'project', resourceId: 'ops', action: 'read' },
) {
  const ticket = await p.ticket();
  const at = new Date(await c.env.currentTimeMs()).toISOString();
  const access = newAccess(
    {
      id: v7(), tenantId: c.tenantId, ticketId: ticket.id, accessTicketId: v7(), runId: null, agentId: null, gateId: v7(), resource: 'gitlab project ops',
      permission: 'read', accountRef: null, reason: 'to see changes', assignmentGroup: 'Identity & Access', raci: null, syncProvider: null, label: null, riskLevel: 'low',
      lease, requester: ann, onBehalfOf: null,
    },
    at,
  ); // prettier-ignore
  const startWorkflowOperation = new WithStartWorkflowOperation(accessRequest, {
    workflowId: workflowId('accessRequest', c.tenantId, access.id),
    taskQueue: c.taskQueue,
    workflowIdConflictPolicy: 'USE_EXISTING',
    args: [{ access, gate: newGate(gateOfAccess(access), at, DAY), leaseMs: 2 * DAY, queue: c.taskQueue }],
  });
  const opened = await p.workflow.executeUpdateWithStart(openedAccess, { startWorkflowOperation, args: [] });
  return { ...opened, ticket, handle: p.handle('accessRequest', access.id) };
}

test('the answer to an opening has request and gate; the ticket of the owning group hangs below', async () => {
  const { access, gate, ticket, handle } = await standalone();
  expect(access).toMatchObject({ status: 'pending_approval', number: expect.any(Number), version: 1 });
  expect(gate).toMatchObject({ accessRequestId: access.id, status: 'pending', action: 'grant_access' });
  const { rows } = await c.owner.query('select parent_ticket_id, owning_group, status from tickets where id = $1', [
    access.accessTicketId,
  ]);
  expect(rows).toEqual([{ parent_ticket_id: ticket.id, owning_group: 'Identity & Access', status: 'new' }]);
  expect((await p.notes(ticket)).map((n) => n.source)).toEqual(['access-request', 'approval-gate']);
  await p.agree(null, { gate: gate.id, access: access.id });
  await keep('accessRequest.suspended', handle);
  await p.decide(gate, 'reject', 'ask the owner');
  expect(await handle.executeUpdate(settledAccess)).toMatchObject({
    status: 'rejected',
    evidence: 'ask the owner',
    approvalActor: bob,
  });
  await handle.result();
  await p.agree(null, { gate: gate.id, access: access.id });
  await keep('accessRequest.rejected', handle);
});

/** What the reader does for a run whose workflow preapproves a lease. */
async function preapproved(run: { id: string }, ticketId: string) {
  const at = new Date(await c.env.currentTimeMs()).toISOString();
  const by = { number: 3, workflowKey: 'incident:edr-sysmon', version: 2, reviewedBy: 'dana' };
  const requester = { id: p.agentId, kind: 'agent' as const, name: 'agent' };
  const ids = { id: v7(), tenantId: c.tenantId, ticketId, runId: run.id, agentId: p.agentId, gateId: v7(), requester };
  const lease = { system: 'wazuh', resourceType: 'api', resourceId: 'wazuh.manager', action: 'read' };
  const access = preapprovedAccess(ids, lease, by, at);
  const start = preapprovedStart({ access, preapproved: by, leaseMs: DAY, queue: c.taskQueue });
  await p.workflow.start('accessRequest', startOptions<unknown[]>(start, c.taskQueue));
  return { id: access.id, handle: p.handle('accessRequest', access.id) };
}

test('what a reviewed workflow preapproves is granted without a gate, and ends with its run', async () => {
  const ticket = await p.ticket();
  const run = await p.spawn(ticket, 'scripted', 'access hold finish');
  await p.gateOf(run.id, 'grant_access'); // the run's own request, which waits beside it
  const { id, handle } = await preapproved(run, ticket.id);
  await p.accessIs(id, 'granted');
  expect(await p.row.access(id)).toMatchObject({
    accessTicketId: ticket.id,
    evidence: 'preapproved by incident:edr-sysmon',
    approvalActor: { kind: 'system', name: 'workflow 3, version 2, reviewed by dana' },
  });
  expect(await p.leases(run.id)).toMatchObject([{ status: 'active' }]);
  expect((await p.row.run(run.id))?.status).not.toBe('finished');
  const { rows } = await c.owner.query('select status from tickets where id = $1', [ticket.id]);
  await p.say(run, ticket, 'that is enough');
  await p.accessIs(id, 'revoked');
  expect(await handle.result()).toMatchObject({
    status: 'revoked',
    evidence: expect.stringMatching(/^agent \d+ finished$/),
  });
  expect(await p.leases(run.id)).toMatchObject([{ status: 'revoked', secret_sealed: null }]);
  expect(await p.entries(id)).toEqual(['access.requested', 'access.approved', 'access.granted', 'access.revoked']);
  expect(rows).not.toEqual([{ status: 'resolved' }]); // its own ticket stands where a child's would, and is not one
  await p.agree(null, { access: id });
  await keep('accessRequest.preapproved', handle);

  const late = await preapproved(run, ticket.id);
  await p.accessIs(late.id, 'expired');
  expect(await late.handle.result()).toMatchObject({ status: 'expired', leaseId: null });
  await keep('accessRequest.preapproved-late', late.handle);
});

leases({ world, asked });

test('the run goes on while people decide, and hears of what they decided', async () => {
  const { run, gate, access } = await asked('');
  await p.gateOf(run.id, 'publish_static_site');
  await p.decide(gate, 'reject', 'no');
  await p.accessIs(access.id, 'rejected');
  await until('the run waits', async () => (await p.row.run(run.id))?.status === 'pending_approval');
  await run.handle.executeUpdate(stop, { args: [{ by: bob, reason: 'enough', terminate: false }] });
  await p.agree(run, { gate: gate.id, access: access.id });
});

test('the run ends before people decide: the gate is withdrawn, and nothing is granted', async () => {
  const { run, gate, access } = await asked('finish');
  expect(await run.handle.result()).toMatchObject({ status: 'finished' });
  await p.accessIs(access.id, 'expired');
  expect(await p.row.gate(gate.id)).toMatchObject({
    status: 'expired',
    decisionReason: expect.stringMatching(/^agent \d+ finished$/),
  });
  expect(await p.leases(run.id)).toEqual([]);
  const { rows } = await c.owner.query('select status from tickets where id = $1', [access.accessTicketId]);
  expect(rows).toEqual([{ status: 'closed' }]);
  await p.agree(run, { gate: gate.id, access: access.id });
  await p.handle('accessRequest', access.id).result();
  await keep('accessRequest.withdrawn', p.handle('accessRequest', access.id));
});

test('an approval that is never completed lapses with the run', async () => {
  const lapsed = await asked('hold');
  await p.decide(lapsed.gate, 'approve');
  await p.accessIs(lapsed.access.id, 'approved');
  await lapsed.run.handle.executeUpdate(stop, { args: [{ by: bob, reason: 'enough', terminate: false }] });
  await p.accessIs(lapsed.access.id, 'expired');
  await keep('accessRequest.lapsed', p.handle('accessRequest', lapsed.access.id));
  await p.agree(lapsed.run, { gate: lapsed.gate.id, access: lapsed.access.id });
});

test('a row that is ahead of history decides: the request adopts it and goes on from there', async () => {
  const { access, gate, handle } = await standalone();
  // As after a crash between the commit of an approval and the completion of its workflow task.
  const lost = step(access, { type: 'approve', by: bob }, access.createdAt);
  await accessActivities(c).recordAccess(lost, { event: 'approve', transition: 'lost' });
  await p.decide(gate, 'reject', 'no');
  expect(await handle.result()).toMatchObject({ status: 'expired', evidence: 'no' });
  await keep('accessRequest.adopted', handle);
  await until('the log says so', async () => (await p.entries(access.id)).length === 3);
  expect(await p.entries(access.id)).toEqual(['access.requested', 'access.approved', 'access.expired']);
  await p.agree(null, { gate: gate.id, access: access.id });
});

test('where no credential can be inferred, access is granted and taken back between people', async () => {
  const { access, gate, handle } = await standalone(null);
  await p.decide(gate, 'approve');
  await p.accessIs(access.id, 'approved');
  // Neither an old word of the gate, nor one that no gate says, nor one of no shape changes anything.
  await handle.signal(gateMoved, { ...gate, version: 1e9 });
  await handle.signal(gateMoved, gate);
  await p.workflow.getHandle(handle.workflowId).signal('runEnded', {});
  await p.complete(gate, 'told the owner');
  await p.accessIs(access.id, 'granted');
  await handle.signal(runEnded, { reason: 'nobody needs it' });
  expect(await handle.result()).toMatchObject({ status: 'revoked', leaseId: null });
  expect((await c.owner.query('select from leases where access_request_id = $1', [access.id])).rowCount).toBe(0);
  await keep('accessRequest.without-lease', handle);
  await p.agree(null, { gate: gate.id, access: access.id });
});

test('a word that its gate was completed lends nothing: neither before people decide, nor before they carry it out', async () => {
  const { access, gate, handle } = await standalone();
  const forged = { ...gate, status: 'completed' as const, version: 3, decidedBy: bob, result: 'forged' };
  await handle.signal(gateMoved, forged);
  await p.decide(gate, 'approve');
  await p.accessIs(access.id, 'approved');
  await handle.signal(gateMoved, forged);
  // What would lend looks at the row of the gate, and answers.
  const looked = async (): Promise<boolean> =>
    ((await handle.fetchHistory()).events ?? []).some((e) => Boolean(e.activityTaskCompletedEventAttributes));
  await until('the row to be looked at', looked);
  await handle.signal(runEnded, { reason: 'nobody needs it' });
  expect(await handle.result()).toMatchObject({ status: 'expired', evidence: 'nobody needs it', leaseId: null });
  expect((await c.owner.query('select from leases where access_request_id = $1', [access.id])).rowCount).toBe(0);
  await keep('accessRequest.forged', handle);
  await p.agree(null, { gate: gate.id, access: access.id });
});

test('a request whose gate is gone ends when nobody needs it any more', async () => {
  const { access, gate, handle } = await standalone();
  await p.handle('approvalGate', gate.id).terminate('by mistake');
  await handle.signal(runEnded, { reason: 'nobody needs it' });
  expect(await handle.result()).toMatchObject({ status: 'expired', evidence: 'nobody needs it' });
  await keep('accessRequest.gate-gone', handle);
  await p.agree(null, { access: access.id });
});

test('every history of these tests replays', () => p.replay());
