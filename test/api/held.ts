import { z } from 'zod';
import type { Harness } from '../../domain/harness';
import { tool } from '../../pipeline/call';
import { startWorker, type RunningWorker } from '../../workers/main';
import { startServer, until, type Server } from '../harness';

// Agents that work until they are let go: each in one slow call.

export interface Held {
  server: Server;
  /** Lets the agent of a ticket finish, as soon as it holds. */
  letGo(ticket: number): Promise<void>;
  /** Another worker takes over. */
  newWorker(): Promise<void>;
  /** A ticket with an agent on it. */
  spawn(more?: { priority?: string; profile_id?: string }, token?: string): Promise<{ ticket: number; agent: number }>;
  status(agent: number): Promise<string>;
  is(agent: number, ...statuses: string[]): Promise<unknown>;
  close(): Promise<void>;
} // prettier-ignore

export async function startHeld(): Promise<Held> {
  const server = await startServer({}, { worker: false });
  const holding = new Map<number, () => void>();
  const hold = tool({
    name: 'test.hold', description: 'Holds until it is let go', effect: 'read', scope: 'tickets:read', content: 'prose',
    args: z.object({ ticket: z.int() }), target: ({ ticket }) => `ticket ${ticket}`, slow: () => Promise.resolve(true),
    run: ({ ticket }, { signal }) =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('no longer wanted')), { once: true });
        holding.set(ticket, () => resolve('let go'));
      }),
  }); // prettier-ignore
  const harness: Harness = {
    name: 'embedded',
    next: ({ ticket }, observations) =>
      observations.length
        ? { kind: 'finish', summary: 'let go' }
        : { kind: 'call', tool: hold.name, args: { ticket: ticket.number }, why: 'to be at work' },
  };
  await server.owner.query(
    `create function grant_hold() returns trigger language plpgsql as $$ begin
       insert into agent_grants (id, tenant_id, agent_id, tool, effect) values (gen_random_uuid(), new.tenant_id, new.id, 'test.hold', 'ALLOW');
       return new; end $$;
     create trigger grant_hold after insert on agents for each row execute function grant_hold();
     insert into agent_grants (id, tenant_id, agent_id, tool, effect)
       select gen_random_uuid(), tenant_id, id, 'test.hold', 'ALLOW' from agents`,
  );
  const begin = (): Promise<RunningWorker> => startWorker(server.config, { tools: [hold], harnesses: [harness] });
  let worker = await begin();
  const status = async (agent: number): Promise<string> =>
    (await server.owner.query<{ status: string }>('select status from runs where number = $1', [agent])).rows[0]
      ?.status ?? '';
  return {
    server,
    async letGo(ticket) {
      (await until(() => Promise.resolve(holding.get(ticket)), `the agent of ticket ${ticket} to hold`))();
      holding.delete(ticket);
    },
    async newWorker() {
      await worker.close();
      holding.clear();
      worker = await begin();
    },
    async spawn({ priority, profile_id: profile } = {}, token = server.token) {
      const call = server.as(token);
      const made = await call('POST', '/api/tickets', { title: 'Held', auto_assign: false, ...(priority && { priority }) });
      const spawned = await call('POST', '/api/agents/spawn', {
        ticket_id: made.body.id,
        ...(profile && { profile_id: profile }),
      });
      expect(spawned.status).toBe(200);
      return { ticket: made.body.id as number, agent: spawned.body.agent_id as number };
    },
    status,
    is: (agent, ...statuses) =>
      until(async () => statuses.includes(await status(agent)), `agent ${agent} to be ${statuses.join(' or ')}`),
    async close() {
      await worker.close();
      await server.close();
    },
  }; // prettier-ignore
}
