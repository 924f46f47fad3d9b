import { v7 } from 'uuid';
import { agentScopes } from '../../domain/scopes';
import { newApiKey } from '../../log/credentials';
import { until, type Server } from '../harness';

// Agents at work, for the tests of their doors.

const line = (i: number): string =>
  `Dec 10 06:55:${String(i % 60).padStart(2, '0')} LabSZ sshd[2420${i % 10}]: Failed password for root from 183.62.140.253 port 5${i}22 ssh2`;

/** A ticket with a log that an analyst has something to say about: its agent proposes a report and waits. */
export async function ticketWithLog(server: Server, body: Record<string, unknown> = {}): Promise<number> {
  const made = await server.call('POST', '/api/tickets', {
    title: 'SSH logins fail',
    description: 'Many failed passwords',
    ...body,
  });
  const form = new FormData();
  form.append('file', new Blob([Array.from({ length: 120 }, (_, i) => line(i)).join('\n')]), 'ssh.log');
  const attached = await server.call('POST', `/api/tickets/${made.body.id}/attachments`, form);
  expect([made.status, attached.status]).toEqual([200, 200]);
  return made.body.id as number;
}

export async function assign(server: Server, ticket: number): Promise<number> {
  const spawned = await server.call('POST', `/api/tickets/${ticket}/assign-agent`, {});
  expect(spawned.status).toBe(200);
  return spawned.body.agent_id as number;
}

export const agentIs = (server: Server, agent: number, ...statuses: string[]) =>
  until(
    async () => {
      const { body } = await server.call('GET', `/api/agents/${agent}`);
      return statuses.includes(body.status as string) ? body : null;
    },
    `agent ${agent} to be ${statuses.join(' or ')}`,
  );

/** An agent on a ticket of its own, waiting for people to decide on its report. */
export async function waitingAgent(server: Server): Promise<{ ticket: number; agent: number }> {
  const ticket = await ticketWithLog(server);
  const agent = await assign(server, ticket);
  await agentIs(server, agent, 'pending_approval');
  return { ticket, agent };
}

/** The credential of a run: its agent, and nothing but its ticket. */
export async function runKey(server: Server, agent: number): Promise<string> {
  const { key, hash, prefix } = newApiKey();
  await server.owner.query(
    `insert into api_keys (id, tenant_id, name, key_hash, key_prefix, role, scopes, agent_id, run_id)
     select $1, tenant_id, 'run', $2, $3, 'agent', $4, agent_id, id from runs where number = $5`,
    [v7(), hash, prefix, agentScopes, agent],
  );
  return key;
}

/** The credential of another run of the same agent, on the same ticket. */
export async function siblingKey(server: Server, agent: number): Promise<string> {
  const { agent: other } = await waitingAgent(server);
  const moved = await server.owner.query(
    `update runs o set ticket_id = r.ticket_id, task_type = 'ad_hoc' from runs r where r.number = $1 and o.number = $2 and o.agent_id = r.agent_id`,
    [agent, other],
  );
  expect(moved.rowCount).toBe(1);
  return runKey(server, other);
}

export const kindsOfRun = async (server: Server, agent: number): Promise<string[]> => {
  const { rows } = await server.owner.query<{ kind: string }>(
    'select l.kind from log l join runs r on r.id = l.run_id where r.number = $1 order by l.seq',
    [agent],
  );
  return rows.map((r) => r.kind);
};
