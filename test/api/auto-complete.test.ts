import { startServer, until, type Answer, type Server } from '../harness';

let s: Server;
beforeAll(async () => void (s = await startServer()));
afterAll(() => s.close());

const ok = (a: Answer) => {
  if (a.status !== 200) throw new Error(`${a.status} ${a.text}`);
  return a.body;
};

test('what an agent asked for is completed with its task, unless its policy leaves that to people', async () => {
  const decider = await s.user('SECURITY_ANALYST');
  const { id: ticket } = ok(await s.call('POST', '/api/tickets', { title: 'web-1 is slow', auto_assign: false }));
  const { agent_id: agent } = ok(await s.call('POST', `/api/tickets/${ticket}/assign-agent`, {}));
  const statusOf = async (id: number) => ok(await s.call('GET', `/api/changes/${id}`)).status as string;
  const approved = async (approval_policy: object): Promise<number> => {
    const asked = { ticket_id: ticket, agent_id: agent, action: 'restart', target: 'web-1', approval_policy };
    const id = ok(await s.call('POST', '/api/changes/request', asked)).change_id as number;
    ok(await s.as(decider.token)('POST', `/api/changes/${id}/approve`, {}));
    return id;
  };
  const plain = await approved({});
  const [kept, manual] = [await approved({ auto_complete: false }), await approved({ manual_completion_required: true })];
  // The task ends with what it proposes.
  await until(async () => {
    const { changes } = ok(await s.call('GET', `/api/changes?agent_id=${agent}&status=pending`));
    for (const { id } of changes) await s.as(decider.token)('POST', `/api/changes/${id}/reject`, { reason: 'no' });
    return ok(await s.call('GET', `/api/agents/${agent}`)).status === 'finished';
  }, 'the agent to finish');
  await until(async () => (await statusOf(plain)) === 'completed', 'the change to be completed');
  expect([await statusOf(kept), await statusOf(manual)]).toEqual(['approved', 'approved']);
  const { audit } = ok(await s.call('GET', `/api/dashboard/audit?action=change_auto_completed`));
  expect(audit).toEqual([expect.objectContaining({ actor: 'agent-supervisor', target: `change_${plain}`, ticket_id: ticket })]);
}); // prettier-ignore
