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

async function proposal() {
  const { body: ticket } = await s.call('POST', '/api/tickets', { title: 'by signal', ticket_class: 'Incident' });
  const form = new FormData();
  form.set('file', new Blob([demoLog()]), 'auth.log');
  await s.call('POST', `/api/tickets/${ticket.id}/attachments`, form);
  const { body: agent } = await s.call('POST', `/api/tickets/${ticket.id}/assign-agent`, {});
  const change = await until(
    async () => (await s.call('GET', `/api/changes?agent_id=${agent.agent_id}&status=pending`)).body.changes[0],
    'the proposal',
  );
  return { agent: agent.agent_id as number, change };
}
const endOf = (agent: number) =>
  until(async () => {
    const { body } = await s.call('GET', `/api/agents/${agent}`);
    return body.status === 'finished' ? body : null;
  }, 'the run to finish');

test('an operator approves with `temporal workflow signal`; a repeat and a late rejection change nothing', async () => {
  const { agent, change } = await proposal();
  await signal(change.workflow_id, 'approve', { id: 'op-1', actor: 'dana' });
  await signal(change.workflow_id, 'approve', { id: 'op-1', actor: 'dana' }).catch((e: Error) =>
    expect(e.message).toMatch(/completed|not found/),
  ); // it may be over already
  expect((await endOf(agent)).current_task.output).toContain('published at');
  const { body } = await s.call('GET', `/api/changes/${change.id}`);
  expect(body).toMatchObject({ status: 'completed', approved_by: 'dana' });
  const { rows } = await s.owner.query(
    `select actor, body from log where kind = 'gate.approved' and (body->>'change_id')::int = $1`,
    [change.id],
  );
  expect(rows).toEqual([expect.objectContaining({ actor: { id: null, kind: 'operator', name: 'dana' } })]);
});

test('where the policy forbids it, a Signal decides nothing and is written down', async () => {
  await s.owner.query('update tenants set operator_signals = false');
  const { change } = await proposal();
  await signal(change.workflow_id, 'approve', { id: 'op-2', actor: 'mallory' });
  await until(
    async () =>
      (
        await s.owner.query(
          `select 1 from log where kind = 'gate.decision_refused' and (body->>'change_id')::int = $1`,
          [change.id],
        )
      ).rowCount,
    'the refusal in the log',
  );
  expect((await s.call('GET', `/api/changes/${change.id}`)).body.status).toBe('pending');
});
