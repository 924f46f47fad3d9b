import { startServer, type Server } from '../harness';
import { agentIs, ticketWithLog, waitingAgent } from './working';

let server: Server;
beforeAll(async () => void (server = await startServer()));
afterAll(() => server.close());

const set = async (ticket: number, what: 'postmortem' | 'workflow'): Promise<number> => {
  const spawned = await server.call('POST', `/api/tickets/${ticket}/${what}`, { context: 'mind the passwords' });
  expect(spawned).toMatchObject({ status: 200, body: { status: 'spawned', ticket_id: ticket, priority_rank: 3 } });
  await agentIs(server, spawned.body.agent_id as number, 'finished');
  return spawned.body.agent_id as number;
};

test('a postmortem is written beside the agent that works, and of a closed ticket; where one stands, no other is', async () => {
  const { ticket, agent: working } = await waitingAgent(server);
  await server.call('POST', `/api/tickets/${ticket}/status`, { status: 'resolved' });
  const agent = await set(ticket, 'postmortem');
  const { postmortems } = (await server.call('GET', `/api/postmortems?ticket_id=${ticket}`)).body;
  expect(postmortems).toMatchObject([{ status: 'ready_for_review', ticket_id: ticket, agent_id: agent }]);
  expect(postmortems[0].documentation).toContain(`agent ${agent} finished and left none`);
  expect((await server.call('GET', `/api/tickets/${ticket}`)).body).toMatchObject({
    status: 'resolved',
    agent_id: working,
  });
  await set(ticket, 'postmortem');
  expect((await server.call('GET', `/api/postmortems?ticket_id=${ticket}`)).body.total).toBe(1);
});

test('a workflow is a draft for people to review; where one lives under its key, it is theirs to change', async () => {
  const ticket = await ticketWithLog(server);
  await set(ticket, 'workflow');
  const { workflows } = (await server.call('GET', '/api/workflows')).body;
  expect(workflows).toMatchObject([
    { status: 'draft', approval_policy: { requires_human_review_before_activation: true } },
  ]);
  await set(ticket, 'workflow');
  const again = (await server.call('GET', '/api/workflows')).body.workflows;
  expect(again.map((w: { id: number; version: number }) => [w.id, w.version])).toEqual([[workflows[0].id, 1]]);
});
