import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { demoLog } from '../../cli/story';
import { startServer, until, type Server } from '../harness';
import { temporal } from '../stack';

const run = promisify(execFile);
let s: Server;
beforeAll(async () => void (s = await startServer()));
afterAll(() => s.close());

const signal = (workflowId: string, name: string, input: object) =>
  run(temporal().cliPath, [
    'workflow', 'signal', '--address', temporal().address, '--workflow-id', workflowId, '--name', name, '--input', JSON.stringify(input),
  ]); // prettier-ignore

/** A change that somebody asked for; an agent's proposal is sealed besides. */
async function request() {
  const { body: ticket } = await s.call('POST', '/api/tickets', { title: 'by hand', ticket_class: 'Incident' });
  const asked = { ticket_id: ticket.id, action: 'restart', target: 'web-1' };
  const { body } = await s.call('POST', '/api/changes/request', asked);
  return (await s.call('GET', `/api/changes/${body.change_id}`)).body;
}
async function proposal() {
  const { body: ticket } = await s.call('POST', '/api/tickets', { title: 'by signal', ticket_class: 'Incident' });
  const form = new FormData();
  form.set('file', new Blob([demoLog()]), 'auth.log');
  await s.call('POST', `/api/tickets/${ticket.id}/attachments`, form);
  const { body: agent } = await s.call('POST', `/api/tickets/${ticket.id}/assign-agent`, {});
  return until(
    async () => (await s.call('GET', `/api/changes?agent_id=${agent.agent_id}&status=pending`)).body.changes[0],
    'the proposal',
  );
}
/** What the log says of the change: kind, who, why. */
const said = async (change: { id: number }) => {
  const { rows } = await s.owner.query<{ kind: string; name: string; reason: string | null; status: string }>(
    `select kind, actor->>'name' as name, reason, body->>'status' as status from log where kind like 'gate.%' and (body->>'change_id')::int = $1 order by seq`,
    [change.id],
  );
  return rows;
};
const refused = (change: { id: number }) =>
  until(async () => (await said(change)).find((e) => e.kind === 'gate.decision_refused'), 'the refusal in the log');

test('an operator approves with `temporal workflow signal`; a repeat and a late rejection change nothing', async () => {
  const change = await request();
  await signal(change.workflow_id, 'approve', { id: 'op-1', actor: 'dana' });
  await signal(change.workflow_id, 'approve', { id: 'op-1', actor: 'dana' });
  await signal(change.workflow_id, 'reject', { id: 'op-2', actor: 'dana' });
  expect(await refused(change)).toMatchObject({ name: 'dana', reason: 'cannot reject a change that is approved' });
  const { body } = await s.call('GET', `/api/changes/${change.id}`);
  expect(body).toMatchObject({ status: 'approved', approved_by: 'dana' });
  const { rows } = await s.owner.query(
    `select actor from log where kind = 'gate.approved' and (body->>'change_id')::int = $1`,
    [change.id],
  );
  expect(rows).toEqual([{ actor: { id: null, kind: 'operator', name: 'dana' } }]);
});

test('what is sealed to a call is rejected by Signal, and never approved', async () => {
  const change = await proposal();
  await signal(change.workflow_id, 'approve', { id: 'op-1', actor: 'dana' });
  const reason = expect.stringContaining('sealed');
  expect(await refused(change)).toMatchObject({ name: 'dana', reason, status: 'pending' });
  expect((await s.call('GET', `/api/changes/${change.id}`)).body.status).toBe('pending');
  await signal(change.workflow_id, 'reject', { id: 'op-2', actor: 'dana' });
  await until(
    async () => (await s.call('GET', `/api/changes/${change.id}`)).body.status === 'rejected',
    'the rejection',
  );
});

test('where the policy forbids it, a Signal decides nothing and is written down', async () => {
  await s.owner.query('update tenants set operator_signals = false');
  const change = await request();
  await signal(change.workflow_id, 'approve', { id: 'op-3', actor: 'mallory' });
  expect(await refused(change)).toMatchObject({ name: 'mallory' });
  expect((await s.call('GET', `/api/changes/${change.id}`)).body.status).toBe('pending');
});
