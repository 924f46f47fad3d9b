import type { Server } from '../harness';
import { agentIs, waitingAgent } from './working';

/** Whose an access request is, by the RACI matrix, and what their word does. */
export function owners(server: () => Server): void {
  describe('whose it is to decide', () => {
    const call: Server['call'] = (...asked) => server().call(...asked);
    const ask = (ticket: number, body: object) => call('POST', `/api/tickets/${ticket}/access-request`, body);
    const rule = (body: object) => call('POST', '/api/intake/raci/rules', body);
    const wiki = { resource: 'the wiki of finance', permission: 'read access', reason: 'the report is there' };
    const ticketOf = async () =>
      (await call('POST', '/api/tickets', { title: 'Who may say', auto_assign: false })).body.id as number;

    it('is said by the rule about access that fits best; else those who look after identities', async () => {
      const ticket = await ticketOf();
      const nobodys = (await ask(ticket, wiki)).body;
      expect(nobodys).toMatchObject({
        assignment_group: 'Identity & Access',
        access_raci: { responsible: 'Identity & Access', accountable: 'Data Owner', rule_id: null },
      });
      await rule({ name: 'Not about that', intent: 'outage', keywords: ['wiki'], assignment_group: 'Network' });
      const made = await rule({
      name: 'Finance data', intent: 'access-request', keywords: ['wiki of finance'], assignment_group: 'Finance IT',
      accountable: 'CFO', consulted: ['Audit'], informed: ['Owner of the wiki'],
    }); // prettier-ignore
      await rule({
        name: 'Access to anything',
        intent: 'general',
        keywords: ['access'],
        assignment_group: 'Service Desk',
      });
      const asked = (await ask(ticket, { ...wiki, account_ref: 'fin-7', requester: 'Rita' })).body;
      expect(asked).toMatchObject({
      assignment_group: 'Finance IT',
      access_raci: {
        responsible: 'Finance IT', accountable: 'CFO', consulted: ['Audit'], informed: ['Owner of the wiki'], rule_id: made.body.id,
      },
      access_ticket: {
        owning_group: 'Finance IT', requester_name: 'Rita', created_by: 'Rita', provider: 'local', provider_sync_status: 'local_only',
      },
    }); // prettier-ignore
      for (const words of [
        `For ticket ${ticket}`,
        'read access on the wiki of finance',
        'fin-7',
        'CFO',
        'Audit',
        'the report is there',
      ])
        expect(asked.access_ticket.description).toContain(words);
      const change = (await call('GET', `/api/changes/${asked.change_id}`)).body;
      expect(change.approval_policy).toMatchObject({
      access_request: true, access_request_id: asked.access_request_id, access_request_ticket_id: asked.access_ticket_id,
      parent_ticket_id: ticket, account_ref: 'fin-7', assignment_group: 'Finance IT', auto_complete: false,
      access_raci: { accountable: 'CFO' },
    }); // prettier-ignore
      // Who names a group has it, and the rule of that group still says who else has a part in it.
      const named = (await ask(ticket, { ...wiki, assignment_group: 'Service Desk' })).body;
      expect(named).toMatchObject({ assignment_group: 'Service Desk', access_raci: { responsible: 'Service Desk' } });
      expect(named.access_raci.rule_id).not.toBeNull();
    });

    it('decides lets the ticket’s agent go on with its task, when it was asked for no agent and none is at work', async () => {
      const { ticket, agent } = await waitingAgent(server());
      const { token, email } = await server().user('SECURITY_ANALYST');
      const as = server().as(token);
      const ends = async (number: number) => {
        await agentIs(server(), number, 'pending_approval');
        const { changes } = (await call('GET', `/api/changes?agent_id=${number}&status=pending`)).body;
        await as('POST', `/api/changes/${changes[0].id}/reject`, { reason: 'not now' });
        await agentIs(server(), number, 'finished');
      };
      const yes = async (change: number) =>
        (await as('POST', `/api/changes/${change}/approve`, { reason: 'fine' })).body;
      const approve = async () => yes((await ask(ticket, wiki)).body.change_id as number);
      expect(await approve()).toMatchObject({
        status: 'approved',
        resume: { status: 'already_active', agent_id: agent },
      });
      await ends(agent);
      const { change_id } = (await ask(ticket, wiki)).body;
      const resumed = await yes(change_id as number);
      expect(resumed).toMatchObject({ status: 'approved', resume: { status: 'resumed', task_id: expect.any(Number) } });
      expect(resumed.resume.agent_id).not.toBe(agent);
      expect((await call('GET', `/api/tickets/${ticket}`)).body.agent_id).toBe(resumed.resume.agent_id);
      // Said again, after the agent that went on has ended as well: it is what came of it, and no other follows.
      await ends(resumed.resume.agent_id as number);
      expect(await yes(change_id as number)).toMatchObject({ already_approved: true, resume: resumed.resume });
      const { rows } = await server().owner.query(
        'select 1 from runs r join tickets t on t.id = r.ticket_id where t.number = $1',
        [ticket],
      );
      expect(rows).toHaveLength(2);
      // Of a quorum as well: whoever did not hear what their vote came to hears it when they vote again.
      await call('POST', '/api/approver-groups', { name: 'owners', members: [email] });
      const made = await call('POST', '/api/approval-rules', {
        name: 'x',
        action: 'grant_access',
        quorum: '1 of owners',
      });
      expect(made.status).toBe(200);
      const voted = (await ask(ticket, wiki)).body.change_id as number;
      const hasAgent = (number: number | null) =>
        server().owner.query('update tickets set run_id = (select id from runs where number = $1) where number = $2', [number, ticket]); // prettier-ignore
      await hasAgent(null);
      expect(await yes(voted)).toMatchObject({ status: 'approved', resume: { status: 'not_resumed' } });
      await hasAgent(resumed.resume.agent_id as number);
      expect(await yes(voted)).toMatchObject({ status: 'approved', resume: { status: 'resumed' } });
      await call('DELETE', `/api/approval-rules/${made.body.id}`);
    });
  });
}
