import { randomUUID } from 'node:crypto';
import { caller, until, withoutTemporal, type Server } from '../harness';
import { runKey, waitingAgent } from './working';

/** What becomes of a request for access that is made again. */
export function repeats(server: () => Server): void {
  const gitlab = { resource: 'GitLab project demo/private-infra', permission: 'read', assignment_group: 'DevSecOps' };
  const ask = (ticket: number, body: object, headers = {}) =>
    server().call('POST', `/api/tickets/${ticket}/access-request`, body, headers);
  const accessOf = async (ticket: number) =>
    (await server().call('GET', `/api/tickets/${ticket}/access-requests`)).body.access_requests;

  it('answers a repeat with the first', async () => {
    const { ticket } = await waitingAgent(server());
    const key = { 'idempotency-key': randomUUID() };
    const first = await ask(ticket, gitlab, key);
    await server().owner.query('delete from idempotency_keys');
    expect((await ask(ticket, gitlab, key)).body).toEqual(first.body);
    expect(await accessOf(ticket)).toHaveLength(1);
    const deaf = await withoutTemporal(server());
    const unheard = caller(deaf.url, (await server().user('ADMIN')).token)(
      'POST',
      `/api/tickets/${ticket}/access-request`,
      gitlab,
    );
    expect((await unheard.finally(() => deaf.close())).body.error).toContain('with the same Idempotency-Key only');
  });

  it('is one as long as it is open, however often its agent asks for the same', async () => {
    const { ticket, agent } = await waitingAgent(server());
    const call = server().as(await runKey(server(), agent));
    const asks = (body: object = {}, headers = {}) =>
      call('POST', `/api/tickets/${ticket}/access-request`, { ...gitlab, agent_id: agent, ...body }, headers);
    const answers = await Promise.all([{ reason: '403' }, { reason: 'still 403' }, {}].map((body) => asks(body)));
    const keyed = await asks({}, { 'idempotency-key': randomUUID() });
    const first = keyed.body.access_request_id as number;
    expect(answers.map((a) => a.body.access_request_id)).toEqual([first, first, first]);
    expect(await accessOf(ticket)).toHaveLength(1);
    expect((await asks({ permission: 'write' })).body.access_request_id).not.toBe(first);
    expect((await ask(ticket, gitlab)).body.access_request_id).not.toBe(first); // a person's own
    await server().call('POST', `/api/changes/${keyed.body.change_id}/reject`, { reason: 'no' });
    await until(async () => (await accessOf(ticket))[0].status === 'rejected', 'the first to be over');
    expect((await asks()).body.access_request_id).not.toBe(first);
  });
}
